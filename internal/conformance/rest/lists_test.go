package rest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// logs are told in the order in which things happened, and in no other.
var logs = []string{"list-events", "list-notices", "list-deliveries", "list-sandboxes"}

// tables are whole by themselves: no part of a plan or of the prices says much.
var tables = []string{"list-prices", "list-environment-costs", "plan-backend", "plan-roll-back"}

// TestLists walks every list of the API page by page, a thing at a time, in
// every order, and wants what the whole list has, in that order.
func TestLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := readDocument(t, w)
	s := w.crowd()
	walked := 0
	for _, op := range d.operations {
		if op.Method != "GET" || !isList(op) || slices.Contains(tables, op.ID) {
			continue
		}
		sorts, filters := sortsOf(op)
		if !takes(op, "limit") || !takes(op, "cursor") || len(sorts) == 0 && !slices.Contains(logs, op.ID) {
			t.Errorf("%s: limit %v, cursor %v, sorts %v", op.ID, takes(op, "limit"), takes(op, "cursor"), sorts)
			continue
		}
		if len(filters) == 0 {
			t.Errorf("%s cannot be narrowed", op.ID)
		}
		if len(sorts) == 0 {
			sorts = []string{""}
		}
		for _, sort := range sorts {
			n := s.walk(t, w, op, sort)
			if n < 2 && op.ID != "list-orphans" && op.ID != "list-environments" {
				t.Errorf("%s has %d things, too few to tell", op.ID, n)
			}
			walked++
		}
	}
	t.Logf("%d lists in their orders were walked", walked)
}

func isList(op *operation) bool {
	a, ok := op.Answers["200"][jsonType]
	if !ok {
		return false
	}
	example, ok := a.example.(map[string]any)
	return ok && example["items"] != nil
}

func takes(op *operation, name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == name })
}

// sortsOf are the orders of a list, and what narrows it.
func sortsOf(op *operation) (sorts, filters []string) {
	for _, p := range op.Parameters {
		switch {
		case p.Name == "sort":
			for _, v := range p.Schema["enum"].([]any) {
				sorts = append(sorts, fmt.Sprint(v))
			}
		case p.In == "query" && p.Name != "limit" && p.Name != "cursor":
			filters = append(filters, p.Name)
		}
	}
	return sorts, filters
}

// walk reads a list whole and by pages of one, and returns its length.
func (s *scene) walk(t *testing.T, w *world, op *operation, sort string) int {
	t.Helper()
	path := op.Path
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(s.names.Replace(p.example())))
		}
	}
	query := url.Values{}
	if sort != "" {
		query.Set("sort", sort)
	}
	type page struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next_cursor"`
	}
	ask := func(query url.Values) (p page) {
		t.Helper()
		r := w.ask(request{method: "GET", path: path + "?" + query.Encode(), token: w.admin})
		if why := s.doc.judge(op, r); why != "" {
			t.Fatalf("%s %s: %s", op.ID, query.Encode(), why)
		}
		r.into(t, &p)
		return p
	}
	query.Set("limit", "5")
	whole := ask(query)
	query.Set("limit", "1")
	for i := range whole.Items {
		p := ask(query)
		if len(p.Items) != 1 || string(p.Items[0]) != string(whole.Items[i]) {
			t.Errorf("%s by %s: at %d is %.200s, want %.200s", op.ID, sort, i, p.Items, whole.Items[i])
			break
		}
		if last := i == len(whole.Items)-1 && whole.Next == ""; last != (p.Next == "") {
			t.Errorf("%s by %s: after %d of %d the next is %q", op.ID, sort, i+1, len(whole.Items), p.Next)
			break
		}
		query.Set("cursor", p.Next)
	}
	query.Set("cursor", "bm90IGEgY3Vyc29y")
	if r := w.ask(request{method: "GET", path: path + "?" + query.Encode(), token: w.admin}); r.status != 422 && r.status != 404 {
		t.Errorf("%s: a cursor of nothing got %d", op.ID, r.status)
	}
	return len(whole.Items)
}

// crowd is a scene with several of each thing.
func (w *world) crowd() *scene {
	w.t.Helper()
	s := w.scene(&operation{ID: "get-backend"})
	s.doc = readDocument(w.t, w)
	team := s.names.Replace("team_h6c2v4yjq7sblm3d")
	back := s.names.Replace("be_k3x7q2mfd5wa4nzp")
	ok := func(method, path, body string) {
		w.t.Helper()
		r := w.ask(request{method, path, s.owner, body, nil})
		if r.status/100 != 2 {
			w.t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
		}
	}
	for i := range 3 {
		ok("POST", "/backends", fmt.Sprintf(`{"name":"more-%d","spec":{}}`, 9-i))
		ok("POST", "/teams/"+team+"/tokens", fmt.Sprintf(`{"name":"more-%d","role":"viewer"}`, 9-i))
		ok("POST", "/teams/"+team+"/invitations", fmt.Sprintf(`{"email":"ada%d@example.com","role":"viewer"}`, i))
		ok("POST", "/teams/"+team+"/trusts", fmt.Sprintf(`{"name":"more-%d","issuer":"https://issuer.example","audience":"a","claims":{"sub":"x"},"role":"viewer"}`, 9-i))
		ok("POST", "/backends/"+back+"/tests/run", "")
		ok("POST", "/teams/"+team+"/sandbox-templates", fmt.Sprintf(`{"name":"more-%d","spec":{}}`, 9-i))
		ok("POST", "/teams/"+team+"/webhooks", fmt.Sprintf(`{"name":"more-%d","url":"https://hooks.example.com/x"}`, 9-i))
		ok("POST", "/teams/"+team+"/sandboxes", fmt.Sprintf(`{"key":"more-%d"}`, 9-i))
		w.token(team, model.RoleViewer)
	}
	ok("POST", "/backends/"+back+"/provision?wait=60s", "")
	ok("POST", "/teams/"+team+"/webhooks/"+s.names.Replace("whk_m3kx7q2fd5wa4nzp")+"/test", "")
	return s
}
