package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
	"drawbridge/internal/events"
	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// keyedCall is a POST with a key.
func (in *installation) keyedCall(t *testing.T, role, key, path, body string) (*http.Response, string) {
	t.Helper()
	c := call{method: "POST", path: path, body: body, header: map[string]string{"Authorization": "Bearer " + in.tokens[role], keyHeader: key}}
	return c.do(t, in.echo)
}

func TestSameKeySameAnswer(t *testing.T) {
	t.Parallel()
	in := install(t)
	const path, body = "/api/v1/backends", `{"name":"orders","spec":{}}`
	first, made := in.keyedCall(t, "developer", `"k-1"`, path, body)
	again, repeated := in.keyedCall(t, "developer", "k-1", path, body) // quoted or not, it is one key
	if first.StatusCode != 201 || again.StatusCode != 201 || made != repeated || made == "" {
		t.Fatalf("%d %s\nthen %d %s", first.StatusCode, made, again.StatusCode, repeated)
	}
	if first.Header.Get(replayedHeader) != "" || again.Header.Get(replayedHeader) != "true" {
		t.Errorf("%s: %q, then %q", replayedHeader, first.Header.Get(replayedHeader), again.Header.Get(replayedHeader))
	}
	for _, name := range []string{"Content-Type", "Location"} {
		if first.Header.Get(name) == "" || first.Header.Get(name) != again.Header.Get(name) {
			t.Errorf("%s: %q, then %q", name, first.Header.Get(name), again.Header.Get(name))
		}
	}
	rows := []struct {
		name, role, key, path, body string
		status                      int
	}{
		{"another body", "developer", "k-1", path, `{"name":"orders2","spec":{}}`, 422},
		{"another path", "developer", "k-1", "/api/v1/backends:batch", body, 422},
		{"another caller", "owner", "k-1", path, `{"name":"orders2","spec":{}}`, 201},
		{"another key", "developer", "k-2", path, body, 422}, // the name is taken
		{"the same, refused again", "developer", "k-2", path, body, 422},
		{"an empty key", "developer", `""`, path, body, 422},
		{"a long key", "developer", strings.Repeat("k", 256), path, body, 422},
		{"too long a body", "developer", "k-3", path, `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"a viewer", "viewer", "k-4", path, body, 403},
	}
	for _, r := range rows {
		if resp, answer := in.keyedCall(t, r.role, r.key, r.path, r.body); resp.StatusCode != r.status {
			t.Errorf("%s: %d %s, want %d", r.name, resp.StatusCode, answer, r.status)
		}
	}
}

// TestSecretsAreNotRepeated: what is told once is told once, and kept nowhere.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	in := install(t)
	for path, body := range map[string]string{
		"/api/v1/teams/team_shop/tokens":      `{"name":"ci","role":"viewer"}`,
		"/api/v1/teams/team_shop/invitations": `{"email":"ada@example.com","role":"viewer"}`,
		"/api/v1/teams/team_shop/webhooks":    `{"name":"hook","url":"https://hooks.example/x"}`,
	} {
		var first, again map[string]any
		_, made := in.keyedCall(t, "owner", path, path, body)
		_, repeated := in.keyedCall(t, "owner", path, path, body)
		if err := json.Unmarshal([]byte(made), &first); err != nil {
			t.Fatal(err, made)
		}
		if err := json.Unmarshal([]byte(repeated), &again); err != nil {
			t.Fatal(err, repeated)
		}
		if first["id"] == nil || first["id"] != again["id"] || len(again) != len(first)-1 || again["secret"] != nil || again["path"] != nil {
			t.Errorf("%s: %v, then %v", path, first, again)
		}
	}
}

// TestFailuresAreNotKept: a panic answers 500, changes nothing and frees the key.
func TestFailuresAreNotKept(t *testing.T) {
	t.Parallel()
	in := install(t)
	broken := echo.New()
	New(Deps{Auth: everybodyIs(in.actor(t, "developer")), Keys: in.store, Logger: slog.New(slog.DiscardHandler)}).Register(broken) // no panel: it panics
	const path, body = "/api/v1/backends", `{"name":"orders","spec":{}}`
	c := call{method: "POST", path: path, body: body, header: map[string]string{keyHeader: "k"}}
	if resp, answer := c.do(t, broken); resp.StatusCode != 500 || !strings.Contains(answer, "request_id") {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	if resp, answer := in.keyedCall(t, "developer", "k", path, body); resp.StatusCode != 201 {
		t.Fatalf("after a failure: %d %s", resp.StatusCode, answer)
	}
}

func everybodyIs(a model.Actor) bearers { return bearers{goodToken: a} }

func (in *installation) actor(t *testing.T, role string) model.Actor {
	t.Helper()
	a, err := in.auth.TokenActor(t.Context(), in.tokens[role])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestOneOfManyReplicas: two servers share one PostgreSQL; of forty equal
// requests to both, at once, one takes effect and all that are answered are
// answered the same.
func TestOneOfManyReplicas(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	var servers [2]*httptest.Server
	for i := range servers {
		servers[i] = replica(t, dsn)
	}
	var mu sync.Mutex
	answers := map[string]int{}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for {
				status, body := postKeyed(t, servers[i%2].URL+"/api/v1/backends", `{"name":"orders","spec":{}}`)
				if status == http.StatusConflict {
					continue // the first is at work
				}
				mu.Lock()
				defer mu.Unlock()
				answers[body]++
				if status != http.StatusCreated {
					t.Errorf("%d %s", status, body)
				}
				return
			}
		})
	}
	wg.Wait()
	if len(answers) != 1 {
		t.Fatalf("%d different answers: %v", len(answers), answers)
	}
}

func postKeyed(t *testing.T, url, body string) (int, string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	r.Header.Set("Authorization", "Bearer "+goodToken)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(keyHeader, "k")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	var answer json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	if resp.StatusCode == http.StatusConflict && resp.Header.Get("Retry-After") != "1" {
		t.Errorf("a request that meets its like is told to come again after %q", resp.Header.Get("Retry-After"))
	}
	return resp.StatusCode, string(answer)
}

// replica is one server of several on one database.
func replica(t *testing.T, dsn string) *httptest.Server {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.Context(), store.Options{DSN: dsn, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	in := &installation{echo: echo.New(), store: st, tokens: map[string]string{}, canaries: &hostile.Canaries{}, auth: auth.New(st, auth.Options{Logger: quiet})}
	if teams, err := st.Read().Teams(t.Context()); err != nil {
		t.Fatal(err)
	} else if len(teams) == 0 {
		in.seed(t, in.auth)
	}
	p := panel.New(panel.Deps{Store: st, Cloud: cloud{}, Worker: idleWorker{}, Hub: events.NewHub(), Probe: probe.New(probe.Options{}), Logger: quiet})
	ci := model.Member("tok_1", "ci", "team_shop", model.RoleDeveloper)
	New(Deps{Panel: p, Auth: everybodyIs(ci), Keys: st, Logger: quiet}).Register(in.echo)
	srv := httptest.NewServer(in.echo)
	t.Cleanup(srv.Close)
	return srv
}
