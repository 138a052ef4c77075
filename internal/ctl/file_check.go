package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// schema is what the client reads of the JSON Schema of backend.yaml. It is
// the panel's, so that a client knows the fields that the panel knows.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       jsonTypes          `json:"type"`
	Properties map[string]*schema `json:"properties"`
	More       moreProperties     `json:"additionalProperties"`
	Items      *schema            `json:"items"`
	Enum       []any              `json:"enum"`
	Required   []string           `json:"required"`
	Defs       map[string]*schema `json:"$defs"`
}

// jsonTypes is one type, or several.
type jsonTypes []string

// UnmarshalJSON reads both forms.
func (t *jsonTypes) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = jsonTypes{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// moreProperties is the schema of properties that have no name; nil for none.
type moreProperties struct{ *schema }

// UnmarshalJSON reads a schema, or false.
func (m *moreProperties) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("false")) || bytes.Equal(data, []byte("true")) {
		return nil
	}
	return json.Unmarshal(data, &m.schema)
}

// check says what of the document the schema does not allow. What takes more
// than the form of a value to judge is the panel's to say.
func (d *document) check(root *schema) error {
	c := &checker{document: d, defs: root.Defs}
	c.value(root, d.value, "")
	slices.SortStableFunc(c.found, func(a, b remark) int { return a.line - b.line })
	return c.found.err()
}

type checker struct {
	*document
	defs  map[string]*schema
	found remarks
}

func (c *checker) refuse(path, format string, args ...any) {
	c.found = append(c.found, remark{c.file, c.placed(path), path, fmt.Sprintf(format, args...)})
}

func (c *checker) value(s *schema, v any, path string) {
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		s = c.defs[name]
	}
	if s == nil || v == nil {
		if v == nil {
			c.refuse(path, "There is nothing after the colon. Write a value, or leave the line out.")
		}
		return
	}
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(t string) bool { return isOf(v, t) }) {
		c.refuse(path, "%s is asked for here, not %s.%s", named(s.Type[0]), named(typeOf(v)), quoted(s.Type[0], v))
		return
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		names := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			names[i] = fmt.Sprint(e)
		}
		c.refuse(path, "%q is not known here; it may be %s.", fmt.Sprint(v), strings.Join(names, ", "))
		return
	}
	switch v := v.(type) {
	case map[string]any:
		c.object(s, v, path)
	case []any:
		for i, item := range v {
			if s.Items != nil {
				c.value(s.Items, item, fmt.Sprintf("%s[%d]", path, i))
			}
		}
	}
}

func (c *checker) object(s *schema, v map[string]any, path string) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		inner := joinPath(path, name)
		switch p := s.Properties[name]; {
		case p != nil:
			c.value(p, v[name], inner)
		case s.More.schema != nil:
			c.value(s.More.schema, v[name], inner)
		default:
			c.refuse(inner, "This field is not known.%s", meant(name, slices.Sorted(maps.Keys(s.Properties))))
		}
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			c.refuse(path, "The field %s is missing.", name)
		}
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func isOf(v any, t string) bool {
	got := typeOf(v)
	return got == t || t == "number" && got == "integer"
}

// named is a JSON type in words.
func named(t string) string {
	return map[string]string{"string": "Text", "boolean": "true or false", "integer": "A whole number", "number": "A number",
		"array": "A list (lines that begin with -)", "object": "A group of fields, each on a line of its own"}[t]
}

// quoted helps where YAML reads text as something else.
func quoted(wanted string, v any) string {
	switch v.(type) {
	case bool, int64, float64:
		if wanted == "string" {
			return fmt.Sprintf(" Write it in quotes: %q.", fmt.Sprint(v))
		}
	}
	return ""
}

// meant names the known field that is nearest to what was written.
func meant(written string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(strings.ToLower(written), k); d < distance || strings.EqualFold(strings.ReplaceAll(written, "_", ""), strings.ReplaceAll(k, "_", "")) {
			best, distance = k, min(d, distance)
		}
	}
	if best != "" {
		return fmt.Sprintf(" Did you mean %s?", best)
	}
	if len(known) == 0 {
		return ""
	}
	return " These are: " + strings.Join(known, ", ") + "."
}

// editDistance counts the letters to add, drop or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := left
			if a[i] != b[j] {
				cost++
			}
			left = row[j+1]
			row[j+1] = min(cost, row[j]+1, left+1)
		}
	}
	return row[len(b)]
}
