package api

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// node is a part of a JSON document.
type node map[string]any

func (n node) at(keys ...string) node {
	for _, key := range keys {
		n, _ = n[key].(map[string]any)
	}
	return n
}

// in is n, or what it refers to in the document.
func (n node) in(document node) node {
	if ref, ok := n["$ref"].(string); ok {
		return document.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return n
}

// TestFiltersOfferEveryValue: a list can be narrowed by every value of a field
// that its things can have, however late it came to them.
func TestFiltersOfferEveryValue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document node
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for path := range document.at("paths") {
		op := document.at("paths", path, "get")
		list := op.at("responses", "200", "content", "application/json", "schema").in(document)
		thing := list.at("properties", "items", "items").in(document)
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			filter := node(p.(map[string]any))
			offered, _ := filter.at("schema")["enum"].([]any)
			values, _ := thing.at("properties", filter["name"].(string))["enum"].([]any)
			for _, v := range values {
				compared++
				if offered != nil && !slices.Contains(offered, v) {
					t.Errorf("%s: the filter %s does not offer %s", path, filter["name"], v)
				}
			}
		}
	}
	if compared < 20 {
		t.Errorf("%d values were compared, too few to tell", compared)
	}
}
