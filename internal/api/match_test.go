package api

import (
	"net/http"
	"testing"

	"drawbridge/internal/model"
)

// TestIfMatch: a change that was made from what is no longer so is refused,
// and nothing changes.
func TestIfMatch(t *testing.T) {
	t.Parallel()
	in := install(t)
	x := in.things(t, "team_shop")
	team := Base + "/teams/team_shop"
	rows := []struct{ path, method, who, one, two string }{
		{team + "/quota", "PUT", "admin", `{"backends":1}`, `{"backends":2}`},
		{team + "/members/" + x.user, "PUT", "owner", `{"role":"developer"}`, `{"role":"viewer"}`},
		{team + "/sandbox-templates/" + x.template, "PUT", "owner", `{"name":"One","spec":{}}`, `{"name":"Two","spec":{}}`},
		{team + "/webhooks/" + x.webhook, "PATCH", "owner", `{"name":"one"}`, `{"name":"two"}`},
	}
	// Somebody who stays owner, so that the member may become less.
	keeper := in.things(t, "team_shop").user
	in.as(t, "admin", "PUT", team+"/members/"+keeper, `{"role":"owner"}`, nil)
	for _, row := range rows {
		send := func(body, match string) int {
			t.Helper()
			c := call{method: row.method, path: row.path, body: body, header: map[string]string{"Authorization": "Bearer " + in.tokens[row.who], "If-Match": match}}
			resp, answer := c.do(t, in.echo)
			if resp.StatusCode == http.StatusPreconditionFailed {
				c.status, c.code = resp.StatusCode, string(model.CodePrecondition)
				c.checkProblem(t, resp, answer)
			}
			return resp.StatusCode
		}
		tag := func() string {
			t.Helper()
			resp := in.as(t, row.who, "GET", row.path, "", nil)
			if resp.Header.Get("ETag") == "" {
				t.Fatalf("%s has no ETag", row.path)
			}
			return resp.Header.Get("ETag")
		}
		before := tag()
		for _, step := range []struct {
			body, match string
			refused     bool
		}{
			{row.one, before, false}, {row.two, before, true}, {row.two, `"x"`, true}, {row.two, "as it is", false}, {row.one, "*", false}, {row.two, "", false},
		} {
			was := tag()
			if step.match == "as it is" {
				step.match = `"x", ` + was // one of several
			}
			got := send(step.body, step.match)
			if (got == http.StatusPreconditionFailed) != step.refused || !step.refused && got/100 != 2 {
				t.Errorf("%s %s with If-Match %s: %d, refused must be %v", row.method, row.path, step.match, got, step.refused)
			}
			if step.refused && tag() != was {
				t.Errorf("%s changed although it was refused", row.path)
			}
		}
	}
}
