package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"drawbridge/internal/model"
)

// entryJSON is one backend of the JSON form: what REST takes, with the
// environment by name or id.
type entryJSON struct {
	Name          string          `json:"name"`
	Environment   string          `json:"environment,omitempty"`
	EnvironmentID string          `json:"environment_id,omitempty"`
	TeamID        string          `json:"team_id,omitempty"` // read and left: a list is for one team
	Spec          json.RawMessage `json:"spec"`
}

// fieldNames are the names that an entry or its spec may hold.
var fieldNames = []string{
	"name", "environment", "environment_id", "spec", "source", "launch", "instances", "port", "health_path", "tests", "tags", "schedule", "time_zone", "days", "wake", "sleep",
	"ami", "instance_type", "count", "user_data", "instance_profile", "ids", "add_rule", "method", "path", "expect_status", "body_contains",
}

// readJSON reads a list of entries, or an object that holds it as "backends".
func readJSON(text string) ([]Entry, error) {
	var raw []json.RawMessage
	var err error
	if strings.HasPrefix(text, "{") {
		var whole struct {
			Backends []json.RawMessage `json:"backends"`
		}
		err = strict([]byte(text), &whole)
		raw = whole.Backends
	} else {
		err = strict([]byte(text), &raw)
	}
	if err != nil {
		return nil, model.Errorf(model.CodeInvalid, "The JSON cannot be read: %s Send a list of backends, or an object that holds it as \"backends\".", jsonWords([]byte(text), err))
	}
	var entries []Entry
	for i, r := range raw {
		entries = append(entries, readEntry(i+1, r))
	}
	return entries, nil
}

func readEntry(row int, raw []byte) Entry {
	e := Entry{Row: row, Spec: model.Spec{Port: model.DefaultPort}}
	var in entryJSON
	if err := strict(raw, &in); err != nil {
		e.refuse("", "%s", jsonWords(raw, err))
	}
	e.Name, e.Environment = in.Name, in.Environment
	if in.EnvironmentID != "" {
		e.Environment = in.EnvironmentID
	}
	if len(in.Spec) > 0 {
		if err := strict(in.Spec, &e.Spec); err != nil {
			e.refuse("spec", "%s", jsonWords(in.Spec, err))
		}
	}
	return e
}

// strict reads one JSON value and refuses fields that nobody knows.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind it")
	}
	return nil
}

var unknownFieldRE = regexp.MustCompile(`unknown field "([^"]*)"`)

// jsonWords tells an error of package json to a person.
func jsonWords(text []byte, err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch m := unknownFieldRE.FindStringSubmatch(err.Error()); {
	case m != nil:
		return fmt.Sprintf("There is no field %q%s", m[1], didYouMean(m[1], fieldNames))
	case errors.As(err, &syntax):
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Sprintf("At line %d: %s.", line, syntax.Error())
	case errors.As(err, &kind):
		return fmt.Sprintf("The field %s holds a %s and takes a %s.", kind.Field, kind.Value, kind.Type)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "It ends too early."
	}
	return strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "."
}

// WriteJSON writes entries as Read reads them.
func WriteJSON(w io.Writer, entries []Entry) error {
	list := make([]entryJSON, len(entries))
	for i, e := range entries {
		spec, err := specJSON(e.Spec)
		if err != nil {
			return err
		}
		list[i] = entryJSON{Name: e.Name, Environment: e.Environment, Spec: spec}
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(map[string]any{"backends": list}); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// specJSON is a spec in which no tests are an empty list: left out, they would
// become the default ones.
func specJSON(s model.Spec) ([]byte, error) {
	tests := s.Tests
	if tests == nil {
		tests = []model.RouteTest{}
	}
	text, err := json.Marshal(struct {
		model.Spec
		Tests []model.RouteTest `json:"tests"`
	}{s, tests})
	if err != nil {
		return nil, fmt.Errorf("marshal a spec: %w", err)
	}
	return text, nil
}
