package awssim

import (
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// deleteLaunchTemplateVersions answers for each version by itself. The default
// one goes with its template only.
func deleteLaunchTemplateVersions(c *call) ([]wire.Node, error) {
	l, err := c.launchTemplate(c.q)
	if err != nil {
		return nil, err
	}
	names := c.q.List("LaunchTemplateVersion")
	switch {
	case len(names) == 0:
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter LaunchTemplateVersion")
	case len(names) > 200:
		return nil, wire.BadRequest("InvalidParameterValue", "At most 200 versions can be deleted at once.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	gone, kept := wire.Node{Name: "successfullyDeletedLaunchTemplateVersionSet"}, wire.Node{Name: "unsuccessfullyDeletedLaunchTemplateVersionSet"}
	for _, name := range names {
		n, err := strconv.Atoi(name)
		at := slices.IndexFunc(l.Versions, func(v templateVersion) bool { return err == nil && v.Number == n })
		item := wire.El("item", wire.Str("launchTemplateId", l.ID), wire.Str("launchTemplateName", l.Name), wire.Int("versionNumber", n))
		switch {
		case at < 0:
			item.Kids = append(item.Kids, versionError("launchTemplateVersionDoesNotExist", "The specified launch template version does not exist."))
			kept.Kids = append(kept.Kids, item)
		case n == l.Default:
			item.Kids = append(item.Kids, versionError("unexpectedError", "The default version cannot be deleted. Make another version the default, or delete the launch template."))
			kept.Kids = append(kept.Kids, item)
		default:
			l.Newest = max(l.Newest, l.latest())
			l.Versions = slices.Delete(slices.Clone(l.Versions), at, at+1)
			gone.Kids = append(gone.Kids, item)
		}
	}
	return []wire.Node{gone, kept}, c.st.templates.put(l)
}

func versionError(code, message string) wire.Node {
	return wire.El("responseError", wire.Str("code", code), wire.Str("message", message))
}

func (c *call) filteredVersions(l *launchTemplate, rows []*templateVersion) (out []*templateVersion, err error) {
	for _, v := range rows {
		ok, err := wire.Match(c.q.Filters(), nil, func(name string) ([]string, bool) {
			return shown(c.q.Str("Action"), name, func() []wire.Node { return c.versionXML(l, *v) })
		})
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, v)
		}
	}
	return out, nil
}

// describeLaunchTemplateVersions shows a template's versions, newest first.
func describeLaunchTemplateVersions(c *call) ([]wire.Node, error) {
	l, err := c.launchTemplate(c.q)
	if err != nil {
		return nil, err
	}
	low, high := c.q.Int("MinVersion", 1), c.q.Int("MaxVersion", l.latest())
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	var rows []*templateVersion
	for _, name := range c.q.List("LaunchTemplateVersion") {
		v, err := l.version(name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, v)
	}
	if len(rows) == 0 {
		for i := range l.Versions {
			rows = append(rows, &l.Versions[i])
		}
	}
	rows = slices.DeleteFunc(rows, func(v *templateVersion) bool { return v.Number < low || v.Number > high })
	if rows, err = c.filteredVersions(l, rows); err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b *templateVersion) int { return b.Number - a.Number })
	size := c.q.Int("MaxResults", 0)
	page, next, err := wire.Page(rows, func(v *templateVersion) string { return strconv.Itoa(maxTemplateVersions*10 - v.Number) }, c.q.Str("NextToken"), size)
	if err != nil {
		return nil, err
	}
	set := wire.List("launchTemplateVersionSet", "item", page, func(v *templateVersion) []wire.Node { return c.versionXML(l, *v) })
	return append([]wire.Node{set}, wire.Optional(next != "", wire.Str("nextToken", next))...), nil
}

func (c *call) versionXML(l *launchTemplate, v templateVersion) []wire.Node {
	out := []wire.Node{wire.Str("launchTemplateId", l.ID), wire.Str("launchTemplateName", l.Name), wire.Int("versionNumber", v.Number), wire.Time("createTime", v.CreatedAt),
		wire.Str("createdBy", c.who.arn()), wire.Bool("defaultVersion", v.Number == l.Default)}
	out = append(out, wire.Optional(v.Description != "", wire.Str("versionDescription", v.Description))...)
	data, err := templateQuery(v.Data)
	if err != nil {
		return out // it was read when it was made
	}
	return append(out, wire.El("launchTemplateData", data.XML(setNames)...))
}

// setNames says what lists of a launch's parameters are called in an answer:
// mostly by their name and "Set".
func setNames(path string) (set, item string) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case name == "LicenseSpecification":
		return "licenseSet", "item"
	case name == "SecurityGroupId" && strings.HasPrefix(path, "NetworkInterface."):
		return "groupSet", "groupId"
	}
	return strings.ToLower(name[:1]) + name[1:] + "Set", "item"
}
