package api

import "testing"

func TestQuota(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.register(t, "orders")
	const at = "/api/v1/teams/team_shop/quota"
	var q QuotaUse
	if resp := in.as(t, "viewer", "GET", at, "", &q); resp.StatusCode != 200 || q.Used.Backends != 1 || q.Allowed.Backends != 0 || q.Own.Backends != nil {
		t.Errorf("%d %+v", resp.StatusCode, q)
	}
	if resp := in.as(t, "admin", "PUT", at, `{"backends":1,"instances":0}`, &q); resp.StatusCode != 200 || q.Allowed.Backends != 1 || *q.Own.Instances != 0 {
		t.Errorf("%d %+v", resp.StatusCode, q)
	}
	if resp := in.as(t, "admin", "PUT", at, `{"backends":1,"monthly_usd":99.5}`, &q); resp.StatusCode != 200 || q.Allowed.MonthlyUSD.String() != "$99.50" || q.Own.MonthlyUSD == nil || q.Used.MonthlyUSD.USD != 0 {
		t.Errorf("%d %+v", resp.StatusCode, q)
	}
	token := func(role string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + in.tokens[role]}
	}
	for _, row := range []call{
		{name: "over it", method: "POST", path: "/api/v1/backends", body: `{"name":"two","spec":{}}`, header: token("developer"), status: 422, code: "invalid", location: "body.team_id", contains: "1 of the 1 backends"},
		{name: "an owner sets", method: "PUT", path: at, body: `{}`, header: token("owner"), status: 403, code: "forbidden"},
		{name: "a stranger sets", method: "PUT", path: at, body: `{}`, header: token("stranger"), status: 404, code: "not_found"},
		{name: "a stranger reads", method: "GET", path: at, header: token("stranger"), status: 404, code: "not_found"},
		{name: "no such team", method: "GET", path: "/api/v1/teams/team_x/quota", header: token("stranger"), status: 404, code: "not_found"},
		{name: "negative", method: "PUT", path: at, body: `{"backends":-1}`, header: token("admin"), status: 422, code: "invalid", location: "body.backends"},
		{name: "a negative budget", method: "PUT", path: at, body: `{"monthly_usd":-1}`, header: token("admin"), status: 422, code: "invalid", location: "body.monthly_usd"},
		{name: "no budget", method: "PUT", path: at, body: `{"monthly_usd":"much"}`, header: token("admin"), status: 422, code: "invalid", location: "body.monthly_usd"},
		{name: "no number", method: "PUT", path: at, body: `{"backends":"many"}`, header: token("admin"), status: 422, code: "invalid", location: "body.backends"},
	} {
		t.Run(row.name, func(t *testing.T) {
			resp, body := row.do(t, in.echo)
			row.checkProblem(t, resp, body)
		})
	}
}
