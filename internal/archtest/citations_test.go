package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// anyCitation is a mention of what is known of AWS, however it is spelled.
	anyCitation = regexp.MustCompile(`\baws-facts\b`)
	// citation is how it is to be spelled, all on one line, with its sections.
	citation    = regexp.MustCompile(`docs/aws-facts\.md, sections? ([A-K]\d?(?:, [A-K]\d?)*)`)
	factHeading = regexp.MustCompile(`(?m)^###? ([A-K]\d?)\. |^### ([A-K]\d) `)
)

// TestCitations wants each source that cites docs/aws-facts.md to name sections
// of it that exist.
func TestCitations(t *testing.T) {
	t.Parallel()
	facts, err := os.ReadFile(filepath.Join(root, "docs", "aws-facts.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, m := range factHeading.FindAllStringSubmatch(string(facts), -1) {
		sections[m[1]+m[2]] = true
	}
	cited := 0
	for _, path := range sources(t) {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		n, wrong := wrongCitations(string(text), sections)
		cited += n
		for _, w := range wrong {
			t.Errorf("%s: %s", path, w)
		}
	}
	if cited == 0 || len(sections) < 20 {
		t.Errorf("%d citations of %d sections were found: is it looking in the right place?", cited, len(sections))
	}
}

// sources are the files that cite; this one only speaks of it.
func sources(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go", "*.sh", "*.py", "*.tf", "*.json", ":!internal/archtest")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("git ls-files: %v", err)
	}
	return strings.Fields(string(out))
}

// wrongCitations counts citations and lists those that lead nowhere.
func wrongCitations(text string, sections map[string]bool) (n int, wrong []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		n += len(anyCitation.FindAllString(line, -1))
		found := citation.FindAllStringSubmatch(line, -1)
		if len(found) != len(anyCitation.FindAllString(line, -1)) {
			wrong = append(wrong, "cite it as docs/aws-facts.md, section A1: "+line)
		}
		for _, m := range found {
			for section := range strings.SplitSeq(m[1], ", ") {
				if !sections[section] {
					wrong = append(wrong, "docs/aws-facts.md has no section "+section+": "+line)
				}
			}
		}
	}
	return n, wrong
}

func TestWrongCitations(t *testing.T) {
	t.Parallel()
	n, wrong := wrongCitations("// docs/aws-facts.md, sections A1, C4\n// aws-facts A1\n// docs/aws-facts.md, section K9\n", map[string]bool{"A1": true, "C4": true})
	if n != 3 || len(wrong) != 2 || !strings.Contains(wrong[0], "cite it as") || !strings.Contains(wrong[1], "no section K9") {
		t.Errorf("%d citations, wrong: %q", n, wrong)
	}
}
