package hostile

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// TestCanaries: a secret is found wherever it can be shown, and only there.
func TestCanaries(t *testing.T) {
	t.Parallel()
	const secret = "canaryOfATest0123456789"
	var c Canaries
	if why := c.Find("nothing", []byte(secret)); why != "" {
		t.Error(why)
	}
	c.Add("the secret", secret)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "db"), []byte("\x00\x01"+secret+"\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	if wrong := c.FindInFiles(dir); len(wrong) != 1 {
		t.Errorf("in files: %q", wrong)
	}
	basic := httptest.NewRequest(http.MethodGet, "/", nil)
	basic.SetBasicAuth("panel", secret)
	for text, found := range map[string]bool{
		"a " + secret + " b": true, "canaryOfATest": false, "": false, basic.Header.Get("Authorization"): true,
	} {
		if why := c.Find("x", []byte(text)); (why != "") != found {
			t.Errorf("%q: %q", text, why)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"body": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(secret[:9]))
			_, _ = w.Write([]byte(secret[9:]))
		},
		"header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Y", "1 "+secret) },
	} {
		told := 0
		c.Watch(answer, func(string) { told++ }).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		if told != 1 {
			t.Errorf("in the %s: told %d times", name, told)
		}
	}
}
