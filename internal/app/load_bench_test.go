package app

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"drawbridge/internal/measured"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// The installation that the benchmark asks.
const (
	loadTeams    = 200
	loadBackends = 50 // of each team
	loadClients  = 8
	loadTime     = 5 * time.Second
)

// line is one of the benchmark's table.
type line struct {
	Name     string  `json:"name"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit"`
	Goal     string  `json:"goal,omitempty"`
	Met      bool    `json:"met"`
}

// BenchmarkAccess measures once, whatever b.N is, what it costs to know who
// asks and to answer them, over real HTTP and a real SQLite file with 10,000
// backends in 200 teams, and prints one table. With BENCH_JSON=FOLDER it writes
// FOLDER/access.json, too. Clients and server share the processors.
func BenchmarkAccess(b *testing.B) {
	h := newHouse(b, func(c *Config) {
		c.APIRate, c.Access.TrustedProxies = 12_000, []string{"127.0.0.1"}
	})
	_, maker := h.person("olga", model.RoleOwner)
	tokens := h.crowd()
	token := h.tokenCheck(maker)
	signIn := h.signIns()
	rate, p99 := h.lists(tokens)
	millis := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	table := []line{
		{"token check, mean", token.Seconds() * 1e6, "us", "< 100", token < 100*time.Microsecond},
		{"sign-in by password, two at once, p99", millis(signIn), "ms", "< 500", signIn < 500*time.Millisecond},
		{"list of a team's 50 of 10,000 backends", rate, "1/s", ">= 1500", rate >= 1500},
		{"the same, p99 with eight clients", millis(p99), "ms", "< 30", p99 < 30*time.Millisecond},
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tmust reach\tmeasured")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%s\t%.1f %s\n", r.Name, r.Goal, r.Measured, r.Unit)
		if !r.Met {
			b.Errorf("%s: %.1f %s, want %s", r.Name, r.Measured, r.Unit, r.Goal)
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	measured.Show(b, "access", out.String(), table)
}

// crowd makes the teams with their backends, and returns a token of each.
func (h *house) crowd() (tokens []string) {
	h.t.Helper()
	ctx := h.t.Context()
	envs, err := h.app.Store.Read().Environments(ctx)
	check(h.t, err)
	for t := range loadTeams {
		team := &model.Team{Name: fmt.Sprintf("team %d", t)}
		check(h.t, h.app.Store.InTx(ctx, func(q *store.Queries) error {
			if err := q.InsertTeam(ctx, team); err != nil {
				return err
			}
			for i := range loadBackends {
				if err := insertReady(h, q, team.ID, envs[0].ID, fmt.Sprintf("app-%d", i)); err != nil {
					return err
				}
			}
			return nil
		}))
		secret, _, err := h.app.Auth.CreateToken(ctx, model.TokenRequest{TeamID: team.ID, Name: "ci", Role: model.RoleDeveloper})
		check(h.t, err)
		tokens = append(tokens, secret)
	}
	return tokens
}

// insertReady saves a backend that was tested.
func insertReady(h *house, q *store.Queries, teamID, envID, name string) error {
	be := &model.Backend{TeamID: teamID, EnvironmentID: envID, Name: name, Spec: model.Spec{Port: 8000}.WithDefaults(),
		SpecVersion: 1, Phase: model.PhaseReady, InvokeURL: "http://x/"}
	if err := q.InsertBackend(h.t.Context(), be); err != nil {
		return err
	}
	return q.InsertTestRun(h.t.Context(), &model.TestRun{BackendID: be.ID, Name: "GET /", Method: "GET", Passed: true,
		Status: 200, Body: "hello", Headers: map[string][]string{"Server": {"x"}}})
}

// tokenCheck is what each REST request pays to know who asks.
func (h *house) tokenCheck(maker *model.User) time.Duration {
	h.t.Helper()
	const checks = 20_000
	secret, _, err := h.app.Auth.CreateToken(h.t.Context(), model.TokenRequest{TeamID: h.team, Name: "ci", Role: model.RoleDeveloper,
		Actor: model.Actor{ID: maker.ID, Person: true}})
	check(h.t, err)
	start := time.Now()
	for range checks {
		_, err := h.app.Auth.TokenActor(h.t.Context(), secret)
		check(h.t, err)
	}
	return time.Since(start) / checks
}

// load has several clients ask for a while and returns how long each answer
// took, shortest first.
func (h *house) load(clients int, ask func() error) []time.Duration {
	h.t.Helper()
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			var took []time.Duration
			for time.Since(began) < loadTime {
				start := time.Now()
				if err := ask(); err != nil {
					h.t.Error(err)
					return
				}
				took = append(took, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	wg.Wait()
	if len(all) == 0 {
		h.t.Fatal("nothing was answered")
	}
	slices.Sort(all)
	return all
}

// signIns is the p99 of sign-ins by two people at once, from many addresses.
func (h *house) signIns() time.Duration {
	form := url.Values{"login": {"olga"}, "password": {housePassword}}.Encode()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	all := h.load(2, func() error {
		r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/sign-in", strings.NewReader(form))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256)))
		return answered(client, r, http.StatusSeeOther, 0)
	})
	return all[len(all)*99/100]
}

// lists asks for whole lists of all teams in turn. Meanwhile a backend of
// theirs changes, twenty times a second.
func (h *house) lists(tokens []string) (rate float64, p99 time.Duration) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: loadClients}}
	h.t.Cleanup(client.CloseIdleConnections)
	stop := make(chan struct{})
	changes := make(chan error, 1)
	go func() { changes <- h.keepChanging(stop) }()
	all := h.load(loadClients, func() error {
		r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"/api/v1/backends", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+tokens[rand.IntN(len(tokens))])
		return answered(client, r, http.StatusOK, 10_000)
	})
	close(stop)
	check(h.t, <-changes)
	return float64(len(all)) / loadTime.Seconds(), all[len(all)*99/100]
}

func (h *house) keepChanging(stop <-chan struct{}) error {
	ctx := h.t.Context()
	all, err := h.app.Store.Read().Backends(ctx, store.BackendQuery{})
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			b := all[rand.IntN(len(all))]
			if err := h.app.Store.InTx(ctx, func(q *store.Queries) error { return q.AppendBackend(ctx, &b) }); err != nil {
				return err
			}
		}
	}
}

// answered sends a request and reads the answer, which must have that status
// and at least so many bytes.
func answered(client *http.Client, r *http.Request, status int, size int64) error {
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && (resp.StatusCode != status || n < size) {
		err = fmt.Errorf("%s: status %d, %d bytes", r.URL.Path, resp.StatusCode, n)
	}
	return err
}
