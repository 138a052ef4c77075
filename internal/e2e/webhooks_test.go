package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// inbox takes what a webhook is sent, checks who sent it, and counts.
type inbox struct {
	*httptest.Server
	t      testing.TB
	secret string

	mu    sync.Mutex
	times map[string]int // by webhook-id
	first time.Time
	last  time.Time
	more  chan struct{} // holds a value when something has come
}

func newInbox(t testing.TB) *inbox {
	t.Helper()
	b := &inbox{t: t, times: map[string]int{}, more: make(chan struct{}, 1)}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server was killed while it sent: it sends again
	}
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	if want := signature(b.secret, id, stamp, body); r.Header.Get("webhook-signature") != want {
		b.t.Errorf("%s is signed %q, want %q", id, r.Header.Get("webhook-signature"), want)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times[id]++
	if b.last = time.Now(); b.first.IsZero() {
		b.first = b.last
	}
	select {
	case b.more <- struct{}{}:
	default:
	}
	w.WriteHeader(http.StatusNoContent)
}

// signature is what Standard Webhooks 1.0.0 has a receiver expect.
func signature(secret, id, stamp string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// has waits until so many different notices came.
func (b *inbox) has(n int) {
	b.t.Helper()
	timeout := time.After(patience)
	for b.count() < n {
		select {
		case <-b.more:
		case <-timeout:
			b.t.Fatalf("%d of %d came", b.count(), n)
		}
	}
}

func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.times)
}

// canary is part of a webhook's address, and nobody's to see again.
const canary = "canary-of-the-address"

// webhook makes a webhook of the first team.
func (s *server) webhook(b *inbox) (team string, made struct{ ID, Secret string }) {
	s.t.Helper()
	var teams struct{ Items []model.Team }
	s.want(http.StatusOK, "GET", "/api/v1/teams", nil).into(s.t, &teams)
	team = teams.Items[0].ID
	s.want(http.StatusCreated, "POST", "/api/v1/teams/"+team+"/webhooks", map[string]any{"name": "inbox", "url": b.URL + "/in?token=" + canary}).into(s.t, &made)
	b.secret = made.Secret
	return team, made
}

// notices writes n notices into the database of a server that does not run.
func (s *server) notices(team string, n int) map[string]bool {
	s.t.Helper()
	ctx := s.t.Context()
	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + filepath.Join(s.dir, "drawbridge.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { // before the server needs the file
		if err := st.Close(); err != nil {
			s.t.Fatal(err)
		}
	}()
	ids := map[string]bool{}
	for len(ids) < n { // a few in each, since a transaction must end in time on the busiest machine, too
		err := st.InTx(ctx, func(q *store.Queries) error {
			for range min(20, n-len(ids)) {
				i := len(ids)
				notice := &model.Notice{TeamID: team, Type: model.NoticeBackendReady, BackendID: "be_x", Title: fmt.Sprintf("app-%d is ready", i),
					Text: "The job \"provision\" that ada asked for succeeded after 3m12s.", Data: map[string]string{"backend_name": "app", "phase": "ready"}}
				if err := q.Notify(ctx, notice); err != nil {
					return err
				}
				ids[notice.ID] = true
			}
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

// drained checks that every notice came, and nothing else did, and returns how
// many came again: what was being sent, or saved, when the server was killed.
func (b *inbox) drained(ids map[string]bool) (again int) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range ids {
		if b.times[id] == 0 {
			b.t.Errorf("%s was lost", id)
		}
		again += max(b.times[id]-1, 0)
	}
	for id := range b.times {
		if !ids[id] {
			b.t.Errorf("%s is no notice", id)
		}
	}
	return again
}

// delivered waits until the log says that n were delivered.
func (s *server) delivered(team, webhook string) {
	s.t.Helper()
	until(s.t, "nothing is pending", func() bool {
		var page struct{ Items []any }
		s.want(http.StatusOK, "GET", "/api/v1/teams/"+team+"/webhooks/"+webhook+"/deliveries?state=pending&limit=1", nil).into(s.t, &page)
		return len(page.Items) == 0
	})
}

// TestKilledWhileItSends: every notice arrives, signed, through two kills; the
// secrets are nowhere but where they must be.
func TestKilledWhileItSends(t *testing.T) {
	t.Parallel()
	const n = 400
	s := startServer(t, "instant", "--webhook-networks", "127.0.0.0/8")
	b := newInbox(t)
	team, hook := s.webhook(b)
	s.kill()
	log := s.logs.String()
	ids := s.notices(team, n)
	for _, enough := range []int{n / 4, n / 2} {
		s.start()
		b.has(enough)
		s.kill()
		log += s.logs.String()
	}
	s.start()
	b.has(n)
	s.delivered(team, hook.ID)
	if again := b.drained(ids); again > 2*8 {
		t.Errorf("%d came again after two kills; eight are sent at once", again)
	}
	log += s.logs.String()
	s.kill()

	files, err := filepath.Glob(filepath.Join(s.dir, "drawbridge.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	places := map[string]string{"log": log}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		places[f] = string(raw)
	}
	s.start()
	for _, path := range []string{"/teams/" + team + "/webhooks", "/teams/" + team + "/webhooks/" + hook.ID, "/teams/" + team + "/webhooks/" + hook.ID + "/deliveries?limit=1000", "/audit?limit=1000", "/notices?limit=1000"} {
		places[path] = string(s.want(http.StatusOK, "GET", "/api/v1"+path, nil).body)
	}
	for place, text := range places {
		if strings.Contains(text, hook.Secret) || strings.Contains(text, strings.TrimPrefix(hook.Secret, "whsec_")) {
			t.Errorf("the secret is in %s", place)
		}
		if strings.Contains(text, canary) {
			t.Errorf("the address is in %s", place)
		}
	}
}

// BenchmarkWebhooks measures once, whatever b.N is, how fast 10,000 notices go
// out to one webhook on this machine, with a kill -9 in the middle, and that
// none is lost. With BENCH_JSON=FOLDER it writes FOLDER/webhooks.json, too.
func BenchmarkWebhooks(b *testing.B) {
	const n = 10_000
	s := startServer(b, "instant", "--webhook-networks", "127.0.0.0/8", "--log-level", "info")
	box := newInbox(b)
	team, hook := s.webhook(box)
	s.kill()
	ids := s.notices(team, n)
	s.start()
	box.has(n / 2)
	s.kill()
	s.start()
	box.has(n)
	s.delivered(team, hook.ID)
	again := box.drained(ids)
	took := box.last.Sub(box.first)
	type line struct {
		Name     string  `json:"name"`
		Measured float64 `json:"measured"`
		Unit     string  `json:"unit"`
		Goal     string  `json:"goal"`
		Met      bool    `json:"met"`
	}
	lost := n - box.count()
	table := []line{
		{"webhook deliveries drained past a kill -9", float64(box.count()), "", fmt.Sprintf("= %d", n), lost == 0},
		{"lost", float64(lost), "", "= 0", lost == 0},
		{"sent again", float64(again), "", "<= 8, what was under way", again <= 8},
		{"deliveries a second, restart included", float64(n) / took.Seconds(), "1/s", ">= 500", float64(n)/took.Seconds() >= 500},
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nwhat\tmust reach\tmeasured")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%s\t%.0f %s\n", r.Name, r.Goal, r.Measured, r.Unit)
		if !r.Met {
			b.Errorf("%s: %.0f %s, want %s", r.Name, r.Measured, r.Unit, r.Goal)
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.Log(out.String())
	if dir := os.Getenv("BENCH_JSON"); dir != "" {
		raw, err := json.MarshalIndent(table, "", "  ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "webhooks.json"), append(raw, '\n'), 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
