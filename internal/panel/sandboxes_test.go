package panel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

func templateInput() panel.TemplateInput {
	return panel.TemplateInput{
		Name: "app-" + model.NewID(""), Spec: model.Spec{Port: 8000, Tags: map[string]string{"branch": "{{branch}}"}},
		Parameters: []model.TemplateParameter{{Name: "version", Default: "1", Pattern: `[0-9.]+`}},
	}
}

// template makes a template of the own team.
func (b *bench) template(change ...func(*panel.TemplateInput)) *model.SandboxTemplate {
	b.t.Helper()
	in := templateInput()
	for _, c := range change {
		c(&in)
	}
	t, err := b.panel.CreateSandboxTemplate(b.t.Context(), owner, "team_own", in)
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

// sandbox makes a sandbox from a new template.
func (b *bench) sandbox(r panel.SandboxRequest) *panel.MadeSandbox {
	b.t.Helper()
	if r.Template == "" {
		r.Template = b.template().ID
	}
	s, err := b.panel.MakeSandbox(b.t.Context(), developer, "team_own", r)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// longAgo is when the reaper may look at once, whatever two clocks differ by.
var longAgo = time.Unix(1, 0)

// endsIn has the sandbox end that long from now.
func (b *bench) endsIn(id string, left time.Duration) {
	b.t.Helper()
	err := b.store.InTx(b.t.Context(), func(q *store.Queries) error {
		x, err := q.SandboxByID(b.t.Context(), id)
		if err != nil {
			return err
		}
		x.EndsAt, x.LookAt = b.store.Now().Add(left), longAgo
		return q.UpdateSandbox(b.t.Context(), x)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// reap looks after sandboxes and returns how many it did something about.
func (b *bench) reap() int {
	b.t.Helper()
	n, err := b.panel.ReapSandboxes(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) look(id string) *panel.BackendSummary {
	b.t.Helper()
	s, err := b.panel.Sandbox(b.t.Context(), viewer, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// actions are those of the audit about one thing, oldest first, as "action by actor".
func (b *bench) actions(target string) []string {
	b.t.Helper()
	rows, err := b.store.Read().AuditEntries(b.t.Context(), store.AuditQuery{AuditFilter: model.AuditFilter{Target: target}, Oldest: true, Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		list = append(list, string(r.Action)+" by "+r.ActorName)
	}
	return list
}

// databases are both kinds.
func databases(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for kind, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return storetest.SQLite(t) },
		"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newBenchOn(t, store.Options{DSN: dsn(t)}))
		})
	}
}

func TestMakeSandbox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.sandbox(panel.SandboxRequest{Key: "pr-1", Branch: "Feature/Log-In!"})
	if !first.Created || first.Name != "feature-log-in" || first.Phase != model.PhaseProvisioning || first.Job == nil || first.Job.Operation != model.OpProvision {
		t.Fatalf("%+v", first)
	}
	if first.Spec.Tags["branch"] != "Feature/Log-In-" {
		t.Errorf("tags %v", first.Spec.Tags)
	}
	x := first.Sandbox
	if life := x.EndsAt.Sub(x.CreatedAt); life != model.DefaultSandboxTTL || x.MaxEndsAt.Sub(x.CreatedAt) != model.DefaultSandboxMaxTTL || x.MadeByName != developer.Name {
		t.Errorf("lives for %s: %+v", life, x)
	}
	again, err := b.panel.MakeSandbox(t.Context(), developer, "team_own", panel.SandboxRequest{Key: "pr-1", TTL: "nonsense"})
	if err != nil || again.Created || again.ID != first.ID || again.Job.ID != first.Job.ID || !again.Sandbox.EndsAt.Equal(x.EndsAt) {
		t.Fatalf("again: %+v, %v", again, err)
	}
	b.end(model.JobFailed)
	again, err = b.panel.MakeSandbox(t.Context(), developer, "team_own", panel.SandboxRequest{Key: "pr-1"})
	if err != nil || again.ID != first.ID || again.Job.ID == first.Job.ID || again.Job.State != model.JobQueued {
		t.Fatalf("after it failed: %+v, %v", again, err)
	}
	b.end(model.JobSucceeded)
	if _, err := b.panel.EndSandbox(t.Context(), developer, first.ID); err != nil {
		t.Fatal(err)
	}
	second := b.sandbox(panel.SandboxRequest{Key: "pr-1", Branch: "feature/log-in"})
	if !second.Created || second.ID == first.ID || second.Name != "feature-log-in-2" {
		t.Errorf("after its end: %+v", second.Backend)
	}
	if n, m := b.sandbox(panel.SandboxRequest{}), b.sandbox(panel.SandboxRequest{}); n.ID == m.ID || n.Sandbox.Key != n.ID {
		t.Errorf("without a key: %+v %+v", n.Sandbox, m.Sandbox)
	}
}

func TestMakeSandbox_refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tp := b.template(func(in *panel.TemplateInput) {
		in.Name = "strict"
		in.Parameters = []model.TemplateParameter{{Name: "version", Required: true, Pattern: `[0-9.]+`}, {Name: "free"}}
		in.Spec.Launch = &model.Launch{UserData: "#!/bin/sh\nrun {{version}} {{branch}} \"$SANDBOX_FREE\"\n"}
	})
	good := map[string]string{"version": "1.2"}
	for name, row := range map[string]struct {
		r           panel.SandboxRequest
		field, text string
	}{
		"in the past":       {panel.SandboxRequest{TTL: "-2h", Parameters: good}, "ttl", "in the past"},
		"zero":              {panel.SandboxRequest{TTL: "0h", Parameters: good}, "ttl", "a minute at least"},
		"over the maximum":  {panel.SandboxRequest{TTL: "8d", Parameters: good}, "ttl", "7d at most"},
		"huge":              {panel.SandboxRequest{TTL: "99999999999999999999d", Parameters: good}, "ttl", "7d at most"},
		"no time":           {panel.SandboxRequest{TTL: "soon", Parameters: good}, "ttl", "not a length of time"},
		"no such template":  {panel.SandboxRequest{Template: "nope", Parameters: good}, "template", `no template "nope"`},
		"missing":           {panel.SandboxRequest{}, "parameters.version", "needs a value for version"},
		"against pattern":   {panel.SandboxRequest{Parameters: map[string]string{"version": "1; reboot"}}, "parameters.version", "does not fit the pattern"},
		"unknown":           {panel.SandboxRequest{Parameters: map[string]string{"version": "1", "vresion": "2"}}, "parameters.vresion", "no parameter of this name"},
		"a line break":      {panel.SandboxRequest{Parameters: map[string]string{"version": "1", "free": "a\nb"}}, "parameters.free", "without control characters"},
		"too long":          {panel.SandboxRequest{Branch: strings.Repeat("x", 256), Parameters: good}, "branch", "at most 255 bytes"},
		"a shell's command": {panel.SandboxRequest{Branch: "x;reboot", Parameters: good}, "branch", "$SANDBOX_BRANCH"},
		"a shell's option":  {panel.SandboxRequest{Branch: "-rf", Parameters: good}, "branch", "beginning with a letter or digit"},
	} {
		if row.r.Template == "" {
			row.r.Template = tp.ID
		}
		_, err := b.panel.MakeSandbox(t.Context(), developer, "team_own", row.r)
		if !refusedFor(err, row.field, row.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := b.panel.Sandboxes(t.Context(), viewer, panel.SandboxFilter{}); err != nil || len(list) != 0 {
		t.Errorf("something was made: %v, %v", list, err)
	}
	if s, err := b.panel.MakeSandbox(t.Context(), developer, "team_own", panel.SandboxRequest{Template: "strict", Branch: "feature/x", Parameters: map[string]string{"version": "2", "free": "$(reboot) '"}}); err != nil ||
		!strings.Contains(s.Spec.Launch.UserData, `export SANDBOX_FREE='$(reboot) '\'''`) || !strings.Contains(s.Spec.Launch.UserData, "run 2 feature/x \"$SANDBOX_FREE\"") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestMakeSandbox_atOnce: calls with one key make one sandbox, and calls with
// one branch make one each, whatever the database.
func TestMakeSandbox_atOnce(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, b *bench) {
		const callers = 8
		tp := b.template().ID
		var created atomic.Int64
		var mu sync.Mutex
		ids, names := map[string]bool{}, map[string]bool{}
		var wg sync.WaitGroup
		for i := range 2 * callers {
			key := "same"
			if i%2 == 0 {
				key = fmt.Sprint("own-", i)
			}
			wg.Go(func() {
				s, err := b.panel.MakeSandbox(t.Context(), developer, "team_own", panel.SandboxRequest{Key: key, Branch: "main", Template: tp})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				names[s.Name] = true
				if key == "same" {
					ids[s.ID] = true
				}
				if s.Created {
					created.Add(1)
				}
			})
		}
		wg.Wait()
		if created.Load() != callers+1 || len(ids) != 1 || len(names) != callers+1 {
			t.Errorf("%d were made, %d of one key, names %v", created.Load(), len(ids), names)
		}
	})
}

// TestReapSandboxes follows a sandbox from its warnings to the third try to
// destroy it.
func TestReapSandboxes(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, b *bench) {
		s := b.sandbox(panel.SandboxRequest{Key: "k", TTL: "3d"})
		b.end(model.JobSucceeded)
		id := s.ID
		if n := b.reap(); n != 0 {
			t.Fatalf("did something about %d", n)
		}
		for _, row := range []struct {
			left   time.Duration
			warned time.Duration
		}{{49 * time.Hour, 0}, {47 * time.Hour, 48 * time.Hour}, {3 * time.Hour, 48 * time.Hour}, {time.Hour, 2 * time.Hour}, {29 * time.Minute, 30 * time.Minute}, {time.Minute, 30 * time.Minute}} {
			b.endsIn(id, row.left)
			for range 3 { // once, however often somebody looks
				b.reap()
			}
			if x := b.look(id).Sandbox; x.Warned != row.warned || x.State() != model.SandboxLives {
				t.Errorf("%s before its end it has warned of %s: %s", row.left, x.Warned, x.State())
			}
		}
		b.endsIn(id, -time.Second)
		if n := b.reap(); n != 1 {
			t.Fatalf("ended %d", n)
		}
		for try := 1; try < 3; try++ {
			b.reap()
			got := b.look(id)
			if got.Phase != model.PhaseDestroying || got.Sandbox.State() != model.SandboxEnding || got.Sandbox.Tries != try {
				t.Fatalf("try %d: %s %+v", try, got.Phase, got.Sandbox)
			}
			b.end(model.JobFailed)
			failed := b.look(id).Sandbox
			if failed.Problem == nil || failed.LookAt.Before(b.store.Now().Add(50*time.Second)) {
				t.Errorf("after try %d: %+v", try, failed)
			}
			if n := b.reap(); n != 0 {
				t.Error("it was tried again at once")
			}
			b.lookNow(id)
		}
		if n := b.reap(); n != 1 {
			t.Fatalf("did something about %d", n)
		}
		b.end(model.JobSucceeded)
		gone := b.look(id)
		if gone.Sandbox.State() != model.SandboxGone || gone.Sandbox.Problem != nil || gone.Phase != model.PhaseDestroyed || b.reap() != 0 {
			t.Errorf("%s %+v", gone.Phase, gone.Sandbox)
		}
		want := []string{"backend.register by dan", "backend.provision by dan", "sandbox.create by dan", "backend.destroy by Drawbridge", "sandbox.end by Drawbridge",
			"backend.destroy by Drawbridge", "backend.destroy by Drawbridge", "sandbox.gone by Drawbridge"}
		if got := b.actions(id); !slices.Equal(got, want) {
			t.Errorf("audit: %q", got)
		}
		for of, n := range map[model.NoticeType]int{model.NoticeSandboxCreated: 1, model.NoticeSandboxEnding: 3, model.NoticeSandboxEnded: 1, model.NoticeSandboxEndFailed: 2} {
			if got := b.notices(of); got != n {
				t.Errorf("%d notices of %s, want %d", got, of, n)
			}
		}
	})
}

// lookNow has the reaper look at the sandbox now.
func (b *bench) lookNow(id string) {
	b.t.Helper()
	err := b.store.InTx(b.t.Context(), func(q *store.Queries) error {
		x, err := q.SandboxByID(b.t.Context(), id)
		if err != nil {
			return err
		}
		x.LookAt = longAgo
		return q.UpdateSandbox(b.t.Context(), x)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestSandboxEndsWhileItProvisions: what is at work is cancelled, and the
// destroy follows by itself.
func TestSandboxEndsWhileItProvisions(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, b *bench) {
		waiting := b.sandbox(panel.SandboxRequest{}).ID
		b.endsIn(waiting, -time.Second)
		b.reap()
		if got := b.look(waiting); got.Phase != model.PhaseDestroying || got.ActiveJob.Operation != model.OpDestroy {
			t.Errorf("one whose job nobody had taken up: %s %+v", got.Phase, got.ActiveJob)
		}
		b.end(model.JobSucceeded)

		running := b.sandbox(panel.SandboxRequest{}).ID
		job, err := b.store.ClaimJob(t.Context(), "test", time.Minute)
		if err != nil || job.BackendID != running {
			t.Fatalf("%+v, %v", job, err)
		}
		b.endsIn(running, -time.Second)
		b.reap()
		if got := b.look(running); got.Phase != model.PhaseProvisioning || got.ActiveJob.CancelRequestedAt.IsZero() || got.Sandbox.State() != model.SandboxEnding {
			t.Fatalf("%s %+v", got.Phase, got.ActiveJob)
		}
		if _, err := b.panel.Provision(t.Context(), developer, running); model.CodeOf(err) != model.CodeConflict {
			t.Errorf("provisioned meanwhile: %v", err)
		}
		if n := b.reap(); n != 0 {
			t.Error("it was cancelled twice")
		}
		if err := b.store.FinishJob(t.Context(), job.Lease(), model.Outcome{State: model.JobCancelled}); err != nil {
			t.Fatal(err)
		}
		b.reap()
		if got := b.look(running); got.Phase != model.PhaseDestroying || got.Sandbox.Tries != 1 {
			t.Errorf("%s %+v", got.Phase, got.Sandbox)
		}
		b.end(model.JobSucceeded)
		if got := b.look(running); got.Sandbox.State() != model.SandboxGone {
			t.Errorf("%+v", got.Sandbox)
		}
		if list, err := b.panel.Sandboxes(t.Context(), viewer, panel.SandboxFilter{Gone: true}); err != nil || len(list) != 2 {
			t.Errorf("%d are gone, %v", len(list), err)
		}
	})
}

// TestReapSandboxes_replicas: several at once do everything once.
func TestReapSandboxes_replicas(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, b *bench) {
		const sandboxes, replicas = 6, 4
		tp := b.template().ID
		for range sandboxes {
			s := b.sandbox(panel.SandboxRequest{Template: tp})
			b.end(model.JobSucceeded)
			b.endsIn(s.ID, -time.Second)
		}
		var did atomic.Int64
		var wg sync.WaitGroup
		for range replicas {
			wg.Go(func() {
				n, err := b.panel.ReapSandboxes(t.Context())
				if err != nil {
					t.Error(err)
				}
				did.Add(int64(n))
			})
		}
		wg.Wait()
		rows, err := b.store.Read().AuditEntries(t.Context(), store.AuditQuery{AuditFilter: model.AuditFilter{Action: string(model.AuditSandboxEnd)}, Limit: 100})
		if err != nil || did.Load() != sandboxes || len(rows) != sandboxes {
			t.Errorf("ended %d times, %d rows, %v", did.Load(), len(rows), err)
		}
	})
}

// TestSandboxClock moves the clock back and forth.
func TestSandboxClock(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	move := func(d time.Duration) { offset.Store(int64(d)) }
	t.Run("the database's own", func(t *testing.T) {
		b := newBenchOn(t, store.Options{DSN: storetest.SQLite(t), Now: now})
		id := b.sandbox(panel.SandboxRequest{TTL: "3h"}).ID
		b.end(model.JobSucceeded)
		ends := b.look(id).Sandbox.EndsAt
		for _, step := range []struct {
			at     time.Duration
			warned time.Duration
			state  model.SandboxState
		}{
			{70 * time.Minute, 2 * time.Hour, model.SandboxLives},
			{-24 * time.Hour, 2 * time.Hour, model.SandboxLives}, // back: nothing is sent or done again
			{70 * time.Minute, 2 * time.Hour, model.SandboxLives},
			{3*time.Hour + time.Second, 2 * time.Hour, model.SandboxEnding},
			{time.Hour, 2 * time.Hour, model.SandboxEnding}, // and what has ended does not live again
		} {
			move(step.at)
			b.reap()
			if x := b.look(id).Sandbox; x.Warned != step.warned || x.State() != step.state || !x.EndsAt.Equal(ends) {
				t.Errorf("at %s: %s, warned %s, ends %s", step.at, x.State(), x.Warned, x.EndsAt)
			}
		}
		if _, err := b.panel.ExtendSandbox(t.Context(), developer, id, "2d"); model.CodeOf(err) != model.CodeConflict {
			t.Errorf("extended: %v", err)
		}
	})
	t.Run("a replica's", func(t *testing.T) {
		move(0)
		b := newBenchOn(t, store.Options{DSN: storetest.Postgres(t), Now: now})
		id := b.sandbox(panel.SandboxRequest{TTL: "3h"}).ID
		b.end(model.JobSucceeded)
		for _, wrong := range []time.Duration{48 * time.Hour, -48 * time.Hour} {
			move(wrong)
			if n := b.reap(); n != 0 || b.look(id).Sandbox.State() != model.SandboxLives {
				t.Errorf("a clock that is %s off ended it", wrong)
			}
		}
	})
}

func TestExtendSandbox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.sandbox(panel.SandboxRequest{TTL: "1h"}).ID
	for _, row := range []struct{ ttl, text string }{
		{"30m", "already"}, {"0m", "a minute at least"}, {"-1h", "in the past"}, {"8d", "at most"}, {"x", "not a length of time"},
	} {
		if _, err := b.panel.ExtendSandbox(t.Context(), developer, id, row.ttl); !refusedFor(err, "ttl", row.text) {
			t.Errorf("%s: %v", row.ttl, err)
		}
	}
	b.endsIn(id, 20*time.Minute)
	b.reap()
	s, err := b.panel.ExtendSandbox(t.Context(), developer, id, "")
	if err != nil || time.Until(s.Sandbox.EndsAt) < 7*time.Hour || s.Sandbox.Warned != 48*time.Hour {
		t.Fatalf("%+v, %v", s, err)
	}
	b.endsIn(id, 25*time.Minute)
	b.reap()
	if x := b.look(id).Sandbox; x.Warned != 30*time.Minute {
		t.Errorf("the new end was not warned of: %s", x.Warned)
	}
	for who, row := range map[string]struct {
		a    model.Actor
		code model.Code
	}{"viewer": {viewer, model.CodeForbidden}, "foreigner": {foreigner, model.CodeNotFound}} {
		_, extend := b.panel.ExtendSandbox(t.Context(), row.a, id, "3d")
		_, end := b.panel.EndSandbox(t.Context(), row.a, id)
		_, make := b.panel.MakeSandbox(t.Context(), row.a, "team_own", panel.SandboxRequest{})
		for _, err := range []error{extend, end, make} {
			if model.CodeOf(err) != row.code {
				t.Errorf("%s: %v", who, err)
			}
		}
		taken := b.look(id).Sandbox.Key
		_, known := b.panel.MakeSandbox(t.Context(), row.a, "team_own", panel.SandboxRequest{Key: taken})
		if known == nil || known.Error() != make.Error() {
			t.Errorf("%s learns that there is a key: %v, %v", who, known, make)
		}
		if list, err := b.panel.Sandboxes(t.Context(), foreigner, panel.SandboxFilter{TeamID: "team_own", Key: taken}); err != nil || len(list) != 0 {
			t.Errorf("another team's by its key: %+v, %v", list, err)
		}
	}
	back := b.register("no-sandbox")
	if _, err := b.panel.ExtendSandbox(t.Context(), developer, back.ID, "3d"); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("a backend without an end: %v", err)
	}
}

func TestEndSandbox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.sandbox(panel.SandboxRequest{}).ID
	b.end(model.JobSucceeded)
	for range 2 { // the second changes nothing
		if s, err := b.panel.EndSandbox(t.Context(), developer, id); err != nil || s.Phase != model.PhaseDestroying || s.Sandbox.EndedBy != developer.Name {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	b.end(model.JobSucceeded)
	if s, err := b.panel.EndSandbox(t.Context(), developer, id); err != nil || s.Sandbox.State() != model.SandboxGone {
		t.Errorf("what is gone: %+v, %v", s, err) // nor does it when nothing is left: CI may ask twice
	}
	by := b.sandbox(panel.SandboxRequest{}).ID // destroyed by an owner before its end
	b.end(model.JobSucceeded)
	if _, err := b.panel.Destroy(t.Context(), owner, by); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobSucceeded)
	if x := b.look(by).Sandbox; x.State() != model.SandboxGone || x.EndedBy != owner.Name {
		t.Errorf("%+v", x)
	}
}

func TestQuota_ofSandboxes(t *testing.T) {
	t.Parallel()
	databases(t, func(t *testing.T, b *bench) {
		b.panel.Limits = model.Quota{Sandboxes: 3, SandboxesEach: 2}
		tp := b.template().ID
		ada := model.Member("usr_ada", "ada", "team_own", model.RoleDeveloper)
		ada.Person = true
		token := model.Member("tok_ada", "ci", "team_own", model.RoleDeveloper)
		token.By = "usr_ada"
		bob := model.Member("usr_bob", "bob", "team_own", model.RoleDeveloper)
		bob.Person = true
		mk := func(a model.Actor) (*panel.MadeSandbox, error) {
			return b.panel.MakeSandbox(t.Context(), a, "team_own", panel.SandboxRequest{Template: tp})
		}
		var wg sync.WaitGroup
		var made, refused atomic.Int64
		for i := range 6 {
			wg.Go(func() {
				_, err := mk([]model.Actor{ada, token}[i%2])
				switch {
				case err == nil:
					made.Add(1)
				case refusedFor(err, "team_id", "You have 2 of the 2 sandboxes"):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 2 || refused.Load() != 4 {
			t.Errorf("%d were made, %d refused", made.Load(), refused.Load())
		}
		third, err := mk(bob)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mk(bob); !refusedFor(err, "team_id", "has 3 of the 3 sandboxes", "End one") {
			t.Errorf("a fourth of the team: %v", err)
		}
		if q, err := b.panel.Quota(t.Context(), ada, "team_own"); err != nil || q.Used.Sandboxes != 3 || q.Used.SandboxesEach != 2 {
			t.Errorf("%+v, %v", q, err)
		}
		if _, err := b.panel.EndSandbox(t.Context(), bob, third.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := mk(bob); err == nil {
			t.Error("what is not gone yet does not count")
		}
	})
}

func TestSandboxTemplates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	everybody := templateInput()
	everybody.Name, everybody.Everybody = "for all", true
	if _, err := b.panel.CreateSandboxTemplate(t.Context(), owner, "team_own", everybody); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("an owner for every team: %v", err)
	}
	all, err := b.panel.CreateSandboxTemplate(t.Context(), admin, "team_foreign", everybody)
	if err != nil || all.TeamID != "" {
		t.Fatalf("%+v, %v", all, err)
	}
	own := b.template()
	list, err := b.panel.SandboxTemplates(t.Context(), viewer, "team_own")
	if err != nil || len(list) != 2 || list[0].ID != own.ID || list[1].ID != all.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := b.panel.SandboxTemplate(t.Context(), foreigner, "team_foreign", own.ID); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("another team's: %v", err)
	}
	if _, err := b.panel.UpdateSandboxTemplate(t.Context(), owner, "team_own", all.ID, templateInput()); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("an owner changes every team's: %v", err)
	}
	for name, row := range map[string]struct {
		change func(in *panel.TemplateInput)
		field  string
	}{
		"no name":             {func(in *panel.TemplateInput) { in.Name = " " }, "name"},
		"a name twice":        {func(in *panel.TemplateInput) { in.Name = own.Name }, "name"},
		"ttl over":            {func(in *panel.TemplateInput) { in.TTL = "9d" }, "ttl"},
		"ttl zero":            {func(in *panel.TemplateInput) { in.TTL = "0s" }, "ttl"},
		"no environment":      {func(in *panel.TemplateInput) { in.EnvironmentID = "nope" }, "environment_id"},
		"unknown placeholder": {func(in *panel.TemplateInput) { in.Spec.Tags = map[string]string{"x": "{{brunch}}"} }, "spec.tags"},
		"a bad spec":          {func(in *panel.TemplateInput) { in.Spec.Port = 0 }, "spec.port"},
		"a reserved name":     {func(in *panel.TemplateInput) { in.Parameters[0].Name = "branch" }, "parameters[0].name"},
		"a bad pattern":       {func(in *panel.TemplateInput) { in.Parameters[0].Pattern = "(" }, "parameters[0].pattern"},
		"a default unfit":     {func(in *panel.TemplateInput) { in.Parameters[0].Default = "x" }, "parameters[0].default"},
	} {
		in := templateInput()
		row.change(&in)
		_, err := b.panel.CreateSandboxTemplate(t.Context(), owner, "team_own", in)
		if !refusedFor(err, row.field) {
			var e *model.Error
			errors.As(err, &e)
			t.Errorf("%s: %v", name, e)
		}
	}
	if err := b.panel.DeleteSandboxTemplate(t.Context(), owner, "team_own", own.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.panel.DeleteSandboxTemplate(t.Context(), owner, "team_own", own.ID); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("twice: %v", err)
	}
}
