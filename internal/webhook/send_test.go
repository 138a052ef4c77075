package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/probe"
)

// here lets tests reach servers on this machine.
var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newSender(t *testing.T, o probe.Options) *Sender {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	o.MaxBody = MaxAnswer
	return &Sender{Key: ownKey(t, filepath.Join(t.TempDir(), "key")), Client: probe.New(o), URL: "https://panel.example/", Now: time.Now}
}

// claimFor is a delivery to the address.
func claimFor(t *testing.T, s *Sender, f model.WebhookFormat, url string) *model.DeliveryClaim {
	t.Helper()
	c := &model.DeliveryClaim{
		Webhook: model.Webhook{ID: "whk_1", TeamID: "team_1", Format: f},
		Notice: model.Notice{ID: "ntc_1", TeamID: "team_1", Type: model.NoticeBackendReady, BackendID: "be_1", JobID: "job_1",
			Title: "orders is ready", Text: "AWS said <b> & more.", Data: map[string]string{"invoke_url": "https://x.example/", "notice_id": "another"}, At: time.Unix(1_790_000_000, 0)},
	}
	if err := s.Seal(&c.Webhook, model.WebhookSecrets{URL: url, Secret: NewSecret()}); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTargets: whatever a receiver does has its one outcome, said in words, in time.
func TestTargets(t *testing.T) {
	t.Parallel()
	answer := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}
	}
	inHalfAnHour := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", time.Now().Add(30*time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range 100 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	drip := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client goes
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	rows := []struct {
		name    string
		serve   http.HandlerFunc
		timeout time.Duration
		state   model.DeliveryState
		says    string
		hold    time.Duration
		disable bool
	}{
		{name: "takes it", serve: answer(204), state: model.DeliveryDelivered},
		{name: "answers 100 MB", serve: huge, state: model.DeliveryDelivered},
		{name: "answers without an end", serve: drip, timeout: 200 * time.Millisecond, state: model.DeliveryDelivered},
		{name: "hangs", serve: hang, timeout: 100 * time.Millisecond, state: model.DeliveryPending, says: "No answer came from"},
		{name: "redirects to metadata", serve: answer(302, "Location", "http://169.254.169.254/latest/meta-data/"), state: model.DeliveryPending, says: "Redirects are not followed"},
		{name: "redirects inside", serve: answer(307, "Location", "http://127.0.0.1:1/"), state: model.DeliveryPending, says: "307 Temporary Redirect"},
		{name: "is gone", serve: answer(410), state: model.DeliveryFailed, says: "410 Gone", disable: true},
		{name: "has enough", serve: answer(429, "Retry-After", "600"), state: model.DeliveryPending, says: "more than it takes", hold: 10 * time.Minute},
		{name: "asks for ever", serve: answer(503, "Retry-After", "999999999999"), state: model.DeliveryPending, says: "503", hold: time.Hour},
		{name: "asks for a date", serve: inHalfAnHour, state: model.DeliveryPending, hold: 30 * time.Minute},
		{name: "asks for nonsense", serve: answer(500, "Retry-After", "-5"), state: model.DeliveryPending, says: "500"},
		{name: "refuses the signature", serve: answer(401), state: model.DeliveryPending, says: "current secret"},
		{name: "breaks off", serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, state: model.DeliveryPending, says: "did not get through"},
		{name: "speaks another protocol", serve: answer(101), state: model.DeliveryPending, says: "101"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(row.serve)
			t.Cleanup(srv.Close)
			s := newSender(t, probe.Options{Networks: here, Timeout: row.timeout})
			o := s.Send(t.Context(), claimFor(t, s, model.WebhookStandard, srv.URL+"/secret-path?token=canary"))
			a := o.Attempt
			if o.State != row.state || !strings.Contains(a.Error, row.says) || (a.Error == "") != (row.state == model.DeliveryDelivered) || (o.Disable != "") != row.disable {
				t.Errorf("%+v, attempt %+v", o, a)
			}
			if (o.Hold-row.hold).Abs() > time.Minute || o.Delay < o.Hold {
				t.Errorf("held for %s, again in %s", o.Hold, o.Delay)
			}
			if len(a.Answer) > MaxAnswer*3 || strings.Contains(fmt.Sprint(a), "canary") || strings.Contains(a.Error, "secret-path") {
				t.Errorf("the log has %+v", a)
			}
		})
	}
}

// TestGuard: what is not to be asked is not, and the words say what helps.
func TestGuard(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	open := probe.Options{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	inside := probe.Options{Lookup: func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.7")}, nil
	}}
	for _, row := range []struct {
		name, url string
		o         probe.Options
		says      string
	}{
		{"this machine", "http://127.0.0.1:80/", probe.Options{}, "--webhook-networks"},
		{"a name that leads inside", "https://inside.example/", inside, "10.0.0.7, which is a private address"},
		{"another port", "http://1.1.1.1:8065/", probe.Options{}, "Port 8065"},
		{"metadata, whatever is allowed", "http://169.254.169.254/latest/", open, "metadata"},
		{"metadata by IPv6", "http://[fd00:ec2::254]/", open, "private"},
		{"a mapped address", "http://[::ffff:169.254.169.254]/", open, "metadata"},
		{"a certificate of nobody", tls.URL, probe.Options{Networks: here}, "TLS certificate"},
		{"nobody", "http://127.0.0.1:1/", probe.Options{Networks: here}, "connection refused"},
		{"a file", "file:///etc/passwd", probe.Options{}, "Only http and https"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t, row.o)
			o := s.Send(t.Context(), claimFor(t, s, model.WebhookStandard, row.url))
			if o.State != model.DeliveryPending || !strings.Contains(o.Attempt.Error, row.says) || o.Attempt.Status != 0 {
				t.Errorf("%+v, attempt %+v", o, o.Attempt)
			}
		})
	}
	for url, good := range map[string]bool{
		"https://hooks.example/x": true, "http://hooks.example:8065/": false, "http://localhost/": false, "http://10.0.0.1/": false,
		"https://[::1]/": false, "ftp://hooks.example/": false, "https://8.8.8.8/": true, "http://2130706433/": true, // a name, until it is looked up
	} {
		if err := newSender(t, probe.Options{}).Check(url); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := newSender(t, probe.Options{Networks: here}).Check("http://hooks.example:8065/"); err != nil {
		t.Error(err)
	}
}

// TestStopped: what was under way when the server stops is given back untried.
func TestStopped(t *testing.T) {
	t.Parallel()
	came := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(came)
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	s := newSender(t, probe.Options{Networks: here})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-came
		stop()
	}()
	if o := s.Send(ctx, claimFor(t, s, model.WebhookStandard, srv.URL)); o.Attempt != nil || o.State != "" {
		t.Errorf("%+v", o)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	var header http.Header
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(srv.Close)
	s := newSender(t, probe.Options{Networks: here})
	send := func(f model.WebhookFormat, change func(*model.DeliveryClaim)) map[string]any {
		t.Helper()
		c := claimFor(t, s, f, srv.URL)
		change(c)
		if o := s.Send(t.Context(), c); o.State != model.DeliveryDelivered {
			t.Fatalf("%+v", o.Attempt)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	as := func(c *model.DeliveryClaim) {}
	got := send(model.WebhookStandard, as)
	data, _ := got["data"].(map[string]any)
	for key, want := range map[string]string{
		"notice_id": "ntc_1", "team_id": "team_1", "backend_id": "be_1", "job_id": "job_1", "title": "orders is ready", "invoke_url": "https://x.example/",
		"url": "https://panel.example/backends/be_1", "job_url": "https://panel.example/jobs/job_1", "text": "AWS said <b> & more.",
	} {
		if data[key] != want {
			t.Errorf("%s is %v, want %q", key, data[key], want)
		}
	}
	if got["type"] != "backend.ready" || got["version"] != "1" || got["timestamp"] != "2026-09-21T14:13:20Z" {
		t.Errorf("%v", got)
	}
	if header.Get("webhook-id") != "ntc_1" || header.Get("Content-Type") != "application/json" || header.Get("webhook-signature") == "" {
		t.Errorf("%v", header)
	}
	slackMessage := send(model.WebhookSlack, as)
	text, _ := slackMessage["text"].(string)
	for _, want := range []string{"<https://panel.example/backends/be_1|orders is ready>", "&lt;b&gt; &amp; more", "<https://x.example/>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	lure := send(model.WebhookSlack, func(c *model.DeliveryClaim) {
		c.Notice.Title, c.Notice.Text = "[log in](https://evil.example) ![x](https://evil.example/x.png)", "<!channel> @channel @here <https://evil.example|panel>"
	})
	for _, bad := range []string{"](", "@channel", "@here", "<!channel", "<https://evil"} {
		if text, _ := lure["text"].(string); strings.Contains(text, bad) {
			t.Errorf("%q is in %q", bad, text)
		}
	}
	if header.Get("webhook-signature") != "" || slackMessage["blocks"] == nil {
		t.Errorf("%v %v", header, slackMessage)
	}
	long := send(model.WebhookSlack, func(c *model.DeliveryClaim) { c.Notice.Text = strings.Repeat("ü", 5000) })
	if text, _ := long["text"].(string); len(text) > slackText || !strings.HasSuffix(text, "…") {
		t.Errorf("%d bytes", len(text))
	}
	send(model.WebhookStandard, func(c *model.DeliveryClaim) {
		secrets, err := s.Open(&c.Webhook)
		if err != nil {
			t.Fatal(err)
		}
		secrets.OldSecret = NewSecret()
		c.Webhook.OldSecretUntil = time.Now().Add(time.Hour)
		if err := s.Seal(&c.Webhook, secrets); err != nil {
			t.Fatal(err)
		}
	})
	if n := len(strings.Fields(header.Get("webhook-signature"))); n != 2 {
		t.Errorf("%d signatures after a rotation", n)
	}
}

// TestSchedule: three days in all, each wait longer, none exact.
func TestSchedule(t *testing.T) {
	t.Parallel()
	var all time.Duration
	for i := range schedule {
		d := delay(i)
		if d < schedule[i]*4/5 || d > schedule[i]*6/5 {
			t.Errorf("try %d waits %s", i, d)
		}
		all += schedule[i]
	}
	if all < 70*time.Hour || all > 80*time.Hour || delay(len(schedule)) != 0 {
		t.Errorf("%s in all", all)
	}
}
