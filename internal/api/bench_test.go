package api

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// Size of the installation that the benchmarks ask.
const (
	benchTeams    = 200
	benchBackends = 50 // of each team
)

// crowded is an installation with 10,000 backends, served over HTTP, and a
// developer's token of one of its teams.
func crowded(b *testing.B) (*httptest.Server, *auth.Auth, string) {
	b.Helper()
	quiet := slog.New(slog.DiscardHandler)
	st, err := store.Open(b.Context(), store.Options{DSN: storetest.SQLite(b), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	crowd(b, st)
	au := auth.New(st, auth.Options{Logger: quiet})
	secret, _, err := au.CreateToken(b.Context(), model.TokenRequest{TeamID: "team_100", Name: "ci", Role: model.RoleDeveloper})
	if err != nil {
		b.Fatal(err)
	}
	e := echo.New()
	p := panel.New(panel.Deps{Store: st, Cloud: cloud{}, Worker: idleWorker{}, Hub: events.NewHub(), Probe: probe.New(probe.Options{}), Logger: quiet})
	New(Deps{Panel: p, Auth: au, Keys: st, Version: "bench", Logger: quiet}).Register(e)
	srv := httptest.NewServer(e)
	b.Cleanup(srv.Close)
	return srv, au, secret
}

func crowd(b *testing.B, st *store.Store) {
	b.Helper()
	ctx, env := b.Context(), &model.Environment{ID: "env_1", Name: "lab", Region: "ap-northeast-1"}
	if err := st.InTx(ctx, func(q *store.Queries) error { return q.UpsertEnvironment(ctx, env) }); err != nil {
		b.Fatal(err)
	}
	spec := model.Spec{Port: 8000}.WithDefaults()
	for t := range benchTeams {
		err := st.InTx(ctx, func(q *store.Queries) error {
			team := &model.Team{ID: fmt.Sprintf("team_%d", t), Name: fmt.Sprintf("team %d", t)}
			if err := q.InsertTeam(ctx, team); err != nil {
				return err
			}
			for i := range benchBackends {
				be := &model.Backend{TeamID: team.ID, EnvironmentID: env.ID, Name: fmt.Sprintf("app-%d", i), Spec: spec, SpecVersion: 1, Phase: model.PhaseReady, InvokeURL: "http://x/"}
				if err := q.InsertBackend(ctx, be); err != nil {
					return err
				}
				run := &model.TestRun{BackendID: be.ID, Name: "GET /", Method: "GET", Passed: true, Status: 200, Body: "hello", Headers: map[string][]string{"Server": {"x"}}}
				if err := q.InsertTestRun(ctx, run); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdempotentPOST is a POST with a new key from eight clients at once,
// over HTTP and with the token check: the key is claimed, the work is done and
// the answer is kept, each in a commit. Its half "repeat" sends one key again
// and again.
func BenchmarkIdempotentPOST(b *testing.B) {
	srv, _, secret := crowded(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(client.CloseIdleConnections)
	var n atomic.Int64
	for name, body := range map[string]func() (key, body string){
		"new": func() (string, string) {
			i := n.Add(1)
			return fmt.Sprintf("k-%d", i), fmt.Sprintf(`{"name":"new-%d","spec":{}}`, i)
		},
		"repeat": func() (string, string) { return "repeat", `{"name":"repeated","spec":{}}` },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					key, body := body()
					if err := post(b, client, srv.URL+"/api/v1/backends", secret, key, body); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

func post(b *testing.B, client *http.Client, url, secret, key, body string) error {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	atWork := resp.StatusCode == http.StatusConflict && resp.Header.Get("Retry-After") != ""
	if err == nil && resp.StatusCode != http.StatusCreated && !atWork {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return err
}
