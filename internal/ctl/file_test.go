package ctl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// published is the schema as the panel publishes it.
func published(t testing.TB) *schema {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "api", "backend.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// look is everything that the client does with a file before the panel sees it.
func look(t testing.TB, text string) ([]*document, string) {
	t.Helper()
	documents, err := parseFile("backend.yaml", []byte(text))
	if err != nil {
		return nil, err.Error()
	}
	for _, d := range documents {
		if err := d.check(published(t)); err != nil {
			return nil, err.Error()
		}
	}
	return documents, ""
}

const goodFile = `# yaml-language-server: $schema=https://panel.example.com/api/v1/schemas/backend.json
team: shop
name: orders-api
environment: local
spec:
  source: launch
  port: 8000
  health_path: /health
  launch:
    instance_type: t3.micro
    count: 0x2
    user_data: |
      #!/bin/sh
      exec /opt/app/run
  tests:
    - path: /service-a
      expect_status: 200
  tags: {cost-center: "42", since: 2026-01-02}
`

func TestFileIsRead(t *testing.T) {
	t.Parallel()
	documents, why := look(t, goodFile+"---\n---\nname: other\nspec: {}\n---\n")
	if why != "" || len(documents) != 2 {
		t.Fatalf("%d documents, %s", len(documents), why)
	}
	got, err := json.Marshal(documents[0].value)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"environment":"local","name":"orders-api","spec":{"health_path":"/health","launch":{"count":2,"instance_type":"t3.micro","user_data":"#!/bin/sh\nexec /opt/app/run\n"},` +
		`"port":8000,"source":"launch","tags":{"cost-center":"42","since":"2026-01-02"},"tests":[{"expect_status":200,"path":"/service-a"}]},"team":"shop"}`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if documents[1].text("name") != "other" {
		t.Errorf("the second is %v", documents[1].value)
	}
}

// TestFileIsRefused: each fault is told with its line and what to do.
func TestFileIsRefused(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		if !strings.Contains(goodFile, from) {
			t.Fatalf("%q is not in the file", from)
		}
		return strings.Replace(goodFile, from, to, 1)
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'j'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "]\n"
	}
	rows := []struct{ name, text, want string }{
		{"unknown field", change("  port:", "  prot:"), "backend.yaml:7:3: spec.prot: This field is not known. Did you mean port?"},
		{"unknown field, JSON's way", change("  health_path:", "  healthPath:"), "backend.yaml:8:3: spec.healthPath: This field is not known. Did you mean health_path?"},
		{"unknown field in a list", change("      expect_status:", "      expected: 1\n      expect_status:"), "backend.yaml:17:7: spec.tests[0].expected: This field is not known. These are: body_contains, expect_status, method, name, path."},
		{"unknown at the top", change("team:", "apiVersion: v1\nteam:"), "backend.yaml:2:1: apiVersion: This field is not known."},
		{"several at once", change("  port: 8000", "  prot: 1\n  port: x"), "backend.yaml:8:3: spec.port: A whole number is asked for here, not Text."},
		{"a key twice", change("  port: 8000", "  port: 8000\n  port: 9000"), "backend.yaml:8:3: spec.port: This stands here twice; the first is in line 7."},
		{"a number for text", change("name: orders-api", "name: 42"), `backend.yaml:3:1: name: Text is asked for here, not A whole number. Write it in quotes: "42".`},
		{"a number for a tag", change(`"42"`, "42"), `spec.tags.cost-center: Text is asked for here`},
		{"a list for a group", change("  source: launch", "  launch: []\n  source: launch"), "spec.launch"},
		{"a value that is not known", change("source: launch", "source: lunch"), `backend.yaml:6:3: spec.source: "lunch" is not known here; it may be launch, instances.`},
		{"missing", "spec: {}\n", "backend.yaml:1:1: The field name is missing."},
		{"nothing after the colon", change("port: 8000", "port:"), "backend.yaml:7:3: spec.port: There is nothing after the colon."},
		{"a bomb of anchors", bomb, "backend.yaml:1:4: a: Anchors and aliases are not taken here; write it out."},
		{"an alias of itself", "a: &a [*a]\n", "Anchors and aliases"},
		{"merging", "x: 1\n<<: {name: y}\n", "backend.yaml:2:1: Only names stand before a colon here."},
		{"a tag", change("port: 8000", "port: !!python/object/apply:os.system [ls]"), "backend.yaml:7:9: spec.port: The tag !!python/object/apply:os.system is not taken here"},
		{"binary", change("port: 8000", "port: !!binary aGk="), "The tag !!binary is not taken here"},
		{"a key that is a list", "? [a, b]\n: c\n", "Only names stand before a colon here."},
		{"deep flow", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "nested more than 20 deep"},
		{"deeper flow", strings.Repeat("[", 100_000), "The YAML cannot be read"},
		{"deep blocks", strings.Repeat("- ", 50_000) + "x", "The YAML cannot be read"},
		{"NUL", "name: a\nspec: \x00\n", "backend.yaml:2: There is a NUL character"},
		{"not UTF-8", "name: a\n\n# \xff\n", "backend.yaml:3: The file is not in UTF-8."},
		{"no YAML", "name: a\n\tspec: {}\n", "backend.yaml:2: The YAML cannot be read"},
		{"a line that is none", "name: a\nspec\n", "The YAML cannot be read"},
		{"empty", "# nothing\n---\n", "backend.yaml: The file is empty."},
		{"a list of backends", "- name: a\n", "A backend is written as name: value"},
		{"text", "hello\n", "A backend is written as name: value"},
		{"infinite", change("port: 8000", "port: .inf"), "spec.port: .inf is not a number"},
		{"too large a number", change("port: 8000", "port: 99999999999999999999"), "spec.port: A whole number is asked for here, not A number."},
		{"many documents", strings.Repeat("---\nname: a\n", maxDocuments+1), "more than 200 documents"},
	}
	for _, row := range rows {
		began := time.Now()
		_, why := look(t, row.text)
		if !strings.Contains(why, row.want) {
			t.Errorf("%s: %.600q, want %q", row.name, why, row.want)
		}
		if strings.Count(why, "\n") > maxRemarks {
			t.Errorf("%s: %d lines", row.name, strings.Count(why, "\n"))
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s took %s", row.name, took)
		}
	}
}

// TestFileOfTenMegabytes is not even read whole.
func TestFileOfTenMegabytes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(path, []byte("name: "+strings.Repeat("x", 10<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readFiles([]string{path})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "big.yaml: The file is larger than 1 MiB.") {
		t.Errorf("%v", err)
	}
	if _, err := readFiles([]string{filepath.Join(t.TempDir(), "none.yaml")}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("%v", err)
	}
}

// TestRefusalsAreLocated: what the panel refuses is told by line as well.
func TestRefusalsAreLocated(t *testing.T) {
	t.Parallel()
	documents, why := look(t, goodFile)
	if why != "" {
		t.Fatal(why)
	}
	p := &problem{Status: 422, Detail: "Some fields need another value."}
	for _, path := range []string{"body.spec.tests[0].path", "body.spec.port", "body.spec.launch.ami", "body.environment", "query.x"} {
		p.Errors = append(p.Errors, fieldProblem{path, "Wrong."})
	}
	got := documents[0].located(p).Error()
	for _, want := range []string{"backend.yaml:16:7: spec.tests[0].path: Wrong.", "backend.yaml:7:3: spec.port: Wrong.",
		"backend.yaml:9:3: spec.launch.ami: Wrong.", "backend.yaml:4:1: environment: Wrong.", "backend.yaml:2:1: query.x: Wrong."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// TestExamplesFitTheSchema: what is in the repository to copy from is good.
func TestExamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "backend*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, why := look(t, string(text)); why != "" {
			t.Errorf("%s: %s", name, why)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=") {
			t.Errorf("%s does not name its schema", name)
		}
	}
}
