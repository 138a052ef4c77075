package static

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

type vendored struct {
	Packages []struct {
		Name, Version, Integrity string
		Files                    []struct{ Path, SHA384 string }
	}
}

func readVendor(t *testing.T) vendored {
	t.Helper()
	raw, err := files.ReadFile("vendor/VENDOR.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vendored
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVendoredFilesHaveTheirHashes(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{"vendor/VENDOR.json": true}
	for _, p := range readVendor(t).Packages {
		for _, f := range p.Files {
			listed["vendor/"+f.Path] = true
			body, err := files.ReadFile("vendor/" + f.Path)
			if err != nil {
				t.Error(err)
				continue
			}
			sum := sha512.Sum384(body)
			if got := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); got != f.SHA384 {
				t.Errorf("%s has %s, VENDOR.json says %s", f.Path, got, f.SHA384)
			}
		}
	}
	err := fs.WalkDir(files, "vendor", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !listed[name] {
			t.Errorf("%s is not in VENDOR.json", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVendoredPackagesAreThoseOfTheLock(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity, Resolved string }
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	for _, p := range readVendor(t).Packages {
		locked := lock.Packages["node_modules/"+p.Name]
		if locked.Version != p.Version || locked.Integrity != p.Integrity || p.Integrity == "" {
			t.Errorf("%s: vendored %s %s, locked %s %s", p.Name, p.Version, p.Integrity, locked.Version, locked.Integrity)
		}
	}
	for name, p := range lock.Packages {
		if p.Resolved != "" && !strings.HasPrefix(p.Resolved, "https://registry.npmjs.org/") {
			t.Errorf("%s comes from %s", name, p.Resolved)
		}
	}
}

func get(t *testing.T, a *Assets, url string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, r)
	return rec.Result()
}

func TestCaching(t *testing.T) {
	t.Parallel()
	a := New("/static/")
	hashed := get(t, a, a.URL("app.js"))
	if got := hashed.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("with the hash: %q", got)
	}
	for _, url := range []string{"/static/app.js", "/static/app.js?v=0123456789abcdef"} {
		if got := get(t, a, url).Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: %q", url, got)
		}
	}
	again := get(t, a, "/static/app.js", "If-None-Match", hashed.Header.Get("Etag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("with its ETag: %d", again.StatusCode)
	}
}

func TestServesOnlyWhatIsEmbedded(t *testing.T) {
	t.Parallel()
	a := New("/static/")
	for url, want := range map[string]string{
		"/static/app.css":                                "text/css; charset=utf-8",
		"/static/vendor/htmx/htmx.min.js":                "text/javascript; charset=utf-8",
		"/static/vendor/swagger-ui/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"/static/vendor/VENDOR.json":                     "application/json",
		"/static/vendor/htmx/LICENSE":                    "text/plain; charset=utf-8",
	} {
		r := get(t, a, url)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != want || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %s", url, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	for _, url := range []string{"/static/", "/static/static.go", "/static/../web.go", "/static/vendor", "/static/none.js"} {
		if r := get(t, a, url); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", url, r.StatusCode)
		}
	}
}
