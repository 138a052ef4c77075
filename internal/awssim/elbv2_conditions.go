package awssim

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// condition is one of the things that a rule asks of a request.
type condition struct {
	Field  string      // host-header, path-pattern, http-header, http-request-method, query-string or source-ip
	Header string      `json:",omitempty"` // of http-header
	Values []string    `json:",omitempty"`
	Query  []queryPair `json:",omitempty"`
}

// queryPair with an empty key looks at every key.
type queryPair struct{ Key, Value string }

// maxConditionValues of a rule, all conditions together.
const maxConditionValues = 5

var conditionConfigs = map[string]string{"host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "http-header": "HttpHeaderConfig",
	"http-request-method": "HttpRequestMethodConfig", "query-string": "QueryStringConfig", "source-ip": "SourceIpConfig"}

func readConditions(all []wire.Query) ([]condition, error) {
	var out []condition
	values := 0
	for _, q := range all {
		c := condition{Field: q.Str("Field")}
		config, ok := conditionConfigs[c.Field]
		if !ok {
			return nil, wire.BadRequest("ValidationError", "Condition field '%s' must be one of '[host-header, http-header, http-request-method, path-pattern, query-string, source-ip]'", c.Field)
		}
		if c.Field == "query-string" {
			for _, p := range q.Structs(config + ".Values") {
				c.Query = append(c.Query, queryPair{p.Str("Key"), p.Str("Value")})
			}
		} else if c.Values = q.List(config + ".Values"); len(c.Values) == 0 {
			c.Values = q.List("Values")
		}
		c.Header = q.Str(config + ".HttpHeaderName")
		if err := c.check(); err != nil {
			return nil, err
		}
		values += len(c.Values) + len(c.Query)
		out = append(out, c)
	}
	switch {
	case len(out) == 0:
		return nil, wire.BadRequest("ValidationError", "A condition must be specified")
	case values > maxConditionValues:
		return nil, wire.BadRequest("ValidationError", "The rule has %d condition values; the maximum is %d", values, maxConditionValues)
	}
	return out, nil
}

func (c condition) check() error {
	switch {
	case len(c.Values)+len(c.Query) == 0:
		return wire.BadRequest("ValidationError", "A condition value must be specified")
	case c.Field == "http-header" && c.Header == "":
		return wire.BadRequest("ValidationError", "A condition of the field http-header needs an HttpHeaderName")
	}
	for _, v := range c.Values {
		if _, err := netip.ParsePrefix(v); c.Field == "source-ip" && err != nil {
			return wire.BadRequest("ValidationError", "The source IP '%s' is not a valid CIDR block", v)
		}
		if len(v) > 128 {
			return wire.BadRequest("ValidationError", "A condition value has at most 128 characters")
		}
	}
	return nil
}

func conditionXML(c condition) []wire.Node {
	kids := []wire.Node{wire.Str("Field", c.Field)}
	if c.Field == "host-header" || c.Field == "path-pattern" {
		kids = append(kids, wire.Strings("Values", "member", c.Values)) // the older form, for these two
	}
	config := wire.El(conditionConfigs[c.Field])
	if c.Header != "" {
		config.Kids = append(config.Kids, wire.Str("HttpHeaderName", c.Header))
	}
	if c.Field == "query-string" {
		config.Kids = append(config.Kids, wire.List("Values", "member", c.Query, func(p queryPair) []wire.Node {
			return append(wire.Optional(p.Key != "", wire.Str("Key", p.Key)), wire.Str("Value", p.Value))
		}))
	} else {
		config.Kids = append(config.Kids, wire.Strings("Values", "member", c.Values))
	}
	return append(kids, config)
}

// holds says whether a request that came from peer is as the condition asks.
func (c condition) holds(r *http.Request, peer netip.Addr) bool {
	one := func(fits func(value string) bool) bool { return slices.ContainsFunc(c.Values, fits) }
	switch c.Field {
	case "host-header":
		host := strings.ToLower(hostOnly(r.Host))
		return one(func(v string) bool { return wildcard(strings.ToLower(v), host) })
	case "path-pattern":
		return one(func(v string) bool { return wildcard(v, r.URL.Path) })
	case "http-request-method":
		return slices.Contains(c.Values, r.Method)
	case "http-header":
		return slices.ContainsFunc(r.Header.Values(c.Header), func(have string) bool {
			return one(func(v string) bool { return wildcard(strings.ToLower(v), strings.ToLower(have)) })
		})
	case "source-ip":
		return one(func(v string) bool {
			p, err := netip.ParsePrefix(v)
			return err == nil && p.Contains(peer)
		})
	}
	return c.holdsQuery(r.URL.Query())
}

func (c condition) holdsQuery(have url.Values) bool {
	return slices.ContainsFunc(c.Query, func(p queryPair) bool {
		for k, values := range have {
			if p.Key != "" && !wildcard(strings.ToLower(p.Key), strings.ToLower(k)) {
				continue
			}
			if slices.ContainsFunc(values, func(v string) bool { return wildcard(strings.ToLower(p.Value), strings.ToLower(v)) }) {
				return true
			}
		}
		return false
	})
}

// wildcard matches * (any characters) and ? (one).
func wildcard(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// hostOnly takes the port off.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}
