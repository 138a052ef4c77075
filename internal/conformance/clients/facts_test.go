package clients

import (
	"encoding/json"
	"os"
	"testing"
)

// fact is what is known of AWS, and from where: from a service's model, whose
// words are quoted, or from a page.
type fact struct {
	ID     string `json:"id"`
	Model  string `json:"model"`  // service and operation, shape or member, as in "ec2 Instance.State"
	Quote  string `json:"quote"`  // from its documentation
	Status int    `json:"status"` // of an operation's answer
	Error  string `json:"error"`  // that an operation has
	Source string `json:"source"` // page
	Words  string `json:"words"`  // what is said there
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Each accepted difference cites a fact, each fact is cited and has a source.
func TestFacts_Cited(t *testing.T) {
	t.Parallel()
	var facts []fact
	readJSON(t, "testdata/facts.json", &facts)
	cited := map[string]int{}
	for _, a := range readAccepted(t) {
		cited[a.Fact]++
	}
	known := map[string]bool{}
	for _, f := range facts {
		switch {
		case known[f.ID]:
			t.Errorf("%s is there twice", f.ID)
		case f.Model == "" && (f.Source == "" || f.Words == ""):
			t.Errorf("%s has neither a model nor a page and its words", f.ID)
		case f.Model != "" && f.Quote == "" && f.Status == 0 && f.Error == "":
			t.Errorf("%s does not say what its model says", f.ID)
		case cited[f.ID] == 0:
			t.Errorf("%s justifies nothing any more: take it off the list", f.ID)
		}
		known[f.ID] = true
	}
	for id, n := range cited {
		if !known[id] {
			t.Errorf("%d differences cite %q, which is not in testdata/facts.json", n, id)
		}
	}
}

// What is said of AWS's service models is what they say: botocore ships them.
func TestFacts_Models(t *testing.T) {
	t.Parallel()
	run(t, os.Environ(), python(t), "testdata/facts.py", "testdata/facts.json")
}
