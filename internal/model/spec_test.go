package model_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/internal/model"
)

func launchSpec(change func(*model.Spec)) model.Spec {
	s := model.Spec{Source: model.SourceLaunch, Port: 8000}.WithDefaults()
	if change != nil {
		change(&s)
	}
	return s
}

func instancesSpec(ids ...string) model.Spec {
	return model.Spec{Source: model.SourceInstances, Port: 8000, Instances: &model.Instances{IDs: ids}}.WithDefaults()
}

func TestSpec_Validate(t *testing.T) {
	t.Parallel()
	const id = "i-0a1b2c3d4e5f67890"
	for name, tc := range map[string]struct {
		spec model.Spec
		want []string // field paths, in any order
	}{
		"defaults":                {launchSpec(nil), nil},
		"existing instance":       {instancesSpec(id), nil},
		"port 0":                  {launchSpec(func(s *model.Spec) { s.Port = 0 }), []string{"spec.port"}},
		"port 65536":              {launchSpec(func(s *model.Spec) { s.Port = 65536 }), []string{"spec.port"}},
		"negative port":           {launchSpec(func(s *model.Spec) { s.Port = -1 }), []string{"spec.port"}},
		"health path without /":   {launchSpec(func(s *model.Spec) { s.HealthPath = "health" }), []string{"spec.health_path"}},
		"health path, CRLF":       {launchSpec(func(s *model.Spec) { s.HealthPath = "/a\r\nX: y" }), []string{"spec.health_path"}},
		"health path, bad escape": {launchSpec(func(s *model.Spec) { s.HealthPath = "/%zz" }), []string{"spec.health_path"}},
		"unknown source":          {model.Spec{Source: "magic", Port: 1, HealthPath: "/"}, []string{"spec.source"}},
		"no instances":            {instancesSpec(), []string{"spec.instances.ids"}},
		"not an instance id":      {instancesSpec("i-x; rm -rf /"), []string{"spec.instances.ids"}},
		"instance twice":          {instancesSpec(id, id), []string{"spec.instances.ids"}},
		"both sources":            {launchSpec(func(s *model.Spec) { s.Instances = &model.Instances{} }), []string{"spec.instances"}},
		"AMI":                     {launchSpec(func(s *model.Spec) { s.Launch.AMI = "ubuntu" }), []string{"spec.launch.ami"}},
		"instance type":           {launchSpec(func(s *model.Spec) { s.Launch.InstanceType = "big" }), []string{"spec.launch.instance_type"}},
		"count":                   {launchSpec(func(s *model.Spec) { s.Launch.Count = 11 }), []string{"spec.launch.count"}},
		"user data, no shebang":   {launchSpec(func(s *model.Spec) { s.Launch.UserData = "echo hi" }), []string{"spec.launch.user_data"}},
		"user data too long": {launchSpec(func(s *model.Spec) { s.Launch.UserData = "#!" + strings.Repeat("x", model.MaxUserData) }),
			[]string{"spec.launch.user_data"}},
		"user data with NUL":   {launchSpec(func(s *model.Spec) { s.Launch.UserData = "#!/bin/sh\x00" }), []string{"spec.launch.user_data"}},
		"instance profile":     {launchSpec(func(s *model.Spec) { s.Launch.InstanceProfile = "a b" }), []string{"spec.launch.instance_profile"}},
		"reserved tag":         {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{"drawbridge:backend": "x"} }), []string{"spec.tags"}},
		"AWS's own tag":        {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{"AWS:x": "y"} }), []string{"spec.tags"}},
		"long tag key":         {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{strings.Repeat("ä", 129): "y"} }), []string{"spec.tags"}},
		"long tag value":       {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{"a": strings.Repeat("ä", 257)} }), []string{"spec.tags"}},
		"empty tag key":        {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{"": "y"} }), []string{"spec.tags"}},
		"tag with NUL":         {launchSpec(func(s *model.Spec) { s.Tags = map[string]string{"a\x00": "y"} }), []string{"spec.tags"}},
		"test's method":        {launchSpec(func(s *model.Spec) { s.Tests[1].Method = "TRACE" }), []string{"spec.tests[1].method"}},
		"test's path":          {launchSpec(func(s *model.Spec) { s.Tests[0].Path = "//evil.example/" + "\n" }), []string{"spec.tests[0].path"}},
		"test's text with NUL": {launchSpec(func(s *model.Spec) { s.Tests[0].BodyContains = "a\x00" }), []string{"spec.tests[0].name"}},
		"two tests, one name":  {launchSpec(func(s *model.Spec) { s.Tests[1].Name = s.Tests[0].Name }), []string{"spec.tests[1].name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.spec.Validate()
			if got := paths(err); !slices.Equal(got, tc.want) {
				t.Errorf("refused fields %v, want %v (%v)", got, tc.want, err)
			}
			if err != nil && model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("code %s", model.CodeOf(err))
			}
		})
	}
}

func paths(err error) []string {
	var e *model.Error
	if !errors.As(err, &e) {
		return nil
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Path)
	}
	return got
}

func TestSpec_WithDefaults_keepsTheCallersTests(t *testing.T) {
	t.Parallel()
	mine := []model.RouteTest{{Path: "/x"}}
	s := model.Spec{Source: model.SourceLaunch, Tests: mine}.WithDefaults()
	if mine[0].Method != "" {
		t.Error("the caller's slice was written to")
	}
	want := model.RouteTest{Name: "GET /x", Method: "GET", Path: "/x", ExpectStatus: 200}
	if s.Tests[0] != want {
		t.Errorf("got %+v", s.Tests[0])
	}
	if got := (model.Spec{Source: model.SourceLaunch, Tests: []model.RouteTest{}}).WithDefaults().Tests; len(got) != 0 {
		t.Errorf("an empty list is a choice; got %v", got)
	}
}

// ELBv2's rule for names of load balancers and target groups (docs/aws-facts.md, section A5).
var elbName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

func TestBackend_AWSName_isOneThatAWSTakes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9-]{1,24}`).Draw(t, "name")
		if model.ValidateBackendName(name) != "" {
			t.Skip("refused at the form")
		}
		b := model.Backend{ID: model.NewID(model.PrefixBackend), Name: name}
		for _, role := range []string{"alb", "tg"} {
			got := b.AWSName(role)
			if !elbName.MatchString(got) || strings.HasPrefix(got, "internal-") {
				t.Fatalf("AWS would refuse %q", got)
			}
		}
	})
}

func TestValidateBackendName_refuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "-a", "a-", "a--b", "A", "a_b", "internal-a", "a b", "ä", "a\x00", strings.Repeat("a", 21), "$(reboot)"} {
		if model.ValidateBackendName(name) == "" {
			t.Errorf("%q was let through", name)
		}
	}
}
