package app

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/public.txt anew")

var routeParam = regexp.MustCompile(`\\:|:[a-zA-Z]+|\*$`)

// fillRoute is a route's path with that in the place of each parameter.
func fillRoute(path, with string) string {
	return routeParam.ReplaceAllStringFunc(path, func(param string) string {
		if param == `\:` {
			return ":" // as it stands
		}
		return with
	})
}

// TestPublicRoutesGolden asks everything that the wired server answers to as a
// stranger. What does not send them away is listed in a file, so that a new one
// is seen in the review; and none of it tells which version runs here.
func TestPublicRoutesGolden(t *testing.T) {
	t.Parallel()
	const version = "9.8.7-not-for-strangers"
	h := newHouse(t, func(c *Config) { c.Version = version })
	var lines []string
	asked := 0
	for _, r := range h.app.routes.Routes() {
		if r.Method == "echo_route_not_found" {
			continue
		}
		asked++
		req, err := http.NewRequestWithContext(t.Context(), r.Method, h.url+fillRoute(r.Path, "none"), http.NoBody)
		check(t, err)
		resp, err := noRedirects.Do(req)
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		_ = resp.Body.Close()
		if strings.Contains(string(body)+fmt.Sprint(resp.Header), version) {
			t.Errorf("%s %s tells strangers the version", r.Method, r.Path)
		}
		away := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusSeeOther && strings.HasPrefix(resp.Header.Get("Location"), "/sign-in")
		if !away || r.Path == "/sign-out" {
			lines = append(lines, r.Method+" "+r.Path)
		}
	}
	slices.Sort(lines)
	got := strings.Join(slices.Compact(lines), "\n") + "\n"
	t.Logf("%d routes, of which %d need no sign-in", asked, strings.Count(got, "\n"))
	if *update {
		check(t, os.WriteFile("testdata/public.txt", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/public.txt")
	if *update || err != nil || got != string(want) {
		t.Errorf("these need no sign-in:\n%s(%v) If that is meant: go test ./internal/app -run Golden -update", got, err)
	}
}
