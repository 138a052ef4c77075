package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"drawbridge/internal/auth"
	"drawbridge/internal/events"
	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
	"drawbridge/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is the pages on a real panel, store and hub. Only AWS is played, by cloud.
type site struct {
	t     *testing.T
	store *store.Store
	cloud *cloud
	web   *Web
	http  http.Handler

	canaries *hostile.Canaries // no page shows one
}

func newSite(t *testing.T) *site {
	t.Helper()
	hub := events.NewHub()
	quiet := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.Context(), store.Options{
		DSN: storetest.SQLite(t), Logger: quiet,
		OnEvent: func(id string, _ int64) { hub.Wake(id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s := &site{t: t, store: st, cloud: &cloud{status: sampleStatus(true), instances: sampleInstances()}, canaries: &hostile.Canaries{}}
	p := panel.New(panel.Deps{InstallID: "ins_own",
		Store: st, Cloud: s.cloud, Worker: idle{}, Hub: hub, Logger: quiet, Probe: probe.New(probe.Options{}), Secrets: auth.New(st, auth.Options{Logger: quiet}), Webhooks: newSender(t),
	})
	s.web = New(Deps{Panel: p, Auth: testAuth{}, Logger: quiet, Version: "1.2.3", Streams: 2})
	e := echo.New()
	s.web.Register(e)
	e.HTTPErrorHandler = s.web.HandleError
	s.http = s.canaries.Watch(testSession(e), func(why string) { t.Error(why) })
	s.seed()
	return s
}

// newSender seals the secrets of webhooks, and sends nothing.
func newSender(t *testing.T) *webhook.Sender {
	t.Helper()
	key, err := webhook.OwnKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return &webhook.Sender{Key: key, Client: probe.New(probe.Options{}), Now: time.Now}
}

// webhook saves a webhook of the team with a delivery.
func (s *site) webhook(team string) (w *model.Webhook, delivery string) {
	s.t.Helper()
	w = &model.Webhook{ID: model.NewID(model.PrefixWebhook), TeamID: team, Name: "w-" + model.NewID(""), Format: model.WebhookStandard,
		Target: "https://hooks.example/x", Enabled: true}
	n := &model.Notice{TeamID: team, Type: model.NoticeBackendReady, Title: "orders is ready"}
	err := s.web.panel.Deps.Webhooks.Seal(w, model.WebhookSecrets{URL: "https://hooks.example/x?canary", Secret: webhook.NewSecret()})
	if err == nil {
		err = s.store.InTx(s.t.Context(), func(q *store.Queries) error {
			return errors.Join(q.InsertWebhook(s.t.Context(), w), q.NotifyOne(s.t.Context(), n, w.ID))
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return w, n.ID
}

func (s *site) seed() {
	s.t.Helper()
	env := sampleEnvironment()
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) error {
		if err := q.InsertTeam(s.t.Context(), &model.Team{ID: "team_a", Name: "Team A"}); err != nil {
			return err
		}
		return q.UpsertEnvironment(s.t.Context(), &env)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// foreignTeam makes a team that none of the actors belongs to.
func (s *site) foreignTeam() {
	s.t.Helper()
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) error {
		return q.InsertTeam(s.t.Context(), &model.Team{ID: "team_b", Name: "Team B"})
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// backend saves a backend as it would be in that phase.
func (s *site) backend(phase model.Phase, change ...func(*model.Backend)) model.Backend {
	s.t.Helper()
	b := sampleBackend(phase)
	for _, c := range change {
		c(&b)
	}
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) error {
		b.EventSeq = 0
		if err := q.InsertBackend(s.t.Context(), &b); err != nil {
			return err
		}
		return q.AppendBackend(s.t.Context(), &b)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// as sends a request as that user; nobody when the actor is zero.
func (s *site) as(a model.Actor, method, path string, form url.Values, header ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if password := form.Get("password"); len(password) >= 12 {
		s.canaries.Add("a password that was typed", password)
	}
	r.Header.Set("X-Test-User", a.ID)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.http.ServeHTTP(rec, r)
	return rec.Result()
}

// start registers a backend and queues its provision job.
func (s *site) start(name string) (backend model.Backend, job string) {
	s.t.Helper()
	backend = s.backend(model.PhaseRegistered, func(b *model.Backend) { b.ID, b.Name = "be_"+name, name })
	r := s.as(developer, http.MethodPost, pathBackendProvision(backend.ID), url.Values{})
	if r.StatusCode != http.StatusSeeOther {
		want(s.t, r, http.StatusSeeOther)
	}
	return backend, r.Header.Get("Location")
}

// want asserts the status and what the body must, or with a leading ! must not, contain.
func want(t *testing.T, r *http.Response, status int, parts ...string) string {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	body := string(raw)
	if r.StatusCode != status {
		t.Fatalf("status = %d, want %d; body: %s", r.StatusCode, status, body)
	}
	for _, part := range parts {
		if unwanted, ok := strings.CutPrefix(part, "!"); ok {
			if strings.Contains(body, unwanted) {
				t.Errorf("body contains %q:\n%s", unwanted, body)
			}
		} else if !strings.Contains(body, part) {
			t.Errorf("body lacks %q:\n%s", part, body)
		}
	}
	return body
}

func wantRedirect(t *testing.T, r *http.Response, to string) {
	t.Helper()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != to {
		t.Fatalf("got %d to %q, want 303 to %q", r.StatusCode, r.Header.Get("Location"), to)
	}
}

type sessionKey struct{}

// testSession signs in whom X-Test-User names, as the session middleware would.
func testSession(next http.Handler) http.Handler {
	users := map[string]model.Actor{viewer.ID: viewer, developer.ID: developer, owner.ID: owner, admin.ID: admin}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := users[r.Header.Get("X-Test-User")]; ok {
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, a))
		}
		next.ServeHTTP(w, r)
	})
}

// testAuth knows one token, "good".
type testAuth struct{}

func (testAuth) SignInByLink(_ context.Context, token string) error {
	if token != "good" {
		return model.Errorf(model.CodeUnauthorized, "This link was used already.")
	}
	return nil
}

func (testAuth) SignInByPassword(_ context.Context, login, password string) error {
	switch {
	case login == "blocked":
		return &model.Error{Code: model.CodeTooMany, Message: "There were too many tries.", RetryAfter: 90 * time.Second}
	case login != "olga" || password != "good":
		return model.Errorf(model.CodeUnauthorized, "The name and the password do not belong together.")
	}
	return nil
}

func (testAuth) Confirm(_ context.Context, password string) error {
	if password == "good" {
		return nil
	}
	var v model.Invalid
	v.Add("password", "This is not your password.")
	return v.Err()
}

func (testAuth) SetPassword(_ context.Context, password string) error {
	if why := model.ValidatePassword(password); why != "" {
		var v model.Invalid
		v.Add("password", "%s", why)
		return v.Err()
	}
	return nil
}

func (testAuth) Invitation(_ context.Context, token string) (*model.Invitation, *model.Team, error) {
	if token != "good" {
		return nil, nil, model.Errorf(model.CodeNotFound, "This invitation is not good any more.")
	}
	return &model.Invitation{Email: "bob@example.com", Role: model.RoleViewer}, &model.Team{Name: "shop"}, nil
}

func (testAuth) AcceptInvitation(_ context.Context, token, name, password string) error {
	var v model.Invalid
	if token != "good" {
		return model.Errorf(model.CodeNotFound, "This invitation is not good any more.")
	}
	if why := model.ValidateUserName(name); why != "" {
		v.Add("name", "%s", why)
	}
	if why := model.ValidatePassword(password); why != "" {
		v.Add("password", "%s", why)
	}
	return v.Err()
}

func (testAuth) SignOut(context.Context) error { return nil }

func (testAuth) UserActor(ctx context.Context) (model.Actor, bool) {
	a, ok := ctx.Value(sessionKey{}).(model.Actor)
	return a, ok
}

// cloud plays AWS: the article's chain, one status, one instance.
type cloud struct {
	tagged    []panel.Tagged
	status    *model.EnvironmentStatus
	instances []model.Instance
	findings  []model.Finding
	err       error
}

func (c *cloud) Chain(context.Context, *model.Environment, *model.Backend) ([]model.PlanItem, []model.Finding, error) {
	return sampleChain(), c.findings, c.err
}

func (*cloud) Warnings(*model.Plan, []model.Resource) []model.Finding { return nil }

func (*cloud) Nodes(*model.Environment, *model.Backend, bool) []model.PlanItem {
	return []model.PlanItem{{Key: "answer", Kind: "http.first_answer", Title: "A first answer", Action: model.ActionCheck, Ownership: model.OwnershipReferenced}}
}

func (c *cloud) Chains(ctx context.Context, env *model.Environment, bs []*model.Backend) ([]panel.Chain, error) {
	chains := make([]panel.Chain, len(bs))
	for i, b := range bs {
		var err error
		if chains[i].Items, chains[i].Findings, err = c.Chain(ctx, env, b); err != nil {
			return nil, err
		}
	}
	return chains, nil
}

func (c *cloud) Tagged(context.Context, *model.Environment) ([]panel.Tagged, error) {
	return c.tagged, c.err
}

func (c *cloud) Status(context.Context, *model.Environment) *model.EnvironmentStatus { return c.status }

func (c *cloud) Instances(context.Context, *model.Environment) ([]model.Instance, error) {
	return c.instances, c.err
}

// idle is a worker that leaves every job queued.
type idle struct{}

func (idle) Wake()         {}
func (idle) Cancel(string) {}

// answering lets the backend's invoke URL lead to an app on this machine, as
// the simulated AWS does. It answers every path but /missing with 200.
func (s *site) answering() func(*model.Backend) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "hello from "+r.URL.Path)
	}))
	s.t.Cleanup(app.Close)
	env := sampleEnvironment()
	env.Endpoint = app.URL
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) error { return q.UpsertEnvironment(s.t.Context(), &env) })
	if err != nil {
		s.t.Fatal(err)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(app.URL, "http://"), ":")
	return func(b *model.Backend) {
		b.InvokeURL = "http://a1b2c3d4e5.execute-api.ap-northeast-1.localhost:" + port + "/"
	}
}
