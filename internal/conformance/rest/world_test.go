package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/app"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// world is a wired server at work: real database, real engine, simulated AWS.
type world struct {
	t      testing.TB
	app    *app.App
	base   string
	client *http.Client
	env    model.Environment
	admin  string // a token
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	storetest.SQLiteFile(t, filepath.Join(dir, "drawbridge.db"))
	cfg := app.Config{Listen: "127.0.0.1:0", DataDir: dir, Version: "test", AWSRates: 1000, Sim: app.SimConfig{Listen: "127.0.0.1:0", Profile: "instant"}}
	a, err := app.New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	check(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	w := &world{t: t, app: a, base: strings.TrimSuffix(a.URL(), "/") + "/api/v1", client: client}
	environments, err := a.Store.Read().Environments(t.Context())
	check(t, err)
	w.env = environments[0]
	w.admin = w.token("", model.RoleAdmin)
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) token(team string, role model.Role) string {
	w.t.Helper()
	secret, _, err := w.app.Auth.CreateToken(w.t.Context(), model.TokenRequest{TeamID: team, Name: "test", Role: role, TTL: time.Hour})
	check(w.t, err)
	return secret
}

// write changes the database as something outside would.
func (w *world) write(f func(ctx context.Context, q *store.Queries) error) {
	w.t.Helper()
	ctx := w.t.Context()
	check(w.t, w.app.Store.InTx(ctx, func(q *store.Queries) error { return f(ctx, q) }))
}

type request struct {
	method, path, token, body string
	header                    map[string]string
}

type response struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request below /api/v1.
func (w *world) ask(r request) response {
	w.t.Helper()
	got, err := w.try(r)
	check(w.t, err)
	return got
}

// try is ask for any goroutine. Of a stream it reads the first message.
func (w *world) try(r request) (response, error) {
	req, err := http.NewRequestWithContext(w.t.Context(), r.method, w.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return response{}, err
	}
	if r.body != "" {
		req.Header.Set("Content-Type", jsonType)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, value := range r.header {
		req.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	got := response{status: resp.StatusCode, header: resp.Header}
	if resp.Header.Get("Content-Type") == streamType {
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		got.body = []byte(line)
		return got, err
	}
	got.body, err = io.ReadAll(resp.Body)
	return got, err
}

func (r response) into(t testing.TB, out any) {
	t.Helper()
	if r.status/100 != 2 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	check(t, json.Unmarshal(r.body, out))
}
