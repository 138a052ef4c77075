package clients

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fields are values by the name of their field.
type fields map[string]any

// same demands that have holds all that want says, field by field: at every
// depth what is set in want is the same in have. Fields named in except are not
// in have's type under that name.
func same(t *testing.T, what string, want, have any, except ...string) {
	t.Helper()
	w, h := asJSON(t, want), asJSON(t, have)
	if m, isMap := w.(map[string]any); isMap {
		for _, name := range append(except, "ResultMetadata") {
			delete(m, name)
		}
	}
	for _, d := range lost(what, w, h) {
		t.Error(d)
	}
}

func asJSON(t *testing.T, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// lost tells what is set in want and not the same in have.
func lost(at string, want, have any) []string {
	var out []string
	switch w := want.(type) {
	case nil:
		return nil
	case string:
		if w == "" {
			return nil // an enum that was not set
		}
	case map[string]any:
		h, ok := have.(map[string]any)
		for k, v := range w {
			if ok && unset(v) {
				continue
			}
			out = append(out, lost(at+"."+k, v, h[k])...)
		}
		return out
	case []any:
		h, _ := have.([]any)
		if len(h) != len(w) {
			return []string{fmt.Sprintf("%s: %d items, want %d", at, len(h), len(w))}
		}
		for i := range w {
			out = append(out, lost(fmt.Sprintf("%s[%d]", at, i), w[i], h[i])...)
		}
		return out
	}
	if want != have {
		return []string{fmt.Sprintf("%s: got %v, want %v", at, have, want)}
	}
	return nil
}

func unset(v any) bool { return v == nil || v == "" }

// The comparison itself sees a difference at every depth.
func TestLost(t *testing.T) {
	t.Parallel()
	want := asJSON(t, fields{"A": "x", "B": fields{"C": []int{1, 2}}, "D": nil, "E": ""})
	for have, diff := range map[string]string{
		`{"A":"x","B":{"C":[1,2]},"F":1}`: "", `{"A":"y","B":{"C":[1,2]}}`: "at.A", `{"A":"x","B":{"C":[1,3]}}`: "at.B.C[1]",
		`{"A":"x","B":{"C":[1]}}`: "at.B.C", `{"A":"x"}`: "at.B.C", `null`: "at.A",
	} {
		var h any
		if err := json.Unmarshal([]byte(have), &h); err != nil {
			t.Fatal(err)
		}
		got := lost("at", want, h)
		if diff == "" && len(got) > 0 || diff != "" && !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, diff+":") }) {
			t.Errorf("%s: %v, want %q", have, got, diff)
		}
	}
}
