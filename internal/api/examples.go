package api

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// exampleBodies are what may be sent to each operation that takes a body. A
// test sends them. One that is not here is made of its fields' examples.
var exampleBodies = map[string]string{
	"register-backend":  `{"name":"orders-api","spec":{"source":"launch","port":8000,"health_path":"/health","launch":{"instance_type":"t3.micro","count":1}}}`,
	"register-backends": `{"backends":[{"name":"orders-api","spec":{"port":8000}},{"name":"stock-api","spec":{"port":8080}}],"provision":true}`,
	"put-backend":       `{"environment":"local","spec":{"source":"launch","port":8000,"health_path":"/health","launch":{"instance_type":"t3.micro","count":2}}}`,
	"run-tests":         `{"names":["GET /service-a"]}`,
	"delete-orphans":    `{"ids":["sg-0a1b2c3d4e5f67890"]}`,
	"adopt-orphan":      `{"id":"sg-0a1b2c3d4e5f67890"}`,
	"set-quota":         `{"backends":20,"instances":40}`,
	"make-sandbox":      `{"key":"pr-42","branch":"feature/login","ttl":"8h"}`,
	"create-webhook":    `{"name":"deploy bot","url":"https://hooks.example.com/drawbridge","events":["job.failed","backend.ready"]}`,
	"change-webhook":    `{"events":["job.failed"],"enabled":true}`,
	"estimate-cost":     `{"source":"launch","launch":{"instance_type":"t3.micro","count":2}}`,
	"create-sandbox-template": `{"name":"Our app","description":"The shop's API at a branch.","spec":{"launch":{"user_data":"#!/bin/sh\nexec /opt/app/run {{version}}"},"tags":{"branch":"{{branch}}"}},` +
		`"parameters":[{"name":"version","description":"The release to run.","default":"1.4.2","pattern":"[0-9]+(\\.[0-9]+)*"}],"ttl":"8h"}`,
	"update-sandbox-template": `{"name":"Our app","spec":{"port":8080},"ttl":"4h"}`,
	"create-trust":            `{"name":"deploy","issuer":"https://token.actions.githubusercontent.com","audience":"https://drawbridge.example.com","claims":{"repository":"acme/shop"},"role":"developer"}`,
}

// addExamples gives each operation an example of what is sent and of what
// comes back.
func addExamples(doc *huma.OpenAPI) {
	x := exampler{doc.Components.Schemas}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				x.add(op.RequestBody.Content, exampleBodies[op.OperationID])
			}
			for status, r := range op.Responses {
				if strings.HasPrefix(status, "2") {
					x.add(r.Content, "")
				}
			}
		}
	}
}

// exampler makes examples from the examples of fields.
type exampler struct{ registry huma.Registry }

func (x exampler) add(content map[string]*huma.MediaType, given string) {
	m := content["application/json"]
	switch {
	case m == nil || m.Example != nil:
	case given != "":
		m.Example = json.RawMessage(given)
	case m.Schema != nil:
		m.Example = x.of(m.Schema, 0)
	}
}

// maxExampleDepth keeps examples of things within things short.
const maxExampleDepth = 6

func (x exampler) of(s *huma.Schema, depth int) any {
	if s.Ref != "" {
		s = x.registry.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeArray:
		if depth >= maxExampleDepth {
			return []any{}
		}
		return []any{x.of(s.Items, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return false
	case huma.TypeString:
		if s.Format == "date-time" {
			return "2026-01-02T03:04:05Z"
		}
		return ""
	}
	return x.object(s, depth)
}

// object leaves out what may be left out where it would be too deep.
func (x exampler) object(s *huma.Schema, depth int) any {
	out := map[string]any{}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		out["name"] = x.of(values, depth+1)
	}
	for name, p := range s.Properties {
		if depth < maxExampleDepth || slices.Contains(s.Required, name) {
			out[name] = x.of(p, depth+1)
		}
	}
	return out
}
