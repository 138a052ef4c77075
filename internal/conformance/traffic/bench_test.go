package traffic

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/measured"
)

// result is a line of the benchmarks' table.
type result struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
	Met   bool    `json:"met"`
}

// BenchmarkSimulator measures once, whatever b.N is, and prints one table. With
// BENCH_JSON=FOLDER it writes FOLDER/simulator.json, too.
func BenchmarkSimulator(b *testing.B) {
	var table []result
	add := func(name string, value float64, unit, goal string, met bool) {
		table = append(table, result{name, value, unit, goal, met || goal == ""})
	}
	b.ReportAllocs()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as "server sim" does
	t := measureTraffic(b)
	add("requests/s behind one reverse proxy", t.proxy, "1/s", "", true)
	add("requests/s through the invoke URL", t.invoke, "1/s", "", true)
	add("invoke URL against reverse proxy", t.ratio, "", ">= 0.6", t.ratio >= 0.6)
	add("p99 at half that load", t.p99.Seconds()*1000, "ms", "< 5", t.p99 < 5*time.Millisecond)
	control, moto, ok := measureControl(b)
	add("control-plane calls/s", control, "1/s", "", true)
	if ok {
		add("control-plane calls/s of moto_server", moto, "1/s", "", true)
		add("against moto_server", control/moto, "", ">= 50", control/moto >= 50)
	}
	heap, began := measureThousand(b)
	add("heap of 1,000 chains", heap, "MB", "< 200", heap < 200)
	add("start with 1,000 chains", began.Seconds()*1000, "ms", "< 1000", began < time.Second)
	measured.Show(b, "simulator", draw(table), table)
	for _, r := range table {
		if !r.Met {
			b.Errorf("%s: %.2f %s, want %s", r.Name, r.Value, r.Unit, r.Goal)
		}
	}
}

func draw(table []result) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%.2f %s\t%s\n", r.Name, r.Value, r.Unit, r.Goal)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return out.String()
}

// trafficNumbers are medians of rounds in which both ways take turns.
type trafficNumbers struct {
	proxy, invoke, ratio float64
	p99                  time.Duration
}

func measureTraffic(b *testing.B) (out trafficNumbers) {
	// More than the 10,000 requests a second that an account may have.
	c := newChain(b, awssim.Options{Switches: awssim.Switches{Quotas: 100}}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello from the app") }))
	target := &url.URL{Scheme: "http", Host: c.app}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, BufferPool: nil,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
	b.Cleanup(proxy.Close)
	client := c.client()
	direct := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
	b.Cleanup(direct.CloseIdleConnections)
	var proxies, invokes, ratios []float64
	for round := range 6 {
		p := throughput(b, direct, proxy.URL+"/", time.Second)
		i := throughput(b, client, c.invoke+"/", time.Second)
		if round > 0 { // the first warms up
			proxies, invokes, ratios = append(proxies, p), append(invokes, i), append(ratios, i/p)
		}
	}
	out = trafficNumbers{proxy: median(proxies), invoke: median(invokes), ratio: median(ratios)}
	raw := []byte("GET / HTTP/1.1\r\nHost: " + strings.TrimPrefix(c.invoke, "http://") + "\r\n\r\n")
	for range 6 { // the quietest round: see measureControl
		if p99 := latency(b, c.address, raw, out.invoke/2); out.p99 == 0 || p99 < out.p99 {
			out.p99 = p99
		}
	}
	return out
}

func median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

const benchClients = 16

// throughput asks as fast as the clients can.
func throughput(b *testing.B, client *http.Client, url string, d time.Duration) float64 {
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range benchClients {
		all.Go(func() {
			for time.Since(began) < d {
				if err := ask(client, url); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

func ask(client *http.Client, url string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, res.Status)
	}
	return err
}

// latency asks at an even rate and counts from when a request was due, so that
// a stall is not hidden.
func latency(b *testing.B, address string, raw []byte, rate float64) time.Duration {
	const seconds = 1
	n := int(rate * seconds)
	took := make([]time.Duration, n)
	due := make(chan int, n)
	var all sync.WaitGroup
	began := time.Now()
	at := func(i int) time.Time { return began.Add(time.Duration(float64(i) / rate * float64(time.Second))) }
	for range benchClients {
		all.Go(func() {
			l := &line{address: address}
			defer l.close()
			for i := range due {
				if err := l.send(raw); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(at(i))
			}
		})
	}
	pace := time.NewTicker(500 * time.Microsecond)
	defer pace.Stop()
	for i := range n {
		for time.Now().Before(at(i)) {
			<-pace.C
		}
		due <- i
	}
	close(due)
	all.Wait()
	slices.Sort(took)
	return took[n*99/100]
}

// signed is a call as an SDK sends it; nobody checks the signature here.
type signed struct{ method, path, service, body string }

var controlCalls = []signed{
	{"POST", "/", "ec2", "Action=DescribeVpcs&Version=2016-11-15"},
	{"POST", "/", "ec2", "Action=DescribeSubnets&Version=2016-11-15"},
	{"POST", "/", "ec2", "Action=DescribeSecurityGroups&Version=2016-11-15"},
	{"POST", "/", "elasticloadbalancing", "Action=DescribeTargetGroups&Version=2015-12-01"},
	{"POST", "/", "elasticloadbalancing", "Action=DescribeLoadBalancers&Version=2015-12-01"},
	{"GET", "/v2/apis", "apigateway", ""},
	{"GET", "/v2/vpclinks", "apigateway", ""},
	{"POST", "/", "sts", "Action=GetCallerIdentity&Version=2011-06-15"},
}

// bytes is the request on the wire.
func (s signed) bytes(host string) []byte {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "+
		"Credential=AKIDLOCAL/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=00\r\n", s.method, s.path, host, region, s.service)
	if s.method == http.MethodPost {
		head += fmt.Sprintf("Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: %d\r\n", len(s.body))
	}
	return []byte(head + "\r\n" + s.body)
}

// line is a connection that is dialled anew when the server has closed it. It
// costs less than an http.Client, which would measure itself.
type line struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func (l *line) send(raw []byte) error {
	if l.conn == nil {
		conn, err := net.DialTimeout("tcp", l.address, patience)
		if err != nil {
			return err
		}
		l.conn, l.in = conn, bufio.NewReader(conn)
	}
	if _, err := l.conn.Write(raw); err != nil {
		return err
	}
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.Close {
		l.close()
	}
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%.200s: %s", raw, res.Status)
	}
	return err
}

func (l *line) close() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// calls a second, the kinds in turn, by n clients.
func calls(b *testing.B, address string, n int, d time.Duration) float64 {
	var raw [][]byte
	for _, c := range controlCalls {
		raw = append(raw, c.bytes(address))
	}
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range n {
		all.Go(func() {
			l := &line{address: address}
			defer l.close()
			for i := 0; time.Since(began) < d; i++ {
				if err := l.send(raw[i%len(raw)]); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}
