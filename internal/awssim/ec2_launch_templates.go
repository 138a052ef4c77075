package awssim

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"drawbridge/internal/awssim/wire"
)

// launchTemplate keeps parameters of launches in numbered versions.
type launchTemplate struct {
	ID          string
	Name        string
	CreatedAt   time.Time
	Default     int
	ClientToken string
	Versions    []templateVersion // in their order; a deleted one leaves a gap
	Newest      int               // number that was given last, of a version that may be gone
	Tags        tags
}

type templateVersion struct {
	Number      int
	Description string
	CreatedAt   time.Time
	Data        map[string]string // parameters of RunInstances, by name
}

func (l *launchTemplate) latest() int { return l.Versions[len(l.Versions)-1].Number }

// maxTemplateVersions of a template.
const maxTemplateVersions = 10_000

var (
	templateID = regexp.MustCompile(`^lt-[0-9a-f]{8,17}$`)
	// A parameter by its path, which is written as XML again.
	templateParameter = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(\.([A-Z][A-Za-z0-9]*|\d+))*$`)
	templateName      = regexp.MustCompile(`^[a-zA-Z0-9()./_-]{3,128}$`)
)

func missingTemplate(id string) error {
	return wire.BadRequest("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", id)
}

func missingTemplateName(name string) error {
	return wire.BadRequest("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name %s, does not exist.", name)
}

// launchTemplate finds the one that q names by id or by name.
func (c *call) launchTemplate(q wire.Query) (*launchTemplate, error) {
	id, name := q.Str("LaunchTemplateId"), q.Str("LaunchTemplateName")
	switch {
	case (id == "") == (name == ""):
		return nil, wire.BadRequest("MissingParameter", "Either LaunchTemplateId or LaunchTemplateName must be specified, and not both.")
	case name != "":
		l := c.st.templates.find(func(l *launchTemplate) bool {
			return l.Name == name && !c.concealed(freshKey(c.st.templates.kind, l.ID), c.now)
		})
		if l == nil {
			return nil, missingTemplateName(name)
		}
		return l, nil
	case !templateID.MatchString(id):
		return nil, wire.BadRequest("InvalidLaunchTemplateId.Malformed", "Invalid launch template ID: %q", id)
	}
	l, ok := found(c.Sim, c.st.templates, id, c.now)
	if !ok {
		return nil, missingTemplate(id)
	}
	return l, nil
}

// version finds a version by its number, "$Latest" or "$Default".
func (l *launchTemplate) version(name string) (*templateVersion, error) {
	n, err := strconv.Atoi(name)
	switch {
	case name == "$Latest":
		n = l.latest()
	case name == "$Default" || name == "":
		n = l.Default
	case err != nil:
		return nil, wire.BadRequest("InvalidLaunchTemplateId.VersionNotFound", "Invalid launch template version: %s", name)
	}
	at := slices.IndexFunc(l.Versions, func(v templateVersion) bool { return v.Number == n })
	if at < 0 {
		return nil, wire.BadRequest("InvalidLaunchTemplateId.VersionNotFound", "Could not find the specified version %s for the launch template with ID %s.", name, l.ID)
	}
	return &l.Versions[at], nil
}

// templateData reads LaunchTemplateData, over what is in below.
func (c *call) templateData(below map[string]string) (map[string]string, error) {
	sent := c.q.Sub("LaunchTemplateData")
	if len(sent.Values()) == 0 && below == nil {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter LaunchTemplateData")
	}
	base, err := templateQuery(below)
	if err != nil {
		return nil, err
	}
	data := sent.Over(base).Values()
	for name := range data {
		if !templateParameter.MatchString(name) {
			return nil, wire.BadRequest("UnknownParameter", "The parameter LaunchTemplateData.%s is not recognized", name)
		}
	}
	if _, err := decodeUserData(data["UserData"]); err != nil {
		return nil, err
	}
	return data, nil
}

func templateQuery(data map[string]string) (wire.Query, error) {
	form := url.Values{}
	for name, value := range data {
		form.Set(name, value)
	}
	return wire.ParseQuery(form)
}

// createLaunchTemplate answers a repeated client token with what it made.
func createLaunchTemplate(c *call) ([]wire.Node, error) {
	name, token := c.q.Str("LaunchTemplateName"), c.q.Str("ClientToken")
	data, err := c.templateData(nil)
	if err != nil {
		return nil, err
	}
	t, err := c.tagSpecs("launch-template")
	if err != nil {
		return nil, err
	}
	if !templateName.MatchString(name) {
		return nil, wire.BadRequest("InvalidLaunchTemplateName.MalformedException", "A launch template name must be between 3 and 128 characters, and may contain letters, numbers and the characters ( ) . - / _")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if old := c.st.templates.find(func(l *launchTemplate) bool { return l.Name == name }); old != nil {
		if token != "" && old.ClientToken == token {
			return []wire.Node{wire.El("launchTemplate", c.templateXML(old)...)}, nil
		}
		return nil, wire.BadRequest("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	l := &launchTemplate{ID: ec2ID("lt"), Name: name, CreatedAt: c.now, Default: 1, ClientToken: token, Tags: t,
		Versions: []templateVersion{{Number: 1, Description: c.q.Str("VersionDescription"), CreatedAt: c.now, Data: data}}}
	return []wire.Node{wire.El("launchTemplate", c.templateXML(l)...)}, c.st.templates.put(l)
}

// createLaunchTemplateVersion takes what is not sent from SourceVersion, when
// there is one.
func createLaunchTemplateVersion(c *call) ([]wire.Node, error) {
	l, err := c.launchTemplate(c.q)
	if err != nil {
		return nil, err
	}
	var below map[string]string
	if name := c.q.Str("SourceVersion"); name != "" {
		source, err := l.version(name)
		if err != nil {
			return nil, err
		}
		below = source.Data
	}
	data, err := c.templateData(below)
	if err != nil {
		return nil, err
	}
	if len(l.Versions) >= maxTemplateVersions {
		return nil, wire.BadRequest("VersionLimitExceeded", "You have reached the limit of %d versions of a launch template.", maxTemplateVersions)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	l.Newest = max(l.Newest, l.latest()) + 1
	v := templateVersion{Number: l.Newest, Description: c.q.Str("VersionDescription"), CreatedAt: c.now, Data: data}
	l.Versions = append(slices.Clone(l.Versions), v)
	return []wire.Node{wire.El("launchTemplateVersion", c.versionXML(l, v)...)}, c.st.templates.put(l)
}

// modifyLaunchTemplate chooses the default version: nothing else changes.
func modifyLaunchTemplate(c *call) ([]wire.Node, error) {
	l, err := c.launchTemplate(c.q)
	if err != nil {
		return nil, err
	}
	v, err := l.version(c.q.Str("SetDefaultVersion"))
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	l.Default = v.Number
	return []wire.Node{wire.El("launchTemplate", c.templateXML(l)...)}, c.st.templates.put(l)
}

func deleteLaunchTemplate(c *call) ([]wire.Node, error) {
	l, err := c.launchTemplate(c.q)
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.templates.del(l.ID)
	return []wire.Node{wire.El("launchTemplate", c.templateXML(l)...)}, nil
}

func describeLaunchTemplates(c *call) ([]wire.Node, error) {
	names := c.q.List("LaunchTemplateName")
	rows := c.st.templates.list(func(l *launchTemplate) bool { return len(names) == 0 || slices.Contains(names, l.Name) })
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(l *launchTemplate) bool { return l.Name == name }) {
			return nil, missingTemplateName(name)
		}
	}
	page, next, err := describe[launchTemplate]{
		idParam: "LaunchTemplateId", rows: rows, missing: missingTemplate,
		id: func(l *launchTemplate) string { return l.ID }, tags: func(l *launchTemplate) tags { return l.Tags },
		xml: c.templateXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("launchTemplates", "item", page, c.templateXML)}, next...), nil
}

func (c *call) templateXML(l *launchTemplate) []wire.Node {
	return []wire.Node{wire.Str("launchTemplateId", l.ID), wire.Str("launchTemplateName", l.Name), wire.Time("createTime", l.CreatedAt),
		wire.Str("createdBy", c.who.arn()), wire.Int("defaultVersionNumber", l.Default), wire.Int("latestVersionNumber", l.latest()), ec2Tags(l.Tags)}
}

// useTemplate puts the parameters of the template that a launch names under
// those that it brings itself.
func (c *call) useTemplate() (id, version string, err error) {
	named := c.q.Sub("LaunchTemplate")
	if named.Str("LaunchTemplateId")+named.Str("LaunchTemplateName")+named.Str("Version") == "" {
		return "", "", nil
	}
	l, err := c.launchTemplate(named)
	if err != nil {
		return "", "", err
	}
	v, err := l.version(named.Str("Version"))
	if err != nil {
		return "", "", err
	}
	below, err := templateQuery(v.Data)
	if err != nil {
		return "", "", err
	}
	c.q = c.q.Over(below)
	return l.ID, strconv.Itoa(v.Number), nil
}

// systemTags are those that EC2 itself puts on an instance.
func (i *instance) systemTags() tags {
	if i.Template == "" {
		return nil
	}
	return tags{"aws:ec2launchtemplate:id": i.Template, "aws:ec2launchtemplate:version": i.TemplateVersion}
}

// getInstanceUefiData answers for an instance that keeps no variables.
func getInstanceUefiData(c *call) ([]wire.Node, error) {
	i, err := c.instance(c.q.Str("InstanceId"))
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.Str("instanceId", i.ID), wire.Str("uefiData", "")}, nil
}
