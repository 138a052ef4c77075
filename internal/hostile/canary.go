package hostile

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// Canaries are secrets that nothing may show: no answer, log, file or backup.
// Each is also looked for as it stands in a Basic Authorization header.
type Canaries struct {
	mu sync.RWMutex
	of map[string][][]byte
}

// Add names a secret that is not to be seen from now on.
func (c *Canaries) Add(name, secret string) {
	if len(secret) < 12 {
		panic("too short to be found for certain: " + name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string][][]byte{}
	}
	forms := [][]byte{[]byte(secret)}
	for shift := range 3 { // base64 of a longer text that has it somewhere
		inner := base64.StdEncoding.EncodeToString([]byte("xxx"[:shift] + secret))
		forms = append(forms, []byte(inner[4:len(inner)-4]))
	}
	c.of[name] = append(c.of[name], forms...)
}

// Find returns what is wrong with a text that leaves the server, or "".
func (c *Canaries) Find(where string, text []byte) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for name, forms := range c.of {
		for _, form := range forms {
			if at := bytes.Index(text, form); at >= 0 {
				return fmt.Sprintf("%s shows %s: %q", where, name, text[max(0, at-60):min(len(text), at+20)])
			}
		}
	}
	return ""
}

// FindInFiles looks into every file below dir.
func (c *Canaries) FindInFiles(dir string) (wrong []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // it went away meanwhile
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		if why := c.Find("the file "+d.Name(), text); why != "" {
			wrong = append(wrong, why)
		}
		return nil
	})
	return wrong
}

// Watch tells of every answer of a handler, its headers included, that shows one.
func (c *Canaries) Watch(next http.Handler, wrong func(string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &watched{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		for name, values := range w.Header() {
			for _, v := range values {
				seen.text = append(seen.text, "\n"+name+": "+v...)
			}
		}
		if why := c.Find(r.Method+" "+r.URL.Path, seen.text); why != "" {
			wrong(why)
		}
	})
}

// watched keeps what is written.
type watched struct {
	http.ResponseWriter
	text []byte
}

func (w *watched) Write(b []byte) (int, error) {
	w.text = append(w.text, b...)
	return w.ResponseWriter.Write(b)
}

func (w *watched) Flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
