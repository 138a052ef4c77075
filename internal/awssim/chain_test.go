package awssim_test

import (
	"testing"

	"drawbridge/internal/awssim"
)

// The article's chain: made, used, and deleted without a trace.
func TestChain_ThreeAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	before := w.sim.Snapshot()
	c := w.build()
	c.waitHealthy()
	const host = "ip-10-0-0-4.ap-northeast-1.compute.internal"
	for path, want := range map[string]string{
		"/":          "Hello from the Home page! (EC2 Host: " + host + ")\n",
		"/service-a": "This is Service A! (EC2 Host: " + host + ", Path: /service-a)\n",
		"/service-b": "This is Service B! (EC2 Host: " + host + ", Path: /service-b)\n",
		"/health":    "OK",
	} {
		got := c.get(path)
		if got.status != 200 || got.body != want {
			t.Errorf("GET %s: %d %q, want %q", path, got.status, got.body, want)
		}
		if s := got.header.Get("Server"); s != "Werkzeug/3.1.3 Python/3.9.23" {
			t.Errorf("Server: %q", s)
		}
		if ct := got.header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
			t.Errorf("Content-Type: %q", ct)
		}
		if id := got.header.Get("Apigw-Requestid"); len(id) != 16 || id[15] != '=' {
			t.Errorf("Apigw-Requestid: %q", id)
		}
	}
	c.destroy()
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("left behind:\n%+v\nbefore:\n%+v", after, before)
	}
}
