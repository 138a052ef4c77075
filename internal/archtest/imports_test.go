package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "drawbridge"

// root is the module's folder.
const root = "../.."

// row is a line of the table: what a package may import.
type row struct {
	ours, others       []string
	anyOurs, anyOthers bool
}

// TestImports compares the table with the code, both ways.
func TestImports(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := parseTable(string(document))
	if err != nil {
		t.Fatal(err)
	}
	packages := listPackages(t)
	for name, imports := range packages {
		r, ok := table[name]
		if !ok {
			t.Errorf("%s has no row in docs/architecture.md", name)
			continue
		}
		for _, path := range imports {
			if !r.allows(path) {
				t.Errorf("%s imports %s, which its row in docs/architecture.md does not allow", name, path)
			}
		}
	}
	for name, r := range table {
		if _, ok := packages[name]; !ok {
			t.Errorf("docs/architecture.md has a row for %s, which does not exist", name)
		}
		for _, other := range r.ours {
			if _, ok := table[other]; !ok {
				t.Errorf("the row of %s allows %s, which has no row", name, other)
			}
		}
	}
}

// TestDoors pins what the table must not be edited to allow.
func TestDoors(t *testing.T) {
	t.Parallel()
	never := map[string][]string{
		"web":               {"internal/store", "internal/provision", "internal/provision/kinds", "internal/awsapi", "github.com/aws", "database/sql"},
		"internal/api":      {"internal/store", "internal/provision", "internal/provision/kinds", "internal/awsapi", "github.com/aws", "database/sql"},
		"internal/awssim":   {"internal/model", "internal/awsapi", "internal/provision", "github.com/aws"},
		"internal/model":    {"net/http", "database/sql", "github.com", "internal"},
		"internal/panel":    {"net/http", "internal/awsapi", "github.com/aws"},
		"internal/jobs":     {"internal/store", "internal/provision"},
		"internal/awsapi":   {"internal/awssim"},
		"internal/probe":    {"internal/awssim"},
		"internal/store":    {"internal/panel", "internal/provision", "internal/jobs"},
		"internal/archtest": {"internal"},
	}
	packages := listPackages(t)
	for name, forbidden := range never {
		for _, path := range packages[name] {
			for _, f := range forbidden {
				if below(strings.TrimPrefix(path, module+"/"), f) && !below(strings.TrimPrefix(path, module+"/"), name) {
					t.Errorf("%s must never import %s", name, path)
				}
			}
		}
	}
}

func TestParseTable(t *testing.T) {
	t.Parallel()
	good := "text\n\n| package | what it is | may import of ours | of third parties |\n|---|---|---|---|\n" +
		"| `a` | the first | `b` `c/d` | any |\n| `b` | the second | - | `x.org/y` |\n\n| `z` | in another table | - | - |\n"
	table, err := parseTable(good)
	if err != nil || len(table) != 2 {
		t.Fatalf("%v %v", table, err)
	}
	a, b := table["a"], table["b"]
	rows := []struct {
		r    row
		path string
		want bool
	}{
		{a, module + "/b", true}, {a, module + "/c/d", true}, {a, module + "/c", false}, {a, module + "/bb", false},
		{a, "x.org/any", true}, {a, "fmt", true}, {a, "net/http", true},
		{b, module + "/a", false}, {b, "x.org/y", true}, {b, "x.org/y/z", true}, {b, "x.org/yz", false}, {b, "fmt", true},
	}
	for _, row := range rows {
		if got := row.r.allows(row.path); got != row.want {
			t.Errorf("%s: %v, want %v", row.path, got, row.want)
		}
	}
	for name, bad := range map[string]string{
		"no table":        "text",
		"no rows":         "| package | what it is | may import of ours | of third parties |\n|---|---|---|---|\n",
		"a column short":  strings.Replace(good, "| any |", "|", 1),
		"twice":           strings.Replace(good, "| `b` |", "| `a` |", 1),
		"an unknown word": strings.Replace(good, "| any |", "| all |", 1),
	} {
		if _, err := parseTable(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

const header = "| package | what it is | may import of ours | of third parties |"

// parseTable reads the rows below the header line up to the first other line.
func parseTable(document string) (map[string]row, error) {
	_, rest, ok := strings.Cut(document, header+"\n")
	if !ok {
		return nil, fmt.Errorf("no line %q", header)
	}
	table := map[string]row{}
	for i, line := range strings.Split(rest, "\n") {
		if i == 0 {
			continue // the line of dashes
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 {
			return nil, fmt.Errorf("a row needs four cells: %s", line)
		}
		names, _, err := parseCell(cells[0])
		if err != nil || len(names) != 1 || table[names[0]].seen() {
			return nil, fmt.Errorf("a row names one package, once: %s", line)
		}
		var r row
		if r.ours, r.anyOurs, err = parseCell(cells[2]); err != nil {
			return nil, fmt.Errorf("%s: %w", names[0], err)
		}
		if r.others, r.anyOthers, err = parseCell(cells[3]); err != nil {
			return nil, fmt.Errorf("%s: %w", names[0], err)
		}
		table[names[0]] = r
	}
	if len(table) == 0 {
		return nil, errors.New("the table has no rows")
	}
	return table, nil
}

var quoted = regexp.MustCompile("`([^`]+)`")

// parseCell reads "-", "any" or names in backticks.
func parseCell(cell string) (names []string, everything bool, err error) {
	cell = strings.TrimSpace(cell)
	switch cell {
	case "any":
		return nil, true, nil
	case "-":
		return []string{}, false, nil
	}
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		names = append(names, m[1])
	}
	if left := strings.TrimSpace(quoted.ReplaceAllString(cell, "")); left != "" || len(names) == 0 {
		return nil, false, fmt.Errorf("write names in backticks, - or any, not %q", cell)
	}
	return names, false, nil
}

// seen tells a row of the table from the zero row.
func (r row) seen() bool { return r.ours != nil || r.anyOurs }

func (r row) allows(path string) bool {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		return r.anyOurs || slices.Contains(r.ours, ours)
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	return r.anyOthers || slices.ContainsFunc(r.others, func(prefix string) bool { return below(path, prefix) })
}

// below tells whether path is prefix or lies below it.
func below(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// listPackages asks `go list` for every package of the module and its imports,
// those of tests left out.
func listPackages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	packages := map[string][]string{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module+"/")] = p.Imports
	}
}
