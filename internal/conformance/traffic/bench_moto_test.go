package traffic

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"drawbridge/internal/awssim"
)

// measureControl counts calls a second of a fresh simulator and, where it is
// installed, of a fresh moto_server.
func measureControl(b *testing.B) (ours, moto float64, ok bool) {
	c := start(b, awssim.Options{})
	url := "http://" + c.address
	calls(b, url, 8, time.Second/2)
	ours = calls(b, url, 8, 2*time.Second)
	base, ok := startMoto(b)
	if !ok {
		b.Log("moto_server is not installed: not compared")
		return ours, 0, false
	}
	calls(b, base, 1, time.Second)
	// moto is not safe under concurrent requests, and no faster with them.
	return ours, max(calls(b, base, 1, 2*time.Second), calls(b, base, 2, 2*time.Second)), true
}

func startMoto(b *testing.B) (url string, ok bool) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return "", false
	}
	l := must[net.Listener](b)(net.Listen("tcp", "127.0.0.1:0"))
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		cancel()
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	url = "http://127.0.0.1:" + port
	late := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if res, err := http.Get(url + "/moto-api/"); err == nil {
			res.Body.Close()
			return url, true
		}
		select {
		case <-tick.C:
		case <-late:
			b.Fatal("moto_server does not answer")
		}
	}
}
