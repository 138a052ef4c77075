package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// house is a wired Drawbridge over HTTP, with a team, a backend and an owner's
// token of it, and a clock that a test may set forward.
type house struct {
	t       testing.TB
	app     *App
	url     string
	team    string
	backend string
	job     string
	token   string
	ahead   atomic.Int64

	logs     *logBuffer
	canaries *hostile.Canaries // no answer, log line or file shows one
}

// housePassword is everybody's.
const housePassword = "canary of a long enough password"

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

// logger logs everything, as operators may ask for.
func (l *logBuffer) logger() *slog.Logger {
	return slog.New(LogHandler(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// bareHouse has neither a server nor things in it; when it ends, its log and its
// files are searched for canaries.
func bareHouse(t testing.TB, dir string) *house {
	t.Helper()
	h := &house{t: t, logs: &logBuffer{}, canaries: &hostile.Canaries{}}
	h.canaries.Add("a password", housePassword)
	t.Cleanup(func() {
		if why := h.canaries.Find("the log", h.logs.bytes()); why != "" {
			t.Error(why)
		}
		for _, why := range h.canaries.FindInFiles(dir) {
			t.Error(why)
		}
	})
	return h
}

func newHouse(t testing.TB, change ...func(*Config)) *house {
	t.Helper()
	dir := t.TempDir()
	h := bareHouse(t, dir)
	cfg := Config{Listen: "127.0.0.1:0", DataDir: dir, Sim: SimConfig{Off: true}, Version: "test",
		Now: func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }}
	for _, c := range change {
		c(&cfg)
	}
	logger := h.logs.logger()
	if _, measures := t.(*testing.B); measures {
		logger = slog.New(slog.DiscardHandler)
	}
	storetest.SQLiteFile(t, filepath.Join(dir, "drawbridge.db"))
	a, err := New(t.Context(), cfg, logger)
	check(t, err)
	t.Cleanup(a.close)
	var handler http.Handler = a.handler
	if _, measures := t.(*testing.B); !measures {
		handler = h.canaries.Watch(handler, func(why string) { t.Error(why) })
	}
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	h.app, h.url = a, srv.URL
	h.fill()
	return h
}

func (h *house) fill() {
	h.t.Helper()
	ctx := h.t.Context()
	team, err := h.app.Store.Read().TeamByName(ctx, "default")
	check(h.t, err)
	env := &model.Environment{Name: "lab", Region: "ap-northeast-1"}
	b := &model.Backend{TeamID: team.ID, Name: "orders", Spec: model.Spec{Port: 8000}.WithDefaults(), SpecVersion: 1, Phase: model.PhaseFailed}
	j := &model.Job{TeamID: team.ID, Operation: model.OpProvision, State: model.JobQueued, Plan: &model.Plan{}}
	check(h.t, h.app.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.UpsertEnvironment(ctx, env); err != nil {
			return err
		}
		b.EnvironmentID = env.ID
		if err := q.InsertBackend(ctx, b); err != nil {
			return err
		}
		j.BackendID = b.ID
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		owner := &model.User{Name: "keeper"} // so that others may leave
		if err := q.InsertUser(ctx, owner); err != nil {
			return err
		}
		return q.SaveMembership(ctx, &model.Membership{TeamID: team.ID, UserID: owner.ID, Role: model.RoleOwner})
	}))
	h.team, h.backend, h.job = team.ID, b.ID, j.ID
	h.token = h.newToken(model.RoleOwner)
}

// newToken makes a token as the command line does.
func (h *house) newToken(role model.Role) string {
	h.t.Helper()
	secret, _, err := h.app.Auth.CreateToken(h.t.Context(), model.TokenRequest{TeamID: h.team, Name: string(role), Role: role, TTL: time.Hour})
	check(h.t, err)
	h.canaries.Add("an API token", secret)
	return secret
}

// rest sends a REST request that must succeed, and reads the answer into out.
func (h *house) rest(token, method, path, body string, out any) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, strings.NewReader(body))
	check(h.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	check(h.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(h.t, err)
	if resp.StatusCode >= http.StatusBadRequest {
		h.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if out != nil {
		check(h.t, json.Unmarshal(text, out))
	}
}

// person accepts an invitation into the team and returns their browser.
func (h *house) person(name string, role model.Role) (*http.Client, *model.User) {
	h.t.Helper()
	var made struct{ Path string }
	h.rest(h.token, "POST", "/teams/"+h.team+"/invitations", `{"email":"`+name+`@example.com","role":"`+string(role)+`"}`, &made)
	jar, err := cookiejar.New(nil)
	check(h.t, err)
	browser := &http.Client{Jar: jar}
	h.post(browser, "/invitations", url.Values{"token": {strings.TrimPrefix(made.Path, "/invitations/")}, "name": {name}, "password": {housePassword}})
	u, err := h.app.Store.Read().UserByLogin(h.t.Context(), name)
	check(h.t, err)
	return browser, u
}

// post sends a form, which must be taken.
func (h *house) post(browser *http.Client, path string, form url.Values) {
	h.t.Helper()
	resp, err := browser.PostForm(h.url+path, form)
	check(h.t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("POST %s: %d %s", path, resp.StatusCode, text)
	}
}
