package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var accept = flag.Bool("accept", false, "take the API as it is for what clients may rely on from now on")

const contractFile = "testdata/contract.txt"

// TestContractIsKept compares the API with what was promised at the last
// release: testdata/contract.txt has a line for each thing that a client may
// rely on. More may be offered at any time; nothing may be taken back.
func TestContractIsKept(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	now := contractOf(t, document)
	if *accept {
		text := strings.Join(slices.Sorted(maps.Keys(now)), "\n") + "\n"
		if err := os.WriteFile(contractFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatal("the contract was written anew; look at the difference, name what breaks in CHANGELOG.md, and run the tests again")
	}
	promised, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]bool{}
	for line := range strings.Lines(string(promised)) {
		before[strings.TrimSuffix(line, "\n")] = true
	}
	for _, b := range breaking(before, now) {
		t.Errorf("clients break: %s", b)
	}
	if t.Failed() {
		t.Log("Keep what was there, or, where that cannot be: go test ./internal/api -run Contract -accept")
	}
	t.Logf("%d promises are kept, %d more are offered", len(before), len(now)-len(before))
}

// breaking lists what of before is no longer so, and what is asked for now
// that was not. A fact is "owner<TAB>what"; an owner is an operation, or a
// schema with its direction. What "needs" and "limits" say narrows what may be
// sent; all else is what a client may count on.
func breaking(before, now map[string]bool) []string {
	known := map[string]bool{} // owners, and what they have
	for fact := range before {
		owner, what, _ := strings.Cut(fact, "\t")
		name, _, _ := strings.Cut(what, ": ")
		known[owner], known[owner+"\t"+name] = true, true
	}
	var out []string
	for fact := range before {
		if !now[fact] && !narrows(fact) {
			out = append(out, fact+" is gone")
		}
	}
	for fact := range now {
		if !before[fact] && narrows(fact) && known[narrowed(fact)] {
			out = append(out, fact+" is new")
		}
	}
	slices.Sort(out)
	return out
}

// narrowed is what a fact narrows: an operation or schema that needs more, or
// a value of its that is limited.
func narrowed(fact string) string {
	owner, what, _ := strings.Cut(fact, "\t")
	if limit, ok := strings.CutPrefix(what, "limits "); ok {
		name, _, _ := strings.Cut(limit, ": ")
		return owner + "\t" + name
	}
	return owner
}

func narrows(fact string) bool {
	_, what, _ := strings.Cut(fact, "\t")
	return strings.HasPrefix(what, "needs ") || strings.HasPrefix(what, "limits ")
}

// contract collects facts of an OpenAPI document.
type contract struct {
	facts   map[string]bool
	schemas map[string]any
}

func contractOf(t testing.TB, document []byte) map[string]bool {
	t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			Parameters  []map[string]any
			RequestBody struct {
				Required bool
				Content  map[string]struct{ Schema map[string]any }
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.NewDecoder(bytes.NewReader(document)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	c := &contract{map[string]bool{}, d.Components.Schemas}
	for path, methods := range d.Paths {
		for method, op := range methods {
			owner := strings.ToUpper(method) + " " + path
			c.fact(owner, "exists")
			for _, p := range op.Parameters {
				name := fmt.Sprintf("%v %v", p["in"], p["name"])
				c.value(owner, name, "in", p["schema"].(map[string]any))
				if p["required"] == true {
					c.fact(owner, "needs "+name)
				}
			}
			for mediaType, content := range op.RequestBody.Content {
				c.fact(owner, "takes "+mediaType+" "+c.kind(owner, "in", content.Schema))
				if op.RequestBody.Required {
					c.fact(owner, "needs a body")
				}
			}
			for status, r := range op.Responses {
				c.fact(owner, "answers "+status)
				for mediaType, content := range r.Content {
					c.fact(owner, "answers "+status+" "+mediaType+" "+c.kind(owner, "out", content.Schema))
				}
			}
		}
	}
	return c.facts
}

func (c *contract) fact(owner, what string) { c.facts[owner+"\t"+what] = true }

// value notes a field or parameter: its type, the values that it may have, and
// what limits them.
func (c *contract) value(owner, name, way string, s map[string]any) {
	c.fact(owner, name+": "+c.kind(owner, way, s))
	values, _ := s["enum"].([]any)
	for _, v := range values {
		c.fact(owner, fmt.Sprintf("%s may be %v", name, v))
	}
	if way == "out" {
		return
	}
	for _, limit := range []string{"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"} {
		if v, ok := s[limit]; ok {
			c.fact(owner, fmt.Sprintf("limits %s: %s %v", name, limit, v))
		}
	}
}

// kind is a schema's type in words; what it refers to is noted too.
func (c *contract) kind(owner, way string, s map[string]any) string {
	if ref, ok := s["$ref"].(string); ok {
		name := ref[strings.LastIndexByte(ref, '/')+1:]
		c.object(way, name)
		return name
	}
	types, ok := s["type"].([]any)
	if !ok {
		types = []any{s["type"]}
	}
	text := strings.Trim(fmt.Sprint(types), "[]")
	if format, ok := s["format"].(string); ok {
		text += " " + format
	}
	if items, ok := s["items"].(map[string]any); ok {
		text += " of " + c.kind(owner, way, items)
	}
	if values, ok := s["additionalProperties"].(map[string]any); ok {
		text += " of " + c.kind(owner, way, values)
	}
	return text
}

// object notes a named schema in one direction, once.
func (c *contract) object(way, name string) {
	owner := way + " " + name
	if c.facts[owner+"\texists"] {
		return
	}
	c.fact(owner, "exists")
	s, _ := c.schemas[name].(map[string]any)
	properties, _ := s["properties"].(map[string]any)
	for field, p := range properties {
		c.value(owner, field, way, p.(map[string]any))
	}
	required, _ := s["required"].([]any)
	for _, field := range required {
		if way == "in" {
			c.fact(owner, fmt.Sprintf("needs %v", field))
		} else {
			c.fact(owner, fmt.Sprintf("%v is always there", field))
		}
	}
}

// TestBreakingTellsWhatBreaks changes a small API in one place at a time.
func TestBreakingTellsWhatBreaks(t *testing.T) {
	t.Parallel()
	const document = `{"paths":{"/things":{
		"get":{"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","maximum":10}}],
			"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Thing"}}}}}},
		"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/NewThing"}}}},"responses":{"201":{}}}}},
		"components":{"schemas":{
			"Thing":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"state":{"type":"string","enum":["on","off"]}}},
			"NewThing":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"size":{"type":"integer"},"kind":{"type":"string","enum":["big","small"]}}}}}}`
	rows := []struct{ name, from, to, want string }{
		{"operation removed", `"get":`, `"put":`, "GET /things\texists is gone"},
		{"status removed", `"201"`, `"202"`, "POST /things\tanswers 201 is gone"},
		{"parameter removed", `"limit"`, `"most"`, "query limit: integer is gone"},
		{"parameter needed", `"name":"limit",`, `"name":"limit","required":true,`, "needs query limit is new"},
		{"parameter limited", `"maximum":10`, `"maximum":5`, "limits query limit: maximum 5 is new"},
		{"answer's field removed", `"state":{"type":"string","enum":["on","off"]}`, `"at":{"type":"string"}`, "out Thing\tstate: string is gone"},
		{"answer's field no longer sure", `"required":["id"]`, `"required":[]`, "id is always there is gone"},
		{"answer's type changed", `"id":{"type":"string"}`, `"id":{"type":"integer"}`, "out Thing\tid: string is gone"},
		{"answer's value removed", `"on","off"`, `"on"`, "state may be off is gone"},
		{"input's field removed", `,"size":{"type":"integer"}`, ``, "in NewThing\tsize: integer is gone"},
		{"input's field needed", `"required":["name"]`, `"required":["name","size"]`, "in NewThing\tneeds size is new"},
		{"input's new field needed", `"required":["name"],"properties":{`, `"required":["name","more"],"properties":{"more":{"type":"string"},`, "needs more is new"},
		{"input's value removed", `"big","small"`, `"small"`, "kind may be big is gone"},
		{"input limited", `"size":{"type":"integer"}`, `"size":{"type":"integer","minimum":3}`, "limits size: minimum 3 is new"},
		{"body type changed", `"application/json":{"schema":{"$ref":"#/components/schemas/NewThing"}}`, `"text/plain":{"schema":{"type":"string"}}`, "takes application/json NewThing is gone"},
		{"operation added", `"get":`, `"delete":{"parameters":[{"name":"sure","in":"query","required":true,"schema":{"type":"boolean"}}],"responses":{}},"get":`, ""},
		{"parameter added", `"parameters":[`, `"parameters":[{"name":"sort","in":"query","schema":{"type":"string"}},`, ""},
		{"limited parameter added", `"parameters":[`, `"parameters":[{"name":"sort","in":"query","schema":{"type":"string","maxLength":5}},`, ""},
		{"limited field added", `"size":{"type":"integer"}`, `"size":{"type":"integer"},"more":{"type":"string","maxLength":5}`, ""},
		{"parameter no longer limited", `,"maximum":10`, ``, ""},
		{"input no longer needed", `"required":["name"]`, `"required":[]`, ""},
		{"field added", `"id":{"type":"string"}`, `"id":{"type":"string"},"more":{"type":"string"}`, ""},
		{"value added", `"on","off"`, `"on","off","broken"`, ""},
	}
	before := contractOf(t, []byte(document))
	for _, row := range rows {
		if !strings.Contains(document, row.from) {
			t.Fatalf("%s: %q is not in the document", row.name, row.from)
		}
		got := strings.Join(breaking(before, contractOf(t, []byte(strings.Replace(document, row.from, row.to, 1)))), "\n")
		if row.want == "" && got != "" || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
