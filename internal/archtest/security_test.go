package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNothingIsExecuted: what users type reaches no shell, no template and no
// code that is loaded: the server has none.
func TestNothingIsExecuted(t *testing.T) {
	t.Parallel()
	for name, imports := range listPackages(t) {
		for _, path := range imports {
			switch path {
			case "os/exec", "plugin", "text/template", "html/template", "net/http/cgi", "net/http/pprof", "expvar":
				if !strings.HasSuffix(name, "test") { // storetest starts PostgreSQL
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}

// secretName is how things are called that a stranger may guess at.
var secretName = regexp.MustCompile(`(?i)(secret|token|bearer|password|nonce|verifier|signature|hmac|\bmac\b|digest|\bhash(ed)?)$`)

// noSecrets are the files whose hashes and secrets everybody may know.
var noSecrets = map[string]string{
	"internal/store/audit_verify.go":   "the audit's hashes are told to whoever reads it",
	"web/static/static.go":             "the hash of a public file",
	"internal/auth/authtest/issuer.go": "a test's own",
}

// TestSecretsAreComparedInConstantTime: == tells by its time how much of a secret
// was guessed. Secrets are compared with crypto/subtle or looked up by their hash.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, path := range sources(t) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") ||
			noSecrets[path] != "" || strings.HasPrefix(path, "internal/awssim") { // whose secrets are everybody's, too
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		checked++
		for _, fault := range comparisons(path, src) {
			t.Error(fault)
		}
	}
	if checked < 100 {
		t.Errorf("only %d files were found", checked)
	}
}

// comparisons lists where something that is called like a secret is compared
// with something that is not a constant.
func comparisons(name string, src []byte) (faults []string) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		b, ok := n.(*ast.BinaryExpr)
		if ok && (b.Op == token.EQL || b.Op == token.NEQ) && (secretName.MatchString(called(b.X)) && varies(b.Y) || secretName.MatchString(called(b.Y)) && varies(b.X)) {
			faults = append(faults, fset.Position(b.Pos()).String()+": compare it with crypto/subtle, or look it up by its hash")
		}
		return true
	})
	return faults
}

// called is the name of what stands there.
func called(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.CallExpr:
		if id, ok := x.Fun.(*ast.Ident); ok && id.Name == "string" && len(x.Args) == 1 {
			return called(x.Args[0])
		}
		return called(x.Fun)
	case *ast.ParenExpr:
		return called(x.X)
	}
	return ""
}

// varies tells what is neither a literal nor nil.
func varies(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		return false
	case *ast.Ident:
		return x.Name != "nil" && x.Name != "true" && x.Name != "false"
	}
	return true
}

// TestDocumentedCasesHaveTheirTests: the tables of known ways in and of bad
// input and faults name tests that there are.
func TestDocumentedCasesHaveTheirTests(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, path := range allTests(t) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(src), -1) {
			tests.WriteString(m[1] + "\n")
		}
	}
	for file, rows := range map[string]int{"access.md": 14, "sandboxes.md": 15} {
		document, err := os.ReadFile(filepath.Join(root, "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for line := range strings.Lines(string(document)) {
			cells := strings.Split(line, "|")
			if len(cells) != 5 || !testCell.MatchString(cells[3]) {
				continue
			}
			found++
			for _, name := range testName.FindAllString(cells[3], -1) {
				if !strings.Contains(tests.String(), name) {
					t.Errorf("docs/%s names %s, and there is no such test", file, name)
				}
			}
		}
		if found < rows {
			t.Errorf("docs/%s has %d rows with tests, want %d", file, found, rows)
		}
	}
}

var (
	testFunc = regexp.MustCompile(`(?m)^func Test(\w+)\(`)
	testCell = regexp.MustCompile("^ `[a-z0-9]+` [A-Z]")
	testName = regexp.MustCompile(`\b[A-Z]\w+`)
)

func allTests(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"internal/*/*_test.go", "web/*_test.go"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func TestComparisons(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`secret == given`: 1, `given != x.Token`: 1, `string(mac) == y`: 1, `sign(b).Signature == s`: 1, `newHash(x) == hash(y)`: 1,
		`secret == ""`: 0, `token != nil`: 0, `x.TokenID == id`: 0, `name == other`: 0, `hasPassword == true`: 0,
	} {
		if got := comparisons("a.go", []byte("package a\n\nvar _ = "+body+"\n")); len(got) != want {
			t.Errorf("%s: %q, want %d", body, got, want)
		}
	}
}
