package panel

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestWhatAsksAgainIsDocumented: docs/access.md says of every permission to change
// something whether it takes a fresh proof, as the policy has it, and if not, why.
func TestWhatAsksAgainIsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(document), "## What asks who you are again\n")
	section, _, _ = strings.Cut(section, "\n## ")
	asks, not, _ := strings.Cut(section, "\n|")
	said := map[Permission]string{}
	for text, what := range map[string]string{asks: "asks", not: "does not ask"} {
		for _, m := range regexp.MustCompile("`([a-z ]+)`").FindAllStringSubmatch(text, -1) {
			said[Permission(m[1])] = what
		}
	}
	looks := regexp.MustCompile(`^(see|list|read) `)
	for p, r := range rules {
		want := ""
		switch {
		case r.fresh:
			want = "asks"
		case !looks.MatchString(string(p)):
			want = "does not ask"
		}
		if said[p] != want {
			t.Errorf("%q: docs/access.md says %q, the policy %q", p, said[p], want)
		}
		delete(said, p)
	}
	for p := range said {
		t.Errorf("docs/access.md speaks of %q, which the policy does not know", p)
	}
}
