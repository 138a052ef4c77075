package webhook

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// snippet is the first block of that language in docs/webhooks.md with the text in it.
func snippet(t *testing.T, language, has string) string {
	t.Helper()
	document, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(document), -1) {
		if strings.Contains(m[1], has) {
			return m[1]
		}
	}
	t.Fatalf("docs/webhooks.md has no %s with %q", language, has)
	return ""
}

// TestDocumentedChecks runs what docs/webhooks.md tells receivers to do, on a
// message that is good and on one that was changed.
func TestDocumentedChecks(t *testing.T) {
	t.Parallel()
	const body = `{"type":"backend.ready","data":{"title":"ü & $HOME \"x\""}}`
	secret, old := NewSecret(), NewSecret()
	h := http.Header{}
	if err := sign(h, "ntc_1", time.Now(), []byte(body), old, secret); err != nil {
		t.Fatal(err)
	}
	python := snippet(t, "python", "def verify") + `
import os, sys
headers = {k.lower(): os.environ[k.upper().replace("-", "_")] for k in ("webhook-id", "webhook-timestamp", "webhook-signature")}
print("good" if verify(os.environ["SECRET"], headers, open("body.json", "rb").read()) else "bad")
`
	golang := `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

` + snippet(t, "go", "func Verify") + `
func main() {
	h := http.Header{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		h.Set(name, os.Getenv(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))))
	}
	body, _ := os.ReadFile("body.json")
	fmt.Println(map[bool]string{true: "good", false: "bad"}[Verify(os.Getenv("SECRET"), h, body)])
}
`
	for _, row := range []struct {
		name, file, text string
		needs            []string
		command          []string
	}{
		{"python", "check.py", python, []string{"python3"}, []string{"python3", "check.py"}},
		{"shell", "check.sh", snippet(t, "sh", "hexkey"), []string{"sh", "openssl", "od", "base64"}, []string{"sh", "check.sh"}},
		{"go", "main.go", golang, []string{"go"}, []string{"go", "run", "main.go"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, program := range row.needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not installed", program)
				}
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, row.file), []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for sent, want := range map[string]string{body: "good", body + " ": "bad"} {
				if err := os.WriteFile(filepath.Join(dir, "body.json"), []byte(sent), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), row.command[0], row.command[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "SECRET="+secret, "WEBHOOK_ID="+h.Get("webhook-id"),
					"WEBHOOK_TIMESTAMP="+h.Get("webhook-timestamp"), "WEBHOOK_SIGNATURE="+h.Get("webhook-signature"))
				out, err := cmd.CombinedOutput()
				if err != nil || strings.TrimSpace(string(out)) != want {
					t.Errorf("%q: %s (%v), want %s", sent, out, err, want)
				}
			}
		})
	}
}
