package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"drawbridge/internal/model"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	const open = ""
	rows := []struct{ addr, why string }{
		{"8.8.8.8", open},
		{"54.230.1.1", open},
		{"2606:4700::1111", open},
		{"64:ff9b::808:808", open}, // NAT64 of 8.8.8.8: how an IPv6-only network reaches IPv4
		{"::ffff:8.8.8.8", open},
		{"2600:1f14::5efe:808:808", open},

		{"127.0.0.1", "this machine"},
		{"127.255.255.254", "this machine"},
		{"0.0.0.0", "unspecified"},
		{"0.1.2.3", "unspecified"},
		{"10.1.2.3", "private"},
		{"172.16.0.1", "private"},
		{"172.31.255.255", "private"},
		{"192.168.1.1", "private"},
		{"100.64.0.1", "carrier"},
		{"100.100.100.200", "carrier"},
		{"169.254.169.254", "metadata"},
		{"169.254.170.2", "metadata"},
		{"168.63.129.16", "metadata"},
		{"192.0.0.192", "reserved"},
		{"192.0.2.1", "documentation"},
		{"198.51.100.1", "documentation"},
		{"203.0.113.1", "documentation"},
		{"198.18.0.1", "benchmarking"},
		{"192.88.99.1", "6to4"},
		{"224.0.0.1", "multicast"},
		{"239.255.255.255", "multicast"},
		{"255.255.255.255", "reserved"},

		{"::", "unspecified"},
		{"::1", "this machine"},
		{"fe80::1", "link-local"},
		{"fe80::1%eth0", "link-local"},
		{"2606:4700::1111%eth0", "link-local"},
		{"fec0::1", "reserved"},
		{"fc00::1", "private"},
		{"fd00:ec2::254", "private"}, // EC2's metadata over IPv6
		{"ff02::1", "multicast"},
		{"2001:db8::1", "documentation"},
		{"3fff::1", "documentation"},
		{"100::1", "reserved"},
		{"5f00::1", "reserved"},

		{"::ffff:127.0.0.1", "this machine"},
		{"::ffff:169.254.169.254", "metadata"},
		{"::ffff:10.0.0.1", "private"},
		{"::127.0.0.1", "reserved"}, // IPv4-compatible
		{"::169.254.169.254", "reserved"},
		{"64:ff9b::a9fe:a9fe", "metadata"},
		{"64:ff9b::7f00:1", "this machine"},
		{"64:ff9b::10.0.0.1", "private"},
		{"64:ff9b:1::a9fe:a9fe", "reserved"}, // local-use NAT64
		{"2002:a9fe:a9fe::1", "tunnel"},
		{"2002:808:808::1", "tunnel"},
		{"2001:0:4136:e378:8000:63bf:5601:5601", "tunnel"}, // Teredo
		{"2600:1f14::5efe:a9fe:a9fe", "metadata"},          // ISATAP
		{"2600:1f14::200:5efe:7f00:1", "this machine"},
	}
	for _, row := range rows {
		why := refusal(netip.MustParseAddr(row.addr))
		if row.why == open && why != open || row.why != open && !strings.Contains(why, row.why) {
			t.Errorf("refusal(%s) = %q, want %q", row.addr, why, row.why)
		}
	}
}

func TestLocalHosts(t *testing.T) {
	t.Parallel()
	rows := []struct{ endpoint, want string }{
		{"http://127.0.0.1:4566", "127.0.0.1:4566 *.localhost:4566"},
		{"http://localhost:4566", "localhost:4566 *.localhost:4566"},
		{"http://[::1]:4566/", "[::1]:4566 *.localhost:4566"},
		{"https://aws.localhost", "aws.localhost:443 *.localhost:443"},
		{"http://127.0.0.1", "127.0.0.1:80 *.localhost:80"},
		{"", ""},
		{"https://ec2.ap-northeast-1.amazonaws.com", ""},
		{"http://10.0.0.5:4566", ""},
		{"http://localhost.example.com:4566", ""},
		{"http://notlocalhost:4566", ""},
		{"http://a b", ""},
	}
	for _, row := range rows {
		got := strings.Join(LocalHosts(&model.Environment{Endpoint: row.endpoint}), " ")
		if got != row.want {
			t.Errorf("LocalHosts(%q) = %q, want %q", row.endpoint, got, row.want)
		}
	}
	if got := LocalHosts(nil); got != nil {
		t.Errorf("LocalHosts(nil) = %v, want none", got)
	}
}

// TestOnlyTheEnvironmentsOwnPortIsOpen asks a server on this machine under
// several names, with and without the environment's permission.
func TestOnlyTheEnvironmentsOwnPortIsOpen(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1) }))
	t.Cleanup(srv.Close)
	port := mustPort(t, srv.URL)
	own := LocalHosts(&model.Environment{Endpoint: srv.URL})
	otherPort := LocalHosts(&model.Environment{Endpoint: "http://127.0.0.1:1"})
	noDNS := New(Options{Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		t.Errorf("%s went to the DNS", host)
		return nil, errors.New("no DNS here")
	}})
	rows := []struct {
		host    string
		allow   []string
		refused bool
	}{
		{"127.0.0.1", own, false},
		{"abc123.execute-api.ap-northeast-1.localhost", own, false},
		{"ABC123.execute-api.ap-northeast-1.LOCALHOST", own, false},
		{"abc123.localhost.", own, false},
		{"127.0.0.1", nil, true},
		{"abc123.localhost", nil, true},
		{"localhost", nil, true},
		{"127.0.0.1", otherPort, true},
		{"abc123.localhost", otherPort, true},
		{"127.0.0.2", own, true},
		{"[::ffff:127.0.0.1]", nil, true},
	}
	for _, row := range rows {
		before := asked.Load()
		run := noDNS.Run(t.Context(), Request{Test: model.RouteTest{Path: "/"}, BaseURL: "http://" + row.host + ":" + port + "/", AllowHosts: row.allow})
		reached := asked.Load() > before
		if run.Passed == row.refused || reached == row.refused {
			t.Errorf("%s allow %v: passed %v, reached %v (%s)", row.host, row.allow, run.Passed, reached, run.Reason)
		}
		if row.refused && !strings.Contains(run.Reason, "this machine") {
			t.Errorf("%s allow %v: reason %q does not say that it is this machine", row.host, row.allow, run.Reason)
		}
	}
}

// TestRebinding gives a name whose address changes between look-ups: the
// address that is dialled is the one that was checked.
func TestRebinding(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	t.Cleanup(srv.Close)
	answers := [][]string{{"93.184.216.34"}, {"127.0.0.1"}, {"10.0.0.1", "93.184.216.34"}, {"10.0.0.1", "169.254.169.254"}}
	var lookups atomic.Int32
	var dialled []string
	c := New(Options{
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			var out []netip.Addr
			for _, a := range answers[lookups.Add(1)-1] {
				out = append(out, netip.MustParseAddr(a))
			}
			return out, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = append(dialled, address)
			return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
		},
	})
	wants := []string{"", "rebind.example resolves to 127.0.0.1, which is this machine", "", "rebind.example resolves to 10.0.0.1, which is a private address"}
	for i, want := range wants {
		run := c.Run(t.Context(), Request{Test: model.RouteTest{Path: "/"}, BaseURL: "http://rebind.example/"})
		if run.Passed != (want == "") || !strings.Contains(run.Reason, want) {
			t.Errorf("look-up %d: passed %v, reason %q; want %q", i+1, run.Passed, run.Reason, want)
		}
	}
	if got := strings.Join(dialled, " "); got != "93.184.216.34:80 93.184.216.34:80" {
		t.Errorf("dialled %s, want the public address twice", got)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	rows := []struct{ base, path, want string }{
		{"file:///etc/passwd", "/", "http and https"},
		{"gopher://example.com/", "/", "http and https"},
		{"http://user:secret@example.com/", "/", "credentials"},
		{"http:///", "/", "names no host"},
		{"http://exa mple/", "/", "not a URL"},
		{"", "/", "no invoke URL yet"},
		{"http://example.com/", "", "does not begin with /"},
		{"http://example.com", "@169.254.169.254/", "does not begin with /"},
		{"http://169.254.169.254/", "/latest/meta-data/", "metadata"},
		{"http://[fd00:ec2::254]/", "/latest/meta-data/", "private"},
	}
	c := New(Options{})
	for _, row := range rows {
		run := c.Run(t.Context(), Request{Test: model.RouteTest{Path: row.path}, BaseURL: row.base})
		if run.Passed || run.Status != 0 || !strings.Contains(run.Reason, row.want) {
			t.Errorf("%s%s: passed %v, reason %q; want %q", row.base, row.path, run.Passed, run.Reason, row.want)
		}
		if strings.Contains(run.Reason, "secret") {
			t.Errorf("the reason %q shows a password", run.Reason)
		}
	}
}

func mustPort(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
