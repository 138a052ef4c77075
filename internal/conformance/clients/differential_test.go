package clients

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/awssim"
)

// accepted is a difference between moto_server and us that is right, and why.
type accepted struct {
	At    string `json:"at"`    // step and path in its answer; * stands for any text without a slash
	Fact  string `json:"fact"`  // id in testdata/facts.json
	Words string `json:"words"` // what follows from it here, "" = it speaks for itself
}

// TestDifferential runs one script against moto_server and against us. What
// differs must be in testdata/accepted.json with the fact that justifies it,
// and what is in there must differ.
func TestDifferential(t *testing.T) {
	t.Parallel()
	py := python(t)
	moto := &simulator{url: startMoto(t), World: awssim.World{VPCID: "-", SubnetIDs: []string{"-", "-"}}}
	ours := simulate(t, awssim.Options{})
	theirs := steps(t, py, moto, "ami-1e749f67")
	found := map[string]string{}
	compare(found, "", theirs, steps(t, py, ours, "ami-0a12023000000086a"))
	used := map[string]int{}
	rules := readAccepted(t)
	for _, at := range slices.Sorted(maps.Keys(found)) {
		i := slices.IndexFunc(rules, func(a accepted) bool { return covers(a.At, at) })
		if i < 0 {
			t.Errorf("%s: %s", at, found[at])
			continue
		}
		used[rules[i].At]++
	}
	for _, a := range rules {
		if used[a.At] == 0 {
			t.Errorf("%s is accepted and does not differ any more: take it off the list", a.At)
		}
		t.Logf("%3d x %-60s %s %s", used[a.At], a.At, a.Fact, a.Words)
	}
}

// covers says whether a pattern names a path or what lies above it.
func covers(pattern, at string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(at, "/")
	if len(have) < len(want) {
		return false
	}
	ok, err := path.Match(pattern, strings.Join(have[:len(want)], "/"))
	return ok && err == nil
}

func readAccepted(t *testing.T) []accepted {
	t.Helper()
	var out []accepted
	readJSON(t, "testdata/accepted.json", &out)
	for _, a := range out {
		if a.At == "" || a.Fact == "" {
			t.Errorf("%+v says too little", a)
		}
	}
	return out
}

// steps runs the script as an account that both take from the access key.
func steps(t *testing.T, python string, s *simulator, image string) any {
	t.Helper()
	out := run(t, s.environment("AWS_ACCESS_KEY_ID=123456789012", "IMAGE="+image), python, "testdata/differential.py")
	var v any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return v
}

// compare notes where two answers differ, by path.
func compare(found map[string]string, at string, moto, ours any) {
	switch m := moto.(type) {
	case map[string]any:
		if o, ok := ours.(map[string]any); ok {
			for k := range maps.Keys(joined(m, o)) {
				compare(found, strings.TrimPrefix(at+"/"+strings.ReplaceAll(k, "/", "|"), "/"), m[k], o[k])
			}
			return
		}
	case []any:
		if o, ok := ours.([]any); ok && len(m) == len(o) {
			for i := range m {
				compare(found, fmt.Sprintf("%s/%d", at, i), m[i], o[i])
			}
			return
		}
	}
	if m, o := text(moto), text(ours); m != o {
		found[at] = "moto " + m + ", ours " + o
	}
}

func joined(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
