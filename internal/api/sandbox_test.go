package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSandboxes makes, finds, extends and ends one over REST.
func TestSandboxes(t *testing.T) {
	t.Parallel()
	in := install(t)
	const at = "/api/v1/teams/team_shop"
	var tp SandboxTemplate
	if resp := in.as(t, "owner", "POST", at+"/sandbox-templates", `{"name":"app","ttl":"90m","spec":{"launch":{"user_data":"#!/bin/sh\necho {{version}}"}},"parameters":[{"name":"version","required":true,"pattern":"[0-9.]+"}]}`, &tp); resp.StatusCode != 201 || tp.TTL != "1h30m" || tp.TeamID != "team_shop" {
		t.Fatalf("%d %+v", resp.StatusCode, tp)
	}
	body := `{"key":"pr-42","branch":"feature/login","parameters":{"version":"1.2"}}`
	var made, again MadeSandbox
	resp := in.as(t, "developer", "POST", at+"/sandboxes", body, &made)
	if resp.StatusCode != 201 || !made.Created || made.State != "lives" || made.Name != "feature-login" || made.Job == nil || made.Template != "app" ||
		made.EndsAt.Sub(made.CreatedAt) != 90*time.Minute || resp.Header.Get("Location") != "/api/v1/sandboxes/"+made.BackendID || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("%d %v %+v", resp.StatusCode, resp.Header, made)
	}
	if resp := in.as(t, "developer", "POST", at+"/sandboxes?wait=1ms", body, &again); resp.StatusCode != 200 || again.Created || again.BackendID != made.BackendID {
		t.Errorf("%d %+v", resp.StatusCode, again)
	}
	var page sandboxPage
	if in.as(t, "viewer", "GET", at+"/sandboxes?key=pr-42", "", &page); len(page.Items) != 1 || page.Items[0].Branch != "feature/login" {
		t.Errorf("%+v", page)
	}
	var one SandboxBackend
	where := "/api/v1/sandboxes/" + made.BackendID
	if resp := in.as(t, "developer", "POST", where+"/extend", `{"ttl":"max"}`, &one); resp.StatusCode != 200 || !one.EndsAt.Equal(one.MaxEndsAt) {
		t.Errorf("%d %+v", resp.StatusCode, one)
	}
	var detail BackendDetail
	if in.as(t, "viewer", "GET", "/api/v1/backends/"+made.BackendID, "", &detail); detail.Sandbox == nil || detail.Sandbox.Key != "pr-42" {
		t.Errorf("%+v", detail.Sandbox)
	}
	for range 2 {
		if resp := in.as(t, "developer", "POST", where+"/end", "", &one); resp.StatusCode != 202 || one.State != "ending" || one.EndedBy == "" {
			t.Errorf("%d %+v", resp.StatusCode, one)
		}
	}
	if resp := in.as(t, "developer", "POST", at+"/sandboxes", body, &again); resp.StatusCode != 201 || again.BackendID == made.BackendID {
		t.Errorf("a key whose sandbox has ended: %d %+v", resp.StatusCode, again)
	}
	token := func(role string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + in.tokens[role]}
	}
	good := `"parameters":{"version":"1"}`
	for _, row := range []call{
		{name: "ttl in the past", body: `{"ttl":"-1h",` + good + `}`, location: "body.ttl", contains: "in the past"},
		{name: "ttl zero", body: `{"ttl":"0h",` + good + `}`, location: "body.ttl", contains: "a minute at least"},
		{name: "ttl over the maximum", body: `{"ttl":"169h",` + good + `}`, location: "body.ttl", contains: "7d at most"},
		{name: "ttl huge", body: `{"ttl":"999999999999999999999999d",` + good + `}`, location: "body.ttl", contains: "7d at most"},
		{name: "no parameter", body: `{}`, location: "body.parameters.version", contains: "needs a value"},
		{name: "hostile parameter", body: `{"parameters":{"version":"1;reboot"}}`, location: "body.parameters.version", contains: "does not fit"},
		{name: "unknown parameter", body: `{"parameters":{"version":"1","x":"2"}}`, location: "body.parameters.x"},
		{name: "no template", body: `{"template":"nope"}`, location: "body.template"},
		{name: "unknown field", body: `{"tll":"1h"}`, location: "body.tll"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.method, row.path, row.header, row.status, row.code = "POST", at+"/sandboxes", token("developer"), 422, "invalid"
			resp, text := row.do(t, in.echo)
			row.checkProblem(t, resp, text)
		})
	}
	for path, status := range map[string]int{at + "/sandbox-templates/" + tp.ID: 200, "/api/v1/teams/team_other/sandbox-templates/" + tp.ID: 404, where: 200, "/api/v1/sandboxes/be_none": 404} {
		if resp := in.as(t, "admin", "GET", path, "", nil); resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, status)
		}
	}
	if resp := in.as(t, "owner", "POST", at+"/sandbox-templates", `{"name":"all","spec":{},"everybody":true}`, nil); resp.StatusCode != 403 {
		t.Errorf("an owner makes one for every team: %d", resp.StatusCode)
	}
	var changed SandboxTemplate
	if resp := in.as(t, "owner", "PUT", at+"/sandbox-templates/"+tp.ID, `{"name":"app 2","spec":{}}`, &changed); resp.StatusCode != 200 || changed.Name != "app 2" || changed.TTL != "" || len(changed.Parameters) != 0 {
		t.Errorf("%d %+v", resp.StatusCode, changed)
	}
	if resp := in.as(t, "owner", "DELETE", at+"/sandbox-templates/"+tp.ID, "", nil); resp.StatusCode != 204 {
		t.Errorf("%d", resp.StatusCode)
	}
}

// TestSandbox_repeatedByItsIdempotencyKey: the answer of the first, created and all.
func TestSandbox_repeatedByItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.as(t, "owner", "POST", "/api/v1/teams/team_shop/sandbox-templates", `{"name":"app","spec":{}}`, nil)
	var answers []string
	for range 2 {
		row := call{method: "POST", path: "/api/v1/teams/team_shop/sandboxes", body: `{"branch":"main"}`,
			header: map[string]string{"Authorization": "Bearer " + in.tokens["developer"], "Idempotency-Key": "once"}}
		resp, body := row.do(t, in.echo)
		if resp.StatusCode != http.StatusCreated || !json.Valid([]byte(body)) || !strings.Contains(body, `"created":true`) {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		answers = append(answers, body)
	}
	if answers[0] != answers[1] {
		t.Errorf("%s\n%s", answers[0], answers[1])
	}
}
