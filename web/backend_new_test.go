package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// typed is the form as a browser sends its defaults, with changes.
func typed(change ...string) url.Values {
	v := url.Values{
		"name": {"orders-api"}, "environment_id": {"env_local"}, "source": {"launch"}, "port": {"8000"},
		"health_path": {"/health"}, "count": {"1"}, "instance_type": {"t3.micro"}, "add_rule": {"1"},
		"tests": {"GET / 200\r\nGET /service-a 200\r\nGET /service-b 200"}, "tags": {""},
	}
	for i := 0; i+1 < len(change); i += 2 {
		v.Set(change[i], change[i+1])
	}
	return v
}

func TestFormHasSensibleDefaultsAndAWordForEachField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := want(t, s.as(developer, http.MethodGet, pathBackendNew(), nil), http.StatusOK,
		`value="8000"`, `value="/health"`, `value="t3.micro"`, "GET /service-b 200", `value="env_local" selected`, `hx-get="/backends/new/instances"`)
	for name := range typed() {
		if name == "source" {
			continue
		}
		if !strings.Contains(body, `id="f-`+name+`-help"`) || !strings.Contains(body, `for="f-`+name+`"`) {
			t.Errorf("%s has no label or no explanation", name)
		}
	}
	if strings.Contains(body, "aria-invalid") || strings.Contains(body, "Nothing was saved") {
		t.Error("a fresh form complains")
	}
}

func TestRegisteringLeadsToThePlan(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.as(developer, http.MethodPost, pathBackendNew(), typed("tags", "team=orders", "user_data", "#!/bin/sh\r\necho hi\r\n"))
	if r.StatusCode != http.StatusSeeOther {
		want(t, r, http.StatusSeeOther)
	}
	all, err := s.web.panel.Backends(t.Context(), developer, panel.BackendFilter{})
	if err != nil || len(all) != 1 {
		t.Fatalf("backends %v, %v", all, err)
	}
	b := all[0]
	if to := r.Header.Get("Location"); to != pathBackendPlan(b.ID, model.OpProvision) {
		t.Errorf("leads to %s", to)
	}
	if b.Spec.Launch.UserData != "#!/bin/sh\necho hi" || b.Spec.Tags["team"] != "orders" || len(b.Spec.Tests) != 3 {
		t.Errorf("spec %+v", b.Spec)
	}
}

func TestRefusedFormKeepsTheTextAndSpeaksAtTheField(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, row := range map[string]struct {
		form  url.Values
		field string
		parts []string
	}{
		"name":             {typed("name", "Orders API"), "name", []string{`value="Orders API"`, "AWS refuses other names"}},
		"port 0":           {typed("port", "0"), "port", []string{`value="0"`, "0 is not a port"}},
		"port in words":    {typed("port", "eight"), "port", []string{`value="eight"`, "whole number"}},
		"health path":      {typed("health_path", "health"), "health_path", []string{`value="health"`, "Begin the path with /"}},
		"no health path":   {typed("health_path", ""), "health_path", []string{"Give a path"}},
		"count 0":          {typed("count", "0"), "count", []string{"Launch 1 to 10 instances."}},
		"count 11":         {typed("count", "11"), "count", []string{`value="11"`, "Launch 1 to 10 instances."}},
		"AMI":              {typed("ami", "ubuntu"), "ami", []string{`value="ubuntu"`, "is not an AMI id"}},
		"user data":        {typed("user_data", "echo <hi>"), "user_data", []string{"echo &lt;hi&gt;", "Begin with #!"}},
		"tests":            {typed("tests", "GET / OK"), "tests", []string{"GET / OK", "Line 1:"}},
		"test's path":      {typed("tests", "GET / 200\nGET nowhere 200"), "tests", []string{"GET nowhere 200", "Test 2:", "Begin the path with /"}},
		"tags":             {typed("tags", "team"), "tags", []string{"Line 1: write the tag as key=value."}},
		"reserved tag":     {typed("tags", "Name=x"), "tags", []string{"is reserved"}},
		"no instances":     {typed("source", "instances"), "instance_ids", []string{"Name at least one instance", "test-ec2"}},
		"wrong source":     {typed("source", "moon"), "source", []string{"is not a source"}},
		"what was removed": {typed("environment_id", "env_gone"), "environment_id", nil},
	} {
		t.Run(name, func(t *testing.T) {
			parts := append(row.parts, "Nothing was saved.", `id="f-`+row.field+`-error"`)
			want(t, s.as(developer, http.MethodPost, pathBackendNew(), row.form), http.StatusUnprocessableEntity, parts...)
		})
	}
	all, err := s.web.panel.Backends(t.Context(), developer, panel.BackendFilter{})
	if err != nil || len(all) != 0 {
		t.Fatalf("refused forms left %d backends, %v", len(all), err)
	}
}

func TestErrorsAreTiedToTheirInput(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(developer, http.MethodPost, pathBackendNew(), typed("port", "0")), http.StatusUnprocessableEntity,
		`aria-describedby="f-port-error f-port-help"`, `aria-invalid="true"`, `aria-describedby="f-name-help"`, "One field needs another value.")
}

func TestExistingInstancesAreOfferedWithAndWithoutScripts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(developer, http.MethodGet, pathBackendInstances()+"?environment_id=env_local", nil, "HX-Request", "true"),
		http.StatusOK, `value="i-0123456789abcdef0"`, "10.0.10.148", "!<html")
	form := typed("action", "instances", "source", "instances", "name", "kept")
	form["instance_ids"] = []string{"i-0123456789abcdef0"}
	want(t, s.as(developer, http.MethodPost, pathBackendNew(), form), http.StatusOK,
		`value="kept"`, `value="i-0123456789abcdef0" checked`, "!Nothing was saved")
	s.cloud.err = model.Errorf(model.CodeUnavailable, "The environment does not answer: %w", errors.New("dial tcp 10.1.2.3"))
	want(t, s.as(developer, http.MethodGet, pathBackendInstances()+"?environment_id=env_local", nil),
		http.StatusOK, "The environment does not answer", "!10.1.2.3")
}

func TestParseTests(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]model.RouteTest{
		"GET /a 200":             {Method: "GET", Path: "/a", ExpectStatus: 200},
		"/a":                     {Method: "GET", Path: "/a"},
		"/a 404":                 {Method: "GET", Path: "/a", ExpectStatus: 404},
		"post  /a   201 it is  ": {Method: "POST", Path: "/a", ExpectStatus: 201, BodyContains: "it is"},
	} {
		var v model.Invalid
		got := parseTests(&v, "\n"+text+"\r\n\n")
		if v.Err() != nil || !reflect.DeepEqual(got, []model.RouteTest{want}) {
			t.Errorf("%q: %+v, %v", text, got, v.Err())
		}
	}
	for _, text := range []string{"GET", "GET /a OK", "GET  "} {
		var v model.Invalid
		parseTests(&v, text)
		if v.Err() == nil {
			t.Errorf("%q was taken", text)
		}
	}
	var v model.Invalid
	if got := parseTests(&v, " \n"); got == nil || len(got) != 0 {
		t.Error("an empty field must mean no tests, not the default ones")
	}
}

func TestParseTags(t *testing.T) {
	t.Parallel()
	var v model.Invalid
	got := parseTags(&v, "team = orders\n\nurl=http://a/?b=c\nempty=")
	if v.Err() != nil || !maps.Equal(got, map[string]string{"team": "orders", "url": "http://a/?b=c", "empty": ""}) {
		t.Errorf("%v, %v", got, v.Err())
	}
	for _, text := range []string{"team", "=x", "a=1\na=2"} {
		var v model.Invalid
		parseTags(&v, text)
		if v.Err() == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestRefusalsWithoutAFieldStandAtTheTop(t *testing.T) {
	t.Parallel()
	byInput, rest := fieldErrors([]model.Field{{Path: "batch", Message: "Choose another."}, {Path: "spec.port", Message: "A."}, {Path: "spec.port", Message: "B."}})
	if byInput["port"] != "A. B." || len(rest) != 1 || rest[0] != "Choose another." {
		t.Errorf("%v, %v", byInput, rest)
	}
}
