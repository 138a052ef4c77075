package app

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// onlyTLS tells browsers that have once reached the panel by HTTPS to use nothing else.
func onlyTLS(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
		return next(c)
	}
}

// hosts are the names by which the panel may be asked.
type hosts struct {
	names map[string]bool
	any   bool // nobody said which, and it is open to a network
}

// ownHosts takes them from the configuration.
func ownHosts(listen string, c AccessConfig) hosts {
	h := hosts{names: map[string]bool{}}
	for _, name := range append(c.Hosts, c.ACMEHosts...) {
		h.names[hostname(name)] = true
	}
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" {
		h.names[hostname(u.Host)] = true
	}
	own := hostname(listen)
	ip, err := netip.ParseAddr(own)
	local := own == "localhost" || err == nil && ip.IsLoopback()
	h.any = len(h.names) == 0 && !local
	h.names[own] = true
	return h
}

// hostname is a Host header without its port, in one spelling.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// allow tells whether a request for that host is for the panel. An address
// always is, and so are names that can only mean this machine: nobody else can
// point them here.
func (h hosts) allow(host string) bool {
	name := hostname(host)
	if h.any || h.names[name] || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// check refuses requests for other names: a page of another site whose name was
// pointed at this server (DNS rebinding) would be of the same origin as the
// panel. What the load balancer asks goes through.
func (h hosts) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if path := c.Request().URL.Path; path == "/healthz" || path == "/readyz" || h.allow(c.Request().Host) {
			return next(c)
		}
		return model.Errorf(model.CodeForbidden, "This server is not asked by that name. If it should be, name it with --url or --hosts.")
	}
}
