package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/hostile"
	"drawbridge/internal/store/storetest"
)

// -hostile lets the random part of the test go on for longer.
var hostileTime = flag.Duration("hostile", 3*time.Second, "how long to send hostile input")

// attacker sends hostile requests to an installation and judges the answers.
type attacker struct {
	t        *testing.T
	in       *installation
	rand     *rand.Rand
	ids      []string // of things that exist
	requests int
	failed   int
	statuses map[int]int
}

// TestHostileInput sends hostile values to every operation, in every
// parameter, header and field of the body: no answer is a 5xx or shows markup.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return storetest.SQLite(t) },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What a database refuses that the other takes, the random part finds, too.
			attack(t, installOn(t, dsn(t)), name == "SQLite" || *hostileTime >= 10*time.Second)
		})
	}
}

func attack(t *testing.T, in *installation, systematic bool) {
	t.Helper()
	b := in.register(t, "orders")
	var job Job
	in.as(t, "developer", "POST", "/api/v1/backends/"+b.ID+"/provision", "", &job)
	a := &attacker{t: t, in: in, rand: rand.New(rand.NewPCG(1, 2)), ids: []string{b.ID, job.ID, "team_shop", "team_other", "env_lab"}, statuses: map[int]int{}}
	operations := a.operations()
	if systematic {
		for _, op := range operations {
			a.systematic(op)
		}
	}
	for end := time.Now().Add(*hostileTime); time.Now().Before(end) && a.failed < 10; {
		a.random(operations[a.rand.IntN(len(operations))])
	}
	t.Logf("%d hostile requests to %d operations, 5xx = %d, by status %v", a.requests, len(operations), a.failed, a.statuses)
}

// operation is what the OpenAPI document says of one.
type operation struct {
	method, path string
	parameters   []struct{ Name, In string }
	body         []string // paths of the fields of its body, dotted
}

func (a *attacker) operations() []operation {
	a.t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			} `json:"requestBody"`
		}
		Components struct{ Schemas map[string]any }
	}
	_, document := call{method: "GET", path: "/api/v1/openapi.json"}.do(a.t, a.in.echo)
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		a.t.Fatal(err)
	}
	var out []operation
	for path, methods := range d.Paths {
		for method, o := range methods {
			op := operation{method: strings.ToUpper(method), path: path, parameters: o.Parameters}
			for _, c := range o.RequestBody.Content {
				op.body = fields(c.Schema, d.Components.Schemas, "", 0)
			}
			out = append(out, op)
		}
	}
	slices.SortFunc(out, func(x, y operation) int { return strings.Compare(x.path+x.method, y.path+y.method) })
	return out
}

// fields lists the fields of a schema, dotted.
func fields(schema map[string]any, all map[string]any, at string, depth int) []string {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = all[ref[strings.LastIndexByte(ref, '/')+1:]].(map[string]any)
	}
	properties, _ := schema["properties"].(map[string]any)
	var out []string
	for name, p := range properties {
		out = append(out, at+name)
		if sub, ok := p.(map[string]any); ok && depth < 4 {
			out = append(out, fields(sub, all, at+name+".", depth+1)...)
		}
	}
	slices.Sort(out)
	return out
}

// systematic sends every value to every place of an operation once.
func (a *attacker) systematic(op operation) {
	for _, text := range hostile.Texts() {
		a.send(op, a.path(op, text), "", nil)
		for _, p := range op.parameters {
			switch p.In {
			case "query":
				a.send(op, a.path(op, a.ids[0])+"?"+url.Values{p.Name: {text}}.Encode(), "", nil)
			case "header":
				a.send(op, a.path(op, a.ids[0]), "", http.Header{p.Name: {text}})
			}
		}
	}
	if op.method == http.MethodGet {
		return
	}
	for _, body := range hostile.Bodies() {
		a.send(op, a.path(op, a.ids[0]), body, nil)
	}
	for _, field := range op.body {
		for _, value := range hostile.JSON() {
			a.send(op, a.path(op, a.ids[0]), nested(field, value), nil)
		}
	}
}

// random sends several hostile things at once.
func (a *attacker) random(op operation) {
	text := func() string { return pick(a.rand, hostile.Texts()) }
	query := url.Values{}
	for _, p := range op.parameters {
		if p.In == "query" && a.rand.IntN(2) == 0 {
			query[p.Name] = []string{text(), text()}[:1+a.rand.IntN(2)]
		}
	}
	id := text()
	if a.rand.IntN(2) == 0 {
		id = pick(a.rand, a.ids)
	}
	header := http.Header{
		"Content-Type": {pick(a.rand, []string{"application/json", "text/html", "application/x-www-form-urlencoded", text()})},
		"Accept":       {pick(a.rand, []string{ndjsonType, "*/*", text()})}, "X-Request-Id": {text()}, "X-Forwarded-For": {text()}, "If-Match": {text()},
	}
	body := ""
	if op.method != http.MethodGet && len(op.body) > 0 {
		body = nested(pick(a.rand, op.body), pick(a.rand, hostile.JSON()))
		if other := nested(pick(a.rand, op.body), pick(a.rand, hostile.JSON())); a.rand.IntN(2) == 0 {
			body = body[:len(body)-1] + "," + other[1:] // often the same key twice
		}
	}
	a.send(op, a.path(op, id)+"?"+query.Encode(), body, header)
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

var inBraces = regexp.MustCompile(`\{[^}]+\}`)

func (a *attacker) path(op operation, id string) string {
	return Base + inBraces.ReplaceAllLiteralString(op.path, url.PathEscape(id))
}

// nested is a JSON object with the value at that dotted place.
func nested(field, value string) string {
	parts := strings.Split(field, ".")
	for _, name := range slices.Backward(parts) {
		value = fmt.Sprintf("{%q:%s}", name, value)
	}
	return value
}

func (a *attacker) send(op operation, target, body string, header http.Header) {
	// A recorder has no write deadlines, so a stream that is opened ends at once.
	r := httptest.NewRequestWithContext(a.t.Context(), op.method, "/", strings.NewReader(body))
	u, err := url.Parse(target)
	if err != nil {
		a.t.Fatal(err)
	}
	r.URL, r.RequestURI = u, target
	r.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	who := []string{"owner", "developer", "admin", "stranger", "viewer"}[a.requests%5]
	r.Header.Set("Authorization", "Bearer "+a.in.tokens[who])
	w := httptest.NewRecorder()
	a.in.echo.ServeHTTP(w, r)
	a.requests++
	a.statuses[w.Code]++
	if why := hostile.Judge(w.Code, w.Header(), w.Body.String()); why != "" {
		a.failed++
		a.t.Errorf("%s %.300s as %s with %.300q, header %v: %s: %.300s", op.method, target, who, body, header, why, w.Body)
	}
}
