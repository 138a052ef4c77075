package api

import (
	"os"
	"strings"
	"testing"
)

// TestEveryKindIsExplained: every code that a problem can have has one row, and
// the document has the same rows.
func TestEveryKindIsExplained(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, e := range ErrorKinds().Explanations {
		rows[e.Codes[0]]++
		if line := "| `" + e.Codes[0] + "` | " + e.Meaning + " | " + e.Advice + " |\n"; !strings.Contains(string(document), line) {
			t.Errorf("docs/rest.md lacks the row\n%s", line)
		}
	}
	codes := map[string]bool{}
	for code := range statuses {
		codes[string(code)] = true
	}
	for _, code := range transportCodes {
		codes[code] = true
	}
	for code := range codes {
		if rows[code] != 1 {
			t.Errorf("%s has %d rows", code, rows[code])
		}
	}
	if len(rows) != len(codes) {
		t.Errorf("%d kinds are explained, there are %d", len(rows), len(codes))
	}
}
