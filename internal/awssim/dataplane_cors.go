package awssim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// cors is an API's CORS configuration.
type cors struct {
	AllowCredentials bool     `json:"allowCredentials,omitempty"`
	AllowHeaders     []string `json:"allowHeaders,omitempty"`
	AllowMethods     []string `json:"allowMethods,omitempty"`
	AllowOrigins     []string `json:"allowOrigins,omitempty"`
	ExposeHeaders    []string `json:"exposeHeaders,omitempty"`
	MaxAge           int      `json:"maxAge,omitempty"`
}

// check refuses what AWS refuses.
func (c *cors) check() error {
	for _, o := range c.AllowOrigins {
		if o != "*" && !strings.HasPrefix(o, "http://") && !strings.HasPrefix(o, "https://") {
			return badRequest("Invalid format for origin. Origin should be * or begin with http:// or https://, not %s", o)
		}
		if o == "*" && c.AllowCredentials {
			return badRequest("allowCredentials is not supported for origin *")
		}
	}
	for _, m := range c.AllowMethods {
		if m != "*" && !httpMethod.MatchString(m) {
			return badRequest("Invalid method specified for CORS: %s", m)
		}
	}
	if c.MaxAge < -1 || c.MaxAge > 86_400 {
		return badRequest("maxAge must be between -1 and 86400")
	}
	return nil
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// allows returns what Access-Control-Allow-Origin says to an origin, "" when
// the origin is not allowed.
func (c *cors) allows(origin string) string {
	if slices.Contains(c.AllowOrigins, "*") {
		return "*"
	}
	if origin != "" && slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return wildcard(strings.ToLower(o), strings.ToLower(origin)) }) {
		return origin
	}
	return ""
}

// apply replaces the CORS headers of an answer to a request from origin with
// the API's own.
func (c *cors) apply(h http.Header, origin string) {
	for k := range h {
		if strings.HasPrefix(k, "Access-Control-") {
			h.Del(k)
		}
	}
	allowed := c.allows(origin)
	if origin == "" || allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

// preflight adds what only the answer to a preflight has.
func (c *cors) preflight(h http.Header, origin string) {
	c.apply(h, origin)
	if h.Get("Access-Control-Allow-Origin") == "" {
		return
	}
	h.Del("Access-Control-Expose-Headers")
	if len(c.AllowMethods) > 0 {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
	}
	if len(c.AllowHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
	}
	if c.MaxAge != 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
	}
}
