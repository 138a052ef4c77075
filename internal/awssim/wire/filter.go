package wire

import (
	"slices"
	"strings"
)

// Filter is one of EC2's `Filter.N`: any of the values must match.
type Filter struct {
	Name   string
	Values []string
}

// Filters reads `Filter.N.Name` and `Filter.N.Value.M`.
func (q Query) Filters() []Filter {
	var out []Filter
	for _, f := range q.Structs("Filter") {
		out = append(out, Filter{Name: f.Str("Name"), Values: f.List("Value")})
	}
	return out
}

// Match says whether a resource with these tags passes all the filters.
// attr gives the resource's values for a filter's name, and false for a name
// that the resource does not have: AWS refuses such a filter.
func Match(filters []Filter, tags map[string]string, attr func(name string) ([]string, bool)) (bool, error) {
	for _, f := range filters {
		have, ok := tagValues(f.Name, tags)
		if !ok {
			if have, ok = attr(f.Name); !ok {
				return false, BadRequest("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
			}
		}
		if !anyMatch(f.Values, have) {
			return false, nil
		}
	}
	return true, nil
}

func tagValues(name string, tags map[string]string) ([]string, bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if v, ok := tags[key]; ok {
			return []string{v}, true
		}
		return nil, true
	}
	var out []string
	switch name {
	case "tag-key":
		for k := range tags {
			out = append(out, k)
		}
		return out, true
	case "tag-value":
		for _, v := range tags {
			out = append(out, v)
		}
		return out, true
	}
	return nil, false
}

func anyMatch(patterns, have []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(have, func(v string) bool { return wildcard(p, v) })
	})
}

// wildcard matches `*` (any text) and `?` (one character), in linear memory
// and without recursion, so that a hostile pattern cannot explode.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
