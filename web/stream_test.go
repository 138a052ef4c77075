package web

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// message is one server-sent event.
type message struct{ id, data string }

// listen opens a stream over HTTP and returns what reads its next message.
func (s *site) listen(a model.Actor, path string, header ...string) (next func() message, status int) {
	s.t.Helper()
	server := httptest.NewServer(s.http)
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute) // a missing message fails the test
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Test-User", a.ID)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cancel(); _ = resp.Body.Close(); server.Close() })
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func() message { return readMessage(s.t, lines) }, resp.StatusCode
}

func readMessage(t *testing.T, lines *bufio.Scanner) message {
	t.Helper()
	var m message
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case lines.Text() == "" && m.data != "":
			return m
		case field == "id":
			m.id = value
		case field == "data":
			m.data += value + "\n"
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return m
}

// happen saves a noun with its event, as a worker does.
func (s *site) happen(f func(ctx context.Context, q *store.Queries) error) {
	s.t.Helper()
	if err := s.store.InTx(s.t.Context(), func(q *store.Queries) error { return f(s.t.Context(), q) }); err != nil {
		s.t.Fatal(err)
	}
}

// jobSeq is the newest event's number and the job's id from its page's address.
func (s *site) jobSeq(backendID, path string) (seq int64, id string) {
	s.t.Helper()
	b, err := s.store.Read().BackendByID(s.t.Context(), backendID)
	if err != nil {
		s.t.Fatal(err)
	}
	return b.EventSeq, strings.TrimPrefix(path, "/jobs/")
}

// step records progress of one step, with its event.
func (s *site) step(backendID, jobID, key string, state model.StepState) {
	s.happen(func(ctx context.Context, q *store.Queries) error {
		steps, err := q.Steps(ctx, jobID)
		if err != nil {
			return err
		}
		for _, st := range steps {
			if st.Key != key {
				continue
			}
			st.State, st.StartedAt, st.Why = state, s.store.Now(), "AWS says: "+string(state)
			if err := q.UpsertStep(ctx, &st); err != nil {
				return err
			}
			return q.AppendEvent(ctx, &model.Event{BackendID: backendID, Type: model.EventStep, JobID: jobID, Key: key, Data: asJSON(s.t, st)})
		}
		return nil
	})
}

func TestJobStreamGoesOnFromThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := s.start("orders-api")
	seq, id := s.jobSeq(b.ID, path)
	next, _ := s.listen(viewer, pathJobStream(id)+"?after="+strconv.FormatInt(seq, 10))
	s.step(b.ID, id, "alb", model.StepWaiting)
	m := next()
	if m.id != strconv.FormatInt(seq+1, 10) {
		t.Errorf("id %s after %d", m.id, seq)
	}
	for _, part := range []string{`<hx-partial hx-target="#step-alb"`, `data-step="alb" data-state="waiting"`, "AWS says: waiting", `hx-target="#job-head"`} {
		if !strings.Contains(m.data, part) {
			t.Errorf("lacks %q:\n%s", part, m.data)
		}
	}
	if strings.Contains(m.data, `data-step="listener"`) {
		t.Error("one step's event renews other rows")
	}
}

func TestReconnectMissesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, path := s.start("orders-api")
	seq, id := s.jobSeq(b.ID, path)
	s.step(b.ID, id, "alb", model.StepWaiting)
	s.step(b.ID, id, "alb", model.StepDone)
	next, _ := s.listen(viewer, pathJobStream(id)+"?after=0", "Last-Event-ID", strconv.FormatInt(seq, 10))
	m := next()
	if m.id != strconv.FormatInt(seq+2, 10) || !strings.Contains(m.data, `data-step="alb" data-state="done"`) || !strings.Contains(m.data, `hx-target="#steps"`) {
		t.Fatalf("what was missed came as %+v", m)
	}
	s.step(b.ID, id, "listener", model.StepStarted)
	if m := next(); !strings.Contains(m.data, `data-step="listener" data-state="started"`) {
		t.Fatalf("then came %+v", m)
	}
}

func TestBackendStreamRenewsTheChain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	next, _ := s.listen(viewer, pathBackendStream(b.ID)+"?after=1")
	s.happen(func(ctx context.Context, q *store.Queries) error {
		r := model.Resource{BackendID: b.ID, Key: "alb", Kind: "elbv2.load_balancer", Name: "x", State: model.ResourcePending, Ownership: model.OwnershipManaged}
		return q.AppendEvent(ctx, &model.Event{BackendID: b.ID, Type: model.EventResource, Key: "alb", Data: asJSON(t, r)})
	})
	m := next()
	for _, part := range []string{`hx-target="#chain"`, `data-hop="alb" data-state="pending"`, `hx-target="#resources"`} {
		if !strings.Contains(m.data, part) {
			t.Errorf("lacks %q:\n%s", part, m.data)
		}
	}
	if strings.Contains(m.data, `id="request"`) {
		t.Error("the form that somebody types in is renewed")
	}
}

func TestListStreamRenewsTheList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.backend(model.PhaseRegistered)
	next, _ := s.listen(viewer, pathBackendsStream())
	if m := next(); !strings.Contains(m.data, `hx-target="#backends"`) || !strings.Contains(m.data, "orders-api") {
		t.Fatalf("first came %+v", m)
	}
	s.backend(model.PhaseRegistered, func(b *model.Backend) { b.ID, b.Name = "be_2", "billing" })
	for m := next(); !strings.Contains(m.data, "billing"); m = next() { // the count may know it a look earlier
	}
}

func TestStreamsOfOneUserAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t) // two at once
	s.backend(model.PhaseRegistered)
	for range 2 {
		if next, status := s.listen(viewer, pathBackendsStream()); status != http.StatusOK {
			t.Fatalf("status %d", status)
		} else {
			next()
		}
	}
	if _, status := s.listen(viewer, pathBackendsStream()); status != http.StatusNoContent {
		t.Errorf("the third of a user: %d", status)
	}
	if _, status := s.listen(developer, pathBackendsStream()); status != http.StatusOK {
		t.Errorf("another user's first: %d", status)
	}
	st := model.NewSeats(1)
	leave, _ := st.Take("u")
	leave()
	if _, ok := st.Take("u"); !ok || st.Holders() != 1 {
		t.Error("who left is still counted")
	}
}

func TestStreamOfAnAbsentBackendIsAnError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, status := s.listen(viewer, pathBackendStream("be_none")); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}

func TestMessagesOfSeveralLinesStayOne(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	l := &live{w: rec, rc: http.NewResponseController(rec), ctx: t.Context()}
	d := sampleDetail(model.PhaseReady, 99)
	d.Runs[0].Body = "one\r\n\r\nevent: evil\ntwo"
	if err := l.send(7, testsSection(newTestsView(d, owner, sampleNow))); err != nil {
		t.Fatal(err)
	}
	head, tail := strings.TrimSuffix(rec.Body.String(), "\n\n"), rec.Body.String()
	if strings.Contains(head, "\n\n") || !strings.HasPrefix(head, "id: 7\ndata: ") || !strings.HasSuffix(tail, "\n\n") {
		t.Errorf("framed as %q", rec.Body.String())
	}
	for line := range strings.Lines(head) {
		if strings.HasPrefix(line, "event") || strings.Contains(line, "\r") {
			t.Errorf("a line of the body became a field: %q", line)
		}
	}
}

func TestEventsBringTheStateForward(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseProvisioning, 5)
	ready := sampleBackend(model.PhaseReady)
	job := sampleJob(model.JobSucceeded).Job
	job.ID = "job_new"
	run := sampleRun(ready.Spec.Tests[0], true)
	for name, row := range map[string]struct {
		event model.Event
		parts part
	}{
		"backend":       {model.Event{Type: model.EventBackend, Data: asJSON(t, ready)}, partHead | partChain | partTests | partRequest},
		"job":           {model.Event{Type: model.EventJob, Data: asJSON(t, job)}, partHead | partJobs},
		"test":          {model.Event{Type: model.EventTest, Data: asJSON(t, run)}, partTests},
		"step":          {model.Event{Type: model.EventStep, Data: []byte("{}")}, 0},
		"from tomorrow": {model.Event{Type: "weather", Data: []byte("{}")}, 0},
	} {
		if got, err := applyToBackend(d, row.event); err != nil || got != row.parts {
			t.Errorf("%s: parts %b, want %b, %v", name, got, row.parts, err)
		}
	}
	if d.Phase != model.PhaseReady || d.Jobs[0].ID != "job_new" || len(d.Runs) != 1 {
		t.Errorf("phase %s, jobs %v, runs %v", d.Phase, d.Jobs, d.Runs)
	}
	if _, err := applyToBackend(d, model.Event{Type: model.EventJob, Data: []byte("{")}); err == nil {
		t.Error("a broken event passed")
	}
}

func TestOtherJobsEventsDoNotMoveThisJob(t *testing.T) {
	t.Parallel()
	d := sampleJob(model.JobRunning)
	foreign := sampleJob(model.JobFailed)
	foreign.ID = "job_other"
	foreign.Steps[0].JobID = "job_other"
	for _, e := range []model.Event{
		{Type: model.EventJob, Data: asJSON(t, foreign.Job)},
		{Type: model.EventStep, Data: asJSON(t, foreign.Steps[0])},
		{Type: model.EventResource, Data: []byte("{}")},
	} {
		if _, changed, err := applyToJob(d, e); changed || err != nil {
			t.Errorf("%s: changed %v, %v", e.Type, changed, err)
		}
	}
	if d.State != model.JobRunning {
		t.Errorf("the job is %s", d.State)
	}
}

func TestAStepThatThePageDoesNotKnowRenewsAllRows(t *testing.T) {
	t.Parallel()
	d := &panel.JobDetail{Job: sampleJob(model.JobRunning).Job}
	d.Steps = sampleJob(model.JobRunning).Steps[1:]
	key, changed, err := applyToJob(d, model.Event{Type: model.EventStep, Data: asJSON(t, sampleJob(model.JobRunning).Steps[0])})
	if key != "" || !changed || err != nil || d.Steps[0].Position != 0 {
		t.Errorf("key %q, changed %v, %v, first %d", key, changed, err, d.Steps[0].Position)
	}
}

func TestTheBrowsersLastEventWinsOverThePagesCursor(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		header, query string
		want          int64
	}{
		"first connection": {"", "7", 7},
		"reconnect":        {"9", "7", 9},
		"nonsense":         {"x", "7", 7},
		"negative":         {"-3", "7", 7},
		"neither":          {"", "", 0},
	} {
		r := httptest.NewRequest(http.MethodGet, "/?after="+row.query, nil)
		r.Header.Set("Last-Event-ID", row.header)
		if got := cursorOf(echo.New().NewContext(r, httptest.NewRecorder())); got != row.want {
			t.Errorf("%s: %d, want %d", name, got, row.want)
		}
	}
}

// TestAMessageLeavesNoDeadline: a stream that ends in a quiet time ends whole,
// and its connection serves what comes next.
func TestAMessageLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	l := &live{w: w, rc: http.NewResponseController(w), ctx: t.Context()}
	if err := l.idle(); err != nil || len(w.set) != 2 || w.set[0].IsZero() || !w.set[1].IsZero() {
		t.Errorf("the deadlines were %v, %v", w.set, err)
	}
}

// deadlines notes those that are set for its connection.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (w *deadlines) SetWriteDeadline(at time.Time) error {
	w.set = append(w.set, at)
	return nil
}
