package awssim

import (
	"net/url"
	"strings"
)

const (
	defaultStage = "$default"
	defaultRoute = "$default"
)

// pathSegments splits a raw path and decodes each segment. A leading slash is
// taken off; doubled slashes leave empty segments.
func pathSegments(escaped string) []string {
	out := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, s := range out {
		if d, err := url.PathUnescape(s); err == nil {
			out[i] = d
		}
	}
	return out
}

// pickStage chooses by the first segment, else $default. It returns the
// segments that routes are matched with.
func pickStage(stages []*stage, segments []string) (*stage, []string) {
	var fallback *stage
	for _, s := range stages {
		switch {
		case s.Name == defaultStage:
			fallback = s
		case s.Name == segments[0]:
			rest := segments[1:]
			if len(rest) == 0 {
				rest = []string{""}
			}
			return s, rest
		}
	}
	return fallback, segments
}

// routeMatch is how well a route fits: greater is better.
type routeMatch struct {
	full     bool // no greedy variable
	literals int  // segments that are no variable
	method   bool // names the method, rather than ANY
	vars     map[string]string
}

func (m routeMatch) better(o routeMatch) bool {
	switch {
	case m.full != o.full:
		return m.full
	case m.literals != o.literals:
		return m.literals > o.literals
	}
	return m.method && !o.method
}

// pickRoute applies API Gateway's order: a full match, then the longest greedy
// one, then $default; a method before ANY.
func pickRoute(routes []route, method string, segments []string) (*route, map[string]string) {
	var best, fallback *route
	var bestMatch routeMatch
	for i := range routes {
		r := &routes[i]
		if r.Key == defaultRoute {
			fallback = r
			continue
		}
		m, ok := matchRoute(r.Key, method, segments)
		if ok && (best == nil || m.better(bestMatch)) {
			best, bestMatch = r, m
		}
	}
	if best == nil {
		return fallback, nil
	}
	return best, bestMatch.vars
}

func (m *routeMatch) set(name, value string) {
	if m.vars == nil {
		m.vars = map[string]string{}
	}
	m.vars[name] = value
}

func matchRoute(key, method string, have []string) (routeMatch, bool) {
	verb, path, _ := strings.Cut(key, " ")
	if verb != "ANY" && verb != method {
		return routeMatch{}, false
	}
	want := strings.Split(strings.TrimPrefix(path, "/"), "/")
	m := routeMatch{full: true, method: verb != "ANY"}
	for i, w := range want {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(w, "{"), "+}"); ok {
			// {proxy+} also takes nothing: ANY /{proxy+} answers /.
			if i > len(have) {
				return routeMatch{}, false
			}
			m.full = false
			m.set(name, strings.Join(have[i:], "/"))
			return m, true
		}
		if i >= len(have) {
			return routeMatch{}, false
		}
		switch {
		case strings.HasPrefix(w, "{"):
			if have[i] == "" {
				return routeMatch{}, false
			}
			m.set(strings.Trim(w, "{}"), have[i])
		case w != have[i]:
			return routeMatch{}, false
		default:
			m.literals++
		}
	}
	return m, len(want) == len(have)
}
