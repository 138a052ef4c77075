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
	linkRE    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingRE = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlugRE = regexp.MustCompile(`[^\w\- ]`)
)

// documents are the pages of the repository, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Skipf("no git checkout: %v", err)
	}
	pages := map[string]string{}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		pages[path] = string(text)
	}
	return pages
}

// TestLinksLead: every link to a file of the repository, and to a heading of a
// page, leads there.
func TestLinksLead(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	for page, text := range pages {
		for _, m := range linkRE.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			to := page
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			} else if target, ok := pages[to]; ok && anchor != "" && !hasHeading(target, anchor) {
				t.Errorf("%s: %s has no heading #%s", page, to, anchor)
			}
		}
	}
}

func hasHeading(text, anchor string) bool {
	for _, m := range headingRE.FindAllStringSubmatch(text, -1) {
		if strings.ReplaceAll(notSlugRE.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// TestPagesAreListed: docs/README.md leads to every page, and docs/adr/README.md
// names each decision as it names itself.
func TestPagesAreListed(t *testing.T) {
	t.Parallel()
	pages := documents(t)
	decisions := 0
	for page, text := range pages {
		dir, name := filepath.Split(page)
		want := ""
		switch {
		case name == "README.md":
			continue
		case dir == "docs/":
			want = "](" + name + ")"
		case dir == "docs/adr/":
			decisions++
			first, _, _ := strings.Cut(text, "\n")
			number, title, ok := strings.Cut(strings.TrimPrefix(first, "# "), ". ")
			if !ok || !strings.HasPrefix(name, number+"-") || !strings.Contains(text, "\nStatus: ") {
				t.Errorf("%s: begins with %q, or says no status", page, first)
			}
			want = "| [" + number + "](" + name + ") | " + title + " |"
		}
		if !strings.Contains(pages[dir+"README.md"], want) {
			t.Errorf("%sREADME.md has no %s", dir, want)
		}
	}
	if decisions < 15 {
		t.Errorf("%d decisions", decisions)
	}
}
