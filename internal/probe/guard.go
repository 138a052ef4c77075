package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"drawbridge/internal/model"
)

// LocalHosts are the hosts of an environment that may lie on this machine:
// none, unless its endpoint is on loopback (the simulated AWS). Then it is the
// endpoint itself and every name under .localhost on the endpoint's port,
// where the simulator's invoke URLs are.
func LocalHosts(env *model.Environment) []string {
	if env == nil {
		return nil
	}
	u, err := url.Parse(env.Endpoint)
	if err != nil || !isLoopback(u.Hostname()) {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return []string{net.JoinHostPort(u.Hostname(), port), net.JoinHostPort("*.localhost", port)}
}

// publicPorts are the ports of public addresses: an invoke URL in AWS has no
// other, and an open choice would make the panel a scanner of ports.
var publicPorts = []string{"80", "443"}

// allowed tells whether host:port is one of the entries. An entry that begins
// with "*." matches every name below it.
func allowed(allow []string, host, port string) bool {
	for _, entry := range allow {
		h, p, err := net.SplitHostPort(entry)
		if err != nil || p != port {
			continue
		}
		if under, ok := strings.CutPrefix(h, "*"); ok && strings.HasSuffix(host, under) || strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// dialGuarded connects to an address that the request may reach. A name is
// resolved here and the very address that was checked is dialled, so an answer
// of the DNS that changes in between (rebinding) changes nothing.
func (c *Client) dialGuarded(ctx context.Context, network, address string, allow []string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	local := allowed(allow, host, port)
	addrs, err := c.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var firstErr error
	for _, addr := range addrs {
		if refused := c.check(host, port, addr, local); refused != nil {
			firstErr = moreTelling(firstErr, refused)
			continue
		}
		conn, err := c.dial(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, endWith(ctx, conn)
		}
		firstErr = moreTelling(firstErr, err)
	}
	return nil, firstErr
}

// check says why port of addr, which is host's, may not be dialled, or nil.
func (c *Client) check(host, port string, addr netip.Addr, local bool) *Refused {
	if local && addr.Unmap().IsLoopback() || c.own(addr) {
		return nil
	}
	if why := refusal(addr); why != "" {
		return refuseAddress(host, addr, why)
	}
	if !slices.Contains(publicPorts, port) {
		return refusef("Port %s of %s was refused. Outside the environment's own invoke host, requests go to ports %s.",
			port, host, strings.Join(publicPorts, " and "))
	}
	return nil
}

// own tells whether addr lies in one of the operator's own networks.
func (c *Client) own(addr netip.Addr) bool {
	contains := func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) }
	return addr.Zone() == "" && slices.ContainsFunc(c.networks, contains) && !slices.ContainsFunc(metadata, contains)
}

// metadata is where clouds hand out credentials. No setting opens it.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("fd00:ec2::/32"), netip.MustParsePrefix("fe80::/10"),
}

// endWith gives the connection the request's deadline, so that it ends in time
// even where net/http lets go of it (an answer of 101).
func endWith(ctx context.Context, conn net.Conn) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	return conn.SetDeadline(deadline)
}

// addresses resolves host. Names under .localhost are this machine by RFC 6761
// and never go to a resolver.
func (c *Client) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	addrs, err := c.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// reserved are the IPv4 ranges that are not somebody's public server.
var reserved = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's private address"},
	{netip.MustParsePrefix("127.0.0.0/8"), "this machine"},
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address, where clouds keep their metadata"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation address"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation address"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
}

var (
	globalV6  = netip.MustParsePrefix("2000::/3") // all that IANA gave out as global unicast
	protocols = netip.MustParsePrefix("2001::/23")
	docV6     = netip.MustParsePrefix("2001:db8::/32")
	docV6Long = netip.MustParsePrefix("3fff::/20")
	sixToFour = netip.MustParsePrefix("2002::/16")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
)

// refusal says what makes addr an address that a request may not reach, or "".
// IPv4 is looked for inside every IPv6 form that carries it.
func refusal(addr netip.Addr) string {
	if addr.Zone() != "" {
		return "a link-local address"
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return refusalV4(addr)
	}
	b := addr.As16()
	switch {
	case addr.IsLoopback():
		return "this machine"
	case addr.IsUnspecified():
		return "an unspecified address"
	case addr.IsLinkLocalUnicast():
		return "a link-local address"
	case addr.IsPrivate():
		return "a private address"
	case addr.IsMulticast():
		return "a multicast address"
	case nat64.Contains(addr):
		return refusalV4(netip.AddrFrom4([4]byte(b[12:])))
	case !globalV6.Contains(addr):
		return "a reserved address"
	case sixToFour.Contains(addr), protocols.Contains(addr):
		return "a tunnel's address (6to4, Teredo)"
	case docV6.Contains(addr), docV6Long.Contains(addr):
		return "a documentation address"
	case binary.BigEndian.Uint32(b[8:])&^0x02000000 == 0x00005efe: // ISATAP: ::[02]00:5efe:a.b.c.d
		return refusalV4(netip.AddrFrom4([4]byte(b[12:])))
	}
	return ""
}

func refusalV4(addr netip.Addr) string {
	for _, r := range reserved {
		if r.prefix.Contains(addr) {
			return r.why
		}
	}
	return ""
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// moreTelling keeps the error that says most: a refusal before anything else, then
// the first.
func moreTelling(have, next error) error {
	var r *Refused
	if have == nil || errors.As(next, &r) && !errors.As(have, &r) {
		return next
	}
	return have
}
