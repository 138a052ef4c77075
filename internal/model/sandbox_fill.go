package model

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// textKind is where a text of a spec goes, which decides what must not be in
// what is put into it.
type textKind int

const (
	textPlain    textKind = iota // checked as a whole once it is filled in
	textPath                     // the path of a request
	textTag                      // the value of a tag
	textUserData                 // read by a shell or by cloud-init, as root
)

// specText is one text of a spec in which placeholders may stand.
type specText struct {
	path string // as in Spec.Validate
	kind textKind
	text string
}

// eachText returns the spec with each text replaced by what change makes of it.
func (s Spec) eachText(change func(specText) string) Spec {
	set := func(into *string, path string, kind textKind) {
		*into = change(specText{path: path, kind: kind, text: *into})
	}
	set(&s.HealthPath, "spec.health_path", textPath)
	if s.Launch != nil {
		l := *s.Launch
		set(&l.AMI, "spec.launch.ami", textPlain)
		set(&l.InstanceType, "spec.launch.instance_type", textPlain)
		set(&l.UserData, "spec.launch.user_data", textUserData)
		set(&l.InstanceProfile, "spec.launch.instance_profile", textPlain)
		s.Launch = &l
	}
	if s.Instances != nil {
		in := *s.Instances
		in.IDs = slices.Clone(in.IDs)
		for i := range in.IDs {
			set(&in.IDs[i], "spec.instances.ids", textPlain)
		}
		s.Instances = &in
	}
	s.Tests = slices.Clone(s.Tests)
	for i := range s.Tests {
		at := fmt.Sprintf("spec.tests[%d]", i)
		set(&s.Tests[i].Name, at+".name", textPlain)
		set(&s.Tests[i].Path, at+".path", textPath)
		set(&s.Tests[i].BodyContains, at+".name", textPlain)
	}
	if s.Tags != nil {
		tags := make(map[string]string, len(s.Tags))
		for key, value := range s.Tags {
			set(&value, "spec.tags", textTag)
			tags[key] = value
		}
		s.Tags = tags
	}
	return s
}

// notInTags is what AWS does not take in a tag.
var notInTags = regexp.MustCompile(`[^\p{L}\p{Z}\p{N}_.:/=+\-@]+`)

// escape makes a value fit the place: it can say what it likes there, but not
// become anything else. User data takes only what is harmless as it is.
func (k textKind) escape(value string) string {
	switch k {
	case textPath:
		return strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(value))
	case textTag:
		return notInTags.ReplaceAllString(value, "-")
	}
	return value
}

var harmlessRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]*$`)

// harmless tells whether a value is one plain word to a shell, within quotes
// and without, and one plain scalar to YAML, so that it can end nothing and
// begin nothing.
func harmless(value string) bool { return value == "" || harmlessRE.MatchString(value) }

// shellRE finds the first line of a script for a POSIX shell.
var shellRE = regexp.MustCompile(`^#! ?(?:/usr)?/bin/(?:env )?(?:sh|bash|dash|ash|ksh|zsh)\b[^\n]*\n?`)

// withVariables has a shell's user data begin with the values as variables,
// each in single quotes, in which a shell reads nothing but text.
func withVariables(userData string, values map[string]string) string {
	first := shellRE.FindString(userData)
	if first == "" {
		return userData
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(first, "\n") + "\n")
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "export %s='%s'\n", variable(name), strings.ReplaceAll(values[name], "'", `'\''`))
	}
	b.WriteString(userData[len(first):])
	return b.String()
}

// variable is a placeholder's name in the environment of a shell.
func variable(placeholder string) string { return "SANDBOX_" + strings.ToUpper(placeholder) }
