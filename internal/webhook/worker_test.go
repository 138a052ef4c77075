package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"drawbridge/internal/model"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a server with a team, whose worker sends.
type post struct {
	*store.Store
	t      *testing.T
	sender *Sender
	worker *Worker
	team   string
	stop   func()
}

func newPost(t *testing.T, dsn string, key *Key) *post {
	t.Helper()
	p := &post{t: t}
	var err error
	p.Store, err = store.Open(t.Context(), store.Options{DSN: dsn, Logger: slog.New(slog.DiscardHandler), OnDelivery: func() {
		if p.worker != nil {
			p.worker.Wake()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.sender = &Sender{Key: key, Client: probe.New(probe.Options{Networks: here, MaxBody: MaxAnswer, Timeout: Timeout}), Now: p.Now}
	p.worker = New(Options{Store: p.Store, Sender: p.sender, Logger: slog.New(slog.DiscardHandler), Exclusive: p.Dialect() == store.SQLite})
	t.Cleanup(func() {
		if p.stop != nil {
			p.stop()
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func sqlite(t *testing.T) string { return storetest.SQLite(t) }

// run starts the worker; stop ends it.
func (p *post) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.worker.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Error(err)
		}
	})
}

func (p *post) tx(fn func(q *store.Queries) error) {
	p.t.Helper()
	if err := p.InTx(p.t.Context(), fn); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) webhook(name, url string) *model.Webhook {
	p.t.Helper()
	w := &model.Webhook{ID: model.NewID(model.PrefixWebhook), TeamID: p.team, Name: name, Format: model.WebhookStandard, Enabled: true}
	if err := p.sender.Seal(w, model.WebhookSecrets{URL: url, Secret: NewSecret()}); err != nil {
		p.t.Fatal(err)
	}
	p.tx(func(q *store.Queries) error { return q.InsertWebhook(p.t.Context(), w) })
	return w
}

func (p *post) notices(n int) {
	p.t.Helper()
	p.tx(func(q *store.Queries) error {
		for range n {
			if err := q.Notify(p.t.Context(), &model.Notice{TeamID: p.team, Type: model.NoticeBackendReady, Title: "t"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *post) newTeam() {
	p.t.Helper()
	team := &model.Team{Name: "shop"}
	p.tx(func(q *store.Queries) error { return q.InsertTeam(p.t.Context(), team) })
	p.team = team.ID
}

// inbox counts what it takes, by webhook-id, and tells when it has so many.
type inbox struct {
	*httptest.Server
	mu    sync.Mutex
	times map[string]int
	want  int
	full  chan struct{}
}

func newInbox(t *testing.T, want int) *inbox {
	t.Helper()
	b := &inbox{times: map[string]int{}, want: want, full: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.times[r.Header.Get("webhook-id")]++; len(b.times) == b.want && b.times[r.Header.Get("webhook-id")] == 1 {
			close(b.full)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) wait(t *testing.T) {
	t.Helper()
	select {
	case <-b.full:
	case <-time.After(2 * time.Minute):
		b.mu.Lock()
		defer b.mu.Unlock()
		t.Fatalf("%d of %d came", len(b.times), b.want)
	}
}

// TestThoseThatHangStallNoOther: each webhook has a sender of its own, also
// when those that hang have taken all that are shared.
func TestThoseThatHangStallNoOther(t *testing.T) {
	t.Parallel()
	p := newPost(t, sqlite(t), ownKey(t, filepath.Join(t.TempDir(), "key")))
	p.newTeam()
	release := make(chan struct{})
	var open, most atomic.Int64
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), open.Add(1)))
		<-release
		open.Add(-1)
	}))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	p.worker.shared = 5
	const n = 40
	for i := range 3 {
		p.webhook(fmt.Sprint("hangs ", i), hanging.URL)
	}
	p.run()
	p.notices(n / 2)
	for open.Load() < 3+5 { // one each, and all that are shared
		runtime.Gosched()
	}
	inboxes := []*inbox{newInbox(t, n/2), newInbox(t, n/2)}
	for i, b := range inboxes {
		p.webhook(fmt.Sprint("works ", i), b.URL)
	}
	p.notices(n / 2)
	for _, b := range inboxes {
		b.wait(t)
	}
	if n := most.Load(); n != 3+5 {
		t.Errorf("%d were sent at once to those that hang", n)
	}
}

// TestStopsAndGoesOn: a worker that stops loses nothing, and the next one sends
// the rest, each once.
func TestStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	p := newPost(t, sqlite(t), ownKey(t, filepath.Join(t.TempDir(), "key")))
	p.newTeam()
	const n = 300
	b := newInbox(t, n)
	w := p.webhook("works", b.URL)
	p.notices(n)
	for range 3 {
		p.run()
		for {
			counts, err := p.Read().CountDeliveries(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			if counts[model.DeliveryDelivered] > 0 {
				break
			}
		}
		p.stop()
	}
	p.run()
	b.wait(t)
	p.stop()
	b.once(t)
	counts, err := p.Read().CountDeliveries(t.Context(), w.ID)
	if err != nil || counts[model.DeliveryDelivered] != n {
		t.Errorf("%v %v", counts, err)
	}
}

func (b *inbox) once(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, n := range b.times {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

// TestReplicasSendOnce: three servers on one PostgreSQL share the work.
func TestReplicasSendOnce(t *testing.T) {
	t.Parallel()
	dsn, key := storetest.Postgres(t), ownKey(t, filepath.Join(t.TempDir(), "key"))
	const n = 300
	b := newInbox(t, n)
	first := newPost(t, dsn, key)
	first.newTeam()
	w := first.webhook("works", b.URL)
	posts := []*post{first, newPost(t, dsn, key), newPost(t, dsn, key)}
	stranger := newPost(t, dsn, ownKey(t, filepath.Join(t.TempDir(), "other"))) // has not the key: it must send nothing
	first.notices(n)
	for _, p := range append(posts, stranger) {
		p.run()
	}
	b.wait(t)
	for _, p := range append(posts, stranger) {
		p.stop()
	}
	b.once(t)
	counts, err := first.Read().CountDeliveries(t.Context(), w.ID)
	if err != nil || counts[model.DeliveryDelivered] != n {
		t.Errorf("%v %v", counts, err)
	}
}

// TestGoneIsSwitchedOff: 410 ends a webhook, and the team is told.
func TestGoneIsSwitchedOff(t *testing.T) {
	t.Parallel()
	p := newPost(t, sqlite(t), ownKey(t, filepath.Join(t.TempDir(), "key")))
	p.newTeam()
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	t.Cleanup(gone.Close)
	b := newInbox(t, 2)
	p.webhook("works", b.URL)
	w := p.webhook("gone", gone.URL)
	p.run()
	p.notices(1)
	b.wait(t) // the notice, and that the other was switched off
	now, err := p.Read().WebhookByID(t.Context(), p.team, w.ID)
	if err != nil || now.Enabled || now.DisabledWhy == "" {
		t.Errorf("%+v %v", now, err)
	}
	list, err := p.Read().Notices(t.Context(), store.NoticeQuery{Type: "webhook.disabled", Limit: 5})
	if err != nil || len(list) != 1 || list[0].Data["webhook_id"] != w.ID {
		t.Errorf("%+v %v", list, err)
	}
}
