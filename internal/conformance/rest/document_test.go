package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"drawbridge/internal/api"
)

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	streamType  = "text/event-stream"
)

// document is the API as it describes itself, with its schemas compiled by a
// library that the server does not use.
type document struct {
	operations []*operation
	schemas    map[string]map[string]any
	compiler   *jsonschema.Compiler
	problem    *jsonschema.Schema
}

type operation struct {
	ID, Method, Path string
	Parameters       []parameter
	Body             map[string]any // schema; nil when it takes none
	BodyNeeded       bool
	Example          json.RawMessage
	Answers          map[string]map[string]answer // by status and media type
}

type parameter struct {
	Name, In string
	Required bool
	Schema   map[string]any
}

// example is how the document shows it; "" when it does not.
func (p parameter) example() string {
	if examples, ok := p.Schema["examples"].([]any); ok {
		return fmt.Sprint(examples[0])
	}
	return ""
}

type answer struct {
	schema  *jsonschema.Schema
	example any
}

const documentURL = "https://drawbridge.test/openapi.json"

// readDocument asks the server for it.
func readDocument(t testing.TB, w *world) *document {
	t.Helper()
	resp := w.ask(request{method: "GET", path: "/openapi.json"})
	if resp.status != http.StatusOK {
		t.Fatalf("the document: %d %s", resp.status, resp.body)
	}
	var raw struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []parameter
			RequestBody *struct {
				Required bool
				Content  map[string]struct {
					Schema  map[string]any
					Example json.RawMessage
				}
			}
			Responses map[string]struct {
				Content map[string]struct {
					Schema  any
					Example any
				}
			}
		}
		Components struct{ Schemas map[string]map[string]any }
	}
	check(t, json.Unmarshal(resp.body, &raw))
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(resp.body))
	check(t, err)
	d := &document{schemas: raw.Components.Schemas, compiler: jsonschema.NewCompiler()}
	d.compiler.AssertFormat()
	var inline []any // schemas that have no name are compiled from a place of their own
	type todo struct {
		op                *operation
		status, mediaType string
		example           any
	}
	var todos []todo
	for path, methods := range raw.Paths {
		for method, o := range methods {
			op := &operation{ID: o.OperationID, Method: strings.ToUpper(method), Path: path, Parameters: o.Parameters, Answers: map[string]map[string]answer{}}
			if o.RequestBody != nil {
				content := o.RequestBody.Content[jsonType]
				op.Body, op.BodyNeeded, op.Example = content.Schema, o.RequestBody.Required, content.Example
			}
			for status, r := range o.Responses {
				op.Answers[status] = map[string]answer{}
				for mediaType, c := range r.Content {
					inline = append(inline, c.Schema)
					todos = append(todos, todo{op, status, mediaType, c.Example})
				}
			}
			d.operations = append(d.operations, op)
		}
	}
	whole.(map[string]any)["x-inline"] = inline
	check(t, d.compiler.AddResource(documentURL, whole))
	for i, x := range todos {
		schema, err := d.compiler.Compile(fmt.Sprintf("%s#/x-inline/%d", documentURL, i))
		check(t, err)
		x.op.Answers[x.status][x.mediaType] = answer{schema, x.example}
	}
	d.problem, err = d.compiler.Compile(documentURL + "#/components/schemas/ProblemDetails")
	check(t, err)
	slices.SortFunc(d.operations, func(a, b *operation) int { return strings.Compare(a.ID, b.ID) })
	return d
}

// judge says in what an answer is not one that the document tells of, or "".
func (d *document) judge(op *operation, r response) string {
	if r.status >= http.StatusInternalServerError {
		return "the server failed"
	}
	answers, known := op.Answers[strconv.Itoa(r.status)]
	if !known {
		return fmt.Sprintf("the status %d is not described; %v are", r.status, slices.Sorted(maps.Keys(op.Answers)))
	}
	if len(answers) == 0 {
		if len(r.body) > 0 {
			return "the answer has a body that is not described"
		}
		return ""
	}
	mediaType, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		return "the content type cannot be read: " + err.Error()
	}
	a, known := answers[mediaType]
	if !known {
		return fmt.Sprintf("the content type %s is not described for %d", mediaType, r.status)
	}
	if mediaType != jsonType && mediaType != problemType {
		return ""
	}
	if why := fits(a.schema, r.body); why != "" || mediaType == jsonType {
		return why
	}
	return explained(r.body)
}

// explained wants the kind of a problem among those that are explained.
func explained(body []byte) string {
	var p struct{ Code string }
	if err := json.Unmarshal(body, &p); err != nil {
		return err.Error()
	}
	for _, e := range api.ErrorKinds().Explanations {
		if slices.Contains(e.Codes, p.Code) {
			return ""
		}
	}
	return fmt.Sprintf("no page explains problems of the kind %q", p.Code)
}

// judgeProblem is judge for what no operation answers.
func (d *document) judgeProblem(r response, statuses ...int) string {
	switch {
	case !slices.Contains(statuses, r.status):
		return fmt.Sprintf("status %d, want one of %v", r.status, statuses)
	case r.header.Get("Content-Type") != problemType:
		return "the answer is no problem but " + r.header.Get("Content-Type")
	}
	if why := fits(d.problem, r.body); why != "" {
		return why
	}
	return explained(r.body)
}

func fits(schema *jsonschema.Schema, body []byte) string {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return "the body is no JSON: " + err.Error()
	}
	if err := schema.Validate(v); err != nil {
		return err.Error()
	}
	return ""
}
