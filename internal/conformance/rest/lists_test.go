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

// tables are whole by themselves: no part of a plan or of the prices says much.
var tables = []string{"list-prices", "list-environment-costs", "plan-backend", "plan-roll-back"}

// TestLists walks every list of the API page by page, a thing at a time, in
// every order, and wants what the whole list has, in that order; backwards is
// the reverse, and a filter keeps what has its value.
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
		if !takes(op, "limit") || !takes(op, "cursor") || len(sorts) == 0 {
			t.Errorf("%s: limit %v, cursor %v, sorts %v", op.ID, takes(op, "limit"), takes(op, "cursor"), sorts)
			continue
		}
		if len(filters) == 0 {
			t.Errorf("%s cannot be narrowed", op.ID)
		}
		found := map[string][]json.RawMessage{}
		for _, sort := range sorts {
			found[sort] = s.walk(t, w, op, sort)
			if n := len(found[sort]); n < 2 && op.ID != "list-orphans" && op.ID != "list-environments" {
				t.Errorf("%s has %d things, too few to tell", op.ID, n)
			}
			walked++
		}
		for sort, list := range found {
			back := slices.Clone(found["-"+sort])
			slices.Reverse(back)
			if _, both := found["-"+sort]; both && !slices.EqualFunc(list, back, func(a, b json.RawMessage) bool { return still(t, a) == still(t, b) }) {
				t.Errorf("%s by %s backwards is not the reverse", op.ID, sort)
			}
		}
		for _, name := range filters {
			s.narrow(t, w, op, name, found[sorts[0]])
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

// fewThings is how much of a list is walked, allThings a page that has all of it.
const (
	fewThings = 8
	allThings = "500"
)

// page is a page of any list.
type page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next_cursor"`
}

func (s *scene) address(op *operation) string {
	path := op.Path
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(s.names.Replace(p.example())))
		}
	}
	return path
}

func (s *scene) list(t *testing.T, w *world, op *operation, query url.Values) (p page) {
	t.Helper()
	r := w.ask(request{method: "GET", path: s.address(op) + "?" + query.Encode(), token: w.admin})
	if why := s.doc.judge(op, r); why != "" {
		t.Fatalf("%s %s: %s", op.ID, query.Encode(), why)
	}
	r.into(t, &p)
	return p
}

// narrow asks for what has one value of a field that the list can be narrowed
// by, and wants just that of the whole list.
func (s *scene) narrow(t *testing.T, w *world, op *operation, name string, whole []json.RawMessage) {
	t.Helper()
	value := func(item json.RawMessage) string {
		var fields map[string]any
		if err := json.Unmarshal(item, &fields); err != nil {
			t.Fatal(err)
		}
		switch v := fields[name].(type) {
		case string, bool, float64:
			return fmt.Sprint(v)
		}
		return "" // another thing of that name
	}
	asked := map[string]bool{"": true}
	for i := range min(len(whole), fewThings) {
		wanted := value(whole[i])
		if asked[wanted] {
			continue
		}
		asked[wanted] = true
		got := s.list(t, w, op, url.Values{name: {wanted}, "limit": {allThings}})
		var ids, want []string
		for _, item := range got.Items {
			ids = append(ids, value(item))
		}
		for _, item := range whole {
			if v := value(item); v == wanted || name == "name" && op.ID != "list-test-runs" && strings.Contains(v, wanted) { // a part of the name will do
				want = append(want, v)
			}
		}
		slices.Sort(ids) // the order is another matter
		slices.Sort(want)
		if !slices.Equal(ids, want) {
			t.Errorf("%s of the %s %s: %v, want %v", op.ID, name, wanted, ids, want)
		}
	}
}

// walk reads a list whole and the first things of it by pages of one, and
// returns it.
func (s *scene) walk(t *testing.T, w *world, op *operation, sort string) []json.RawMessage {
	t.Helper()
	query := url.Values{"sort": {sort}, "limit": {allThings}}
	whole := s.list(t, w, op, query)
	query.Set("limit", "1")
	for i := range min(len(whole.Items), fewThings) {
		p := s.list(t, w, op, query)
		if len(p.Items) != 1 || still(t, p.Items[0]) != still(t, whole.Items[i]) {
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
	if r := w.ask(request{method: "GET", path: s.address(op) + "?" + query.Encode(), token: w.admin}); r.status != 422 && r.status != 404 {
		t.Errorf("%s: a cursor of nothing got %d", op.ID, r.status)
	}
	return whole.Items
}

// still is an item without what trying a delivery again changes meanwhile.
func still(t *testing.T, item json.RawMessage) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(item, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"attempts", "error", "next_at", "failing_since", "updated_at", "tries"} {
		delete(fields, name)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// crowd is a scene with several of each thing, where no job is under way.
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
		ok("POST", "/teams/"+team+"/sandboxes?wait=60s", fmt.Sprintf(`{"key":"more-%d"}`, 9-i))
		w.token(team, model.RoleViewer)
	}
	ok("POST", "/backends/"+back+"/provision?wait=60s", "")
	ok("POST", "/teams/"+team+"/webhooks/"+s.names.Replace("whk_m3kx7q2fd5wa4nzp")+"/test", "")
	return s
}
