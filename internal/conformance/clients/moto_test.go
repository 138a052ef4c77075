package clients

import (
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// startMoto runs moto_server, an AWS that is not ours, and returns its URL.
func startMoto(t *testing.T) string {
	t.Helper()
	path := program(t, "moto_server", "pip install 'moto[server]'")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // its context has ended: it was killed
	url := "http://127.0.0.1:" + port
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		if res, err := http.Get(url + "/moto-api/"); err == nil {
			res.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return url
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("moto_server does not answer")
		}
	}
}
