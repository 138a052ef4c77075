// Package static holds the style sheets and scripts of the pages. Everything
// is embedded; what comes from npm is under vendor, pinned by VENDOR.json.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed app.css pages.css app.js theme.js vendor
var files embed.FS

// Assets serves the embedded files below a URL prefix.
type Assets struct {
	prefix string
	hashes map[string]string // by name, the first 16 hex digits of SHA-256
}

// New reads the embedded files once. prefix ends in a slash.
func New(prefix string) *Assets {
	a := &Assets{prefix: prefix, hashes: map[string]string{}}
	// Nothing of an embed.FS fails to be read; a file that did would have no
	// hash and answer 404, which a test looks for.
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err == nil {
			sum := sha256.Sum256(body)
			a.hashes[name] = hex.EncodeToString(sum[:8])
		}
		return err
	})
	return a
}

// URL is the address of a file with its hash, so that browsers may keep it for
// ever. An unknown name gives an address that answers 404.
func (a *Assets) URL(name string) string {
	return a.prefix + name + "?v=" + a.hashes[name]
}

// ServeHTTP serves a file. With the right hash in the query it may be kept for
// a year, without it it is asked for again each time.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, a.prefix)
	hash, ok := a.hashes[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	body, err := files.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer body.Close()
	h := w.Header()
	h.Set("Etag", `"`+hash+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", contentType(name))
	http.ServeContent(w, r, name, time.Time{}, body.(readSeeker))
}

// readSeeker is what every file of an embed.FS is.
type readSeeker interface {
	fs.File
	Read([]byte) (int, error)
	Seek(offset int64, whence int) (int64, error)
}

// contentType does not depend on the machine's own tables for the types in use.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".json":
		return "application/json"
	case "":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}
