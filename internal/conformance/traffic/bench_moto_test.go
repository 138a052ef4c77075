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
// installed, of a fresh moto_server. They take turns, and of each the best round
// counts: other work on the machine only ever slows a round down.
func measureControl(b *testing.B) (ours, moto float64, ok bool) {
	c := start(b, awssim.Options{})
	other, ok := startMoto(b)
	if !ok {
		b.Log("moto_server is not installed: not compared")
	}
	for range 5 {
		ours = max(ours, calls(b, c.address, 8, time.Second))
		if ok { // it is not safe under concurrent requests, and no faster with more of them
			moto = max(moto, calls(b, other, 1, time.Second/2), calls(b, other, 2, time.Second/2))
		}
	}
	return ours, moto, ok
}

func startMoto(b *testing.B) (address string, ok bool) {
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
	address = "127.0.0.1:" + port
	late := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if res, err := http.Get("http://" + address + "/moto-api/"); err == nil {
			res.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return address, true
		}
		select {
		case <-tick.C:
		case <-late:
			b.Fatal("moto_server does not answer")
		}
	}
}
