package panel_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// cloud is an environment with a chain of two nodes.
type cloud struct {
	tagged   []panel.Tagged
	findings []model.Finding
	err      error
	asked    func() // called when it is asked; nil = nothing
}

func (c *cloud) Chain(context.Context, *model.Environment, *model.Backend) ([]model.PlanItem, []model.Finding, error) {
	if c.asked != nil {
		c.asked()
	}
	return []model.PlanItem{
		{Key: "alb-sg", Action: model.ActionCreate, Ownership: model.OwnershipManaged},
		{Key: "alb", Kind: "elbv2.load_balancer", Action: model.ActionCreate, Ownership: model.OwnershipManaged, Needs: []model.Need{{Key: "alb-sg"}}},
	}, c.findings, c.err
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

func (c *cloud) Status(context.Context, *model.Environment) *model.EnvironmentStatus {
	return &model.EnvironmentStatus{Answers: c.err == nil}
}

func (c *cloud) Instances(context.Context, *model.Environment) ([]model.Instance, error) {
	return nil, c.err
}

// record is an environment's log.
type record struct{}

func (record) Calls(int) []model.APICall                  { return []model.APICall{{Operation: "CreateVpcLink"}} }
func (record) AccessLogs([]string, int) []model.AccessLog { return nil }

// idle is a worker that carries nothing out.
type idle struct{}

func (idle) Wake()         {}
func (idle) Cancel(string) {}

type bench struct {
	t     testing.TB
	panel *panel.Panel
	store *store.Store
	cloud *cloud
}

var (
	viewer    = model.Member("", "vera", "team_own", model.RoleViewer)
	developer = model.Member("", "dan", "team_own", model.RoleDeveloper)
	owner     = model.Member("usr_olga", "olga", "team_own", model.RoleOwner)
	foreigner = model.Member("", "finn", "team_foreign", model.RoleOwner)
	admin     = model.Actor{Name: "root", Admin: true}
	nobody    = model.Actor{}
)

func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchOn(t, store.Options{DSN: storetest.SQLite(t)})
}

func newBenchOn(t testing.TB, o store.Options) *bench {
	t.Helper()
	ctx := t.Context()
	hub := events.NewHub()
	o.OnEvent = func(id string, _ int64) { hub.Wake(id) }
	st, err := store.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	err = st.InTx(ctx, func(q *store.Queries) error {
		return errors.Join(
			q.InsertTeam(ctx, &model.Team{ID: "team_own", Name: "own", CreatedAt: time.Now()}),
			q.InsertTeam(ctx, &model.Team{ID: "team_foreign", Name: "foreign", CreatedAt: time.Now()}),
			q.UpsertEnvironment(ctx, &model.Environment{ID: "env_1", Name: "test", Region: "ap-northeast-1"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{}
	p := panel.New(panel.Deps{InstallID: "ins_own", Activity: func(*model.Environment) panel.Activity { return record{} }, Store: st, Cloud: c, Worker: idle{}, Hub: hub, Probe: probe.New(probe.Options{}), Secrets: auth.New(st, auth.Options{}), Webhooks: newSender(t), Logger: slog.New(slog.DiscardHandler)})
	return &bench{t, p, st, c}
}

func launch(name string) panel.Registration {
	return panel.Registration{Name: name, Spec: model.Spec{Source: model.SourceLaunch, Port: 8000}}
}

func (b *bench) register(name string) *model.Backend {
	b.t.Helper()
	back, err := b.panel.RegisterBackend(b.t.Context(), developer, launch(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return back
}

// end finishes the backend's running job as a worker would.
func (b *bench) end(state model.JobState) *model.Job {
	b.t.Helper()
	job, err := b.store.ClaimJob(b.t.Context(), "test", time.Minute)
	if err != nil || job == nil {
		b.t.Fatalf("claim: %v, %v", job, err)
	}
	if err := b.store.FinishJob(b.t.Context(), job.Lease(), model.Outcome{State: state}); err != nil {
		b.t.Fatal(err)
	}
	return job
}

// TestEveryUseCase_asksWhoAndWhose walks every method that takes an id: a role
// that is too low is forbidden, a stranger and a wrong id get one answer.
func TestEveryUseCase_asksWhoAndWhose(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	back := b.register("orders")
	job, err := b.panel.Provision(ctx, developer, back.ID)
	if err != nil {
		t.Fatal(err)
	}
	// done ends a stream that was let through.
	done := errors.New("let through")
	for name, tc := range map[string]struct {
		id   string
		need model.Role
		call func(a model.Actor, id string) error
	}{
		"Backend": {back.ID, model.RoleViewer, func(a model.Actor, id string) error { _, err := b.panel.Backend(ctx, a, id); return err }},
		"Plan": {back.ID, model.RoleViewer, func(a model.Actor, id string) error {
			_, err := b.panel.Plan(ctx, a, id, model.OpProvision)
			return err
		}},
		"Jobs": {back.ID, model.RoleViewer, func(a model.Actor, id string) error {
			_, err := b.panel.Jobs(ctx, a, id, model.Selection{Limit: 1})
			return err
		}},
		"Job": {job.ID, model.RoleViewer, func(a model.Actor, id string) error { _, err := b.panel.Job(ctx, a, id); return err }},
		"Events": {back.ID, model.RoleViewer, func(a model.Actor, id string) error {
			_, err := b.panel.Events(ctx, a, id, panel.EventFilter{Limit: 1})
			return err
		}},
		"StreamEvents": {back.ID, model.RoleViewer, func(a model.Actor, id string) error {
			return b.panel.StreamEvents(ctx, a, id, 0, func(model.Event) error { return done }, nil)
		}},
		"TestRuns": {back.ID, model.RoleViewer, func(a model.Actor, id string) error {
			_, err := b.panel.TestRuns(ctx, a, id, model.Selection{Limit: 1})
			return err
		}},
		"Provision": {back.ID, model.RoleDeveloper, func(a model.Actor, id string) error { _, err := b.panel.Provision(ctx, a, id); return err }},
		"RunTests":  {back.ID, model.RoleDeveloper, func(a model.Actor, id string) error { _, err := b.panel.RunTests(ctx, a, id, nil); return err }},
		"RunAdHocTest": {back.ID, model.RoleDeveloper, func(a model.Actor, id string) error {
			_, err := b.panel.RunAdHocTest(ctx, a, id, model.RouteTest{Path: "/"})
			return err
		}},
		"CancelJob": {job.ID, model.RoleDeveloper, func(a model.Actor, id string) error { _, err := b.panel.CancelJob(ctx, a, id); return err }},
		"RetryJob":  {job.ID, model.RoleDeveloper, func(a model.Actor, id string) error { _, err := b.panel.RetryJob(ctx, a, id); return err }},
		"RollBack":  {job.ID, model.RoleDeveloper, func(a model.Actor, id string) error { _, err := b.panel.RollBack(ctx, a, id); return err }},
		"RollBackPlan": {job.ID, model.RoleViewer, func(a model.Actor, id string) error {
			_, err := b.panel.RollBackPlan(ctx, a, id)
			return err
		}},
		"Destroy": {back.ID, model.RoleOwner, func(a model.Actor, id string) error { _, err := b.panel.Destroy(ctx, a, id); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range []model.Actor{viewer, developer, owner} {
				want := model.CodeForbidden
				if a.Best().AtLeast(tc.need) {
					want = ""
				}
				// The use case itself may say conflict: that is behind the door.
				if got := refusal(tc.call(a, tc.id)); got != want {
					t.Errorf("%s: %q, want %q", a.Best(), got, want)
				}
			}
			absent := tc.call(owner, "be_absent")
			for who, a := range map[string]model.Actor{"a foreign owner": foreigner, "nobody": nobody} {
				err := tc.call(a, tc.id)
				if got := refusal(err); got != model.CodeNotFound {
					t.Errorf("%s: %q, want not_found", who, got)
				}
			}
			if refusal(absent) != model.CodeNotFound {
				t.Errorf("absent id: %v", absent)
			}
		})
	}
}

// refusal is the code by which the door refused, "" when it let the call in.
func refusal(err error) model.Code {
	if code := model.CodeOf(err); err != nil && (code == model.CodeForbidden || code == model.CodeNotFound || code == model.CodeUnauthorized) {
		return code
	}
	return ""
}

func TestBackends_showsTheTeamsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.register("orders")
	for who, tc := range map[string]struct {
		actor model.Actor
		want  int
	}{"viewer": {viewer, 1}, "foreigner": {foreigner, 0}, "admin": {admin, 1}} {
		list, err := b.panel.Backends(t.Context(), tc.actor, panel.BackendFilter{})
		if err != nil || len(list) != tc.want {
			t.Errorf("%s sees %d, want %d (%v)", who, len(list), tc.want, err)
		}
	}
	if _, err := b.panel.Backends(t.Context(), nobody, panel.BackendFilter{}); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.register("orders")
	for name, tc := range map[string]struct {
		actor  model.Actor
		change func(*panel.Registration)
		code   model.Code
		field  string
	}{
		"viewer":        {viewer, nil, model.CodeForbidden, ""},
		"name taken":    {developer, func(r *panel.Registration) { r.Name = "orders" }, model.CodeInvalid, "name"},
		"bad port":      {developer, func(r *panel.Registration) { r.Spec.Port = 0 }, model.CodeInvalid, "spec.port"},
		"foreign team":  {developer, func(r *panel.Registration) { r.TeamID = "team_foreign" }, model.CodeInvalid, "team_id"},
		"no such place": {developer, func(r *panel.Registration) { r.EnvironmentID = "env_x" }, model.CodeInvalid, "environment_id"},
	} {
		r := launch("other")
		if tc.change != nil {
			tc.change(&r)
		}
		_, err := b.panel.RegisterBackend(t.Context(), tc.actor, r)
		var e *model.Error
		if !errors.As(err, &e) || e.Code != tc.code || tc.field != "" && (len(e.Fields) != 1 || e.Fields[0].Path != tc.field) {
			t.Errorf("%s: %+v", name, err)
		}
	}
	r := launch("orders") // another team may use the name
	if _, err := b.panel.RegisterBackend(t.Context(), foreigner, r); err != nil {
		t.Error(err)
	}
}

func TestRegister_refusesWhatTheEnvironmentCannotCarryOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.cloud.findings = []model.Finding{
		{Severity: model.SeverityWarning, Message: "only a warning"},
		{Severity: model.SeverityError, Field: "spec.instances.ids", Message: "i-1 is in another VPC.", Advice: "Name another."},
	}
	_, err := b.panel.RegisterBackend(t.Context(), developer, launch("orders"))
	var e *model.Error
	want := []model.Field{{Path: "spec.instances.ids", Message: "i-1 is in another VPC. Name another."}}
	if !errors.As(err, &e) || !slices.Equal(e.Fields, want) {
		t.Errorf("got %+v", err)
	}
	b.cloud.findings, b.cloud.err = nil, model.Errorf(model.CodeUnavailable, "away")
	if _, err := b.panel.RegisterBackend(t.Context(), developer, launch("orders")); model.CodeOf(err) != model.CodeUnavailable {
		t.Errorf("an environment that does not answer: %v", err)
	}
}

func TestProvision_oneOfManyGetsTheBackend(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	const n = 8
	jobs := make([]*model.Job, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { jobs[i], errs[i] = b.panel.Provision(t.Context(), developer, back.ID) })
	}
	wg.Wait()
	var winner *model.Job
	for i, j := range jobs {
		if errs[i] == nil {
			if winner != nil {
				t.Fatal("two jobs hold one backend")
			}
			winner = j
		}
	}
	if winner == nil {
		t.Fatalf("nobody got it: %v", errs)
	}
	for i, err := range errs {
		var e *model.Error
		if err != nil && (!errors.As(err, &e) || e.Code != model.CodeConflict || e.Holder != winner.ID) {
			t.Errorf("loser %d: %v", i, err)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	back := b.register("orders")
	first, err := b.panel.Provision(ctx, developer, back.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.panel.RetryJob(ctx, developer, first.ID); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("retry of a job under way: %v", err)
	}
	b.end(model.JobFailed)
	again, err := b.panel.RetryJob(ctx, developer, first.ID)
	if err != nil || again.State != model.JobQueued {
		t.Fatalf("retry: %+v, %v", again, err)
	}
	b.end(model.JobFailed)
	if _, err := b.panel.Destroy(ctx, owner, back.ID); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobFailed)
	if _, err := b.panel.RetryJob(ctx, owner, first.ID); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("retry of a job with a newer one behind it: %v", err)
	}
}

func TestRetry_ofADestroyTakesAnOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	job, err := b.panel.Destroy(t.Context(), owner, back.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.end(model.JobFailed)
	if _, err := b.panel.RetryJob(t.Context(), developer, job.ID); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("developer: %v", err)
	}
	if _, err := b.panel.RetryJob(t.Context(), owner, job.ID); err != nil {
		t.Errorf("owner: %v", err)
	}
}

func TestDestroyed_isTheEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	if _, err := b.panel.Destroy(t.Context(), owner, back.ID); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobSucceeded)
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("provision after destroy: %v", err)
	}
	if list, err := b.panel.Backends(t.Context(), viewer, panel.BackendFilter{}); err != nil || len(list) != 0 {
		t.Errorf("the list shows %v, %v", list, err)
	}
	if list, err := b.panel.Backends(t.Context(), viewer, panel.BackendFilter{Destroyed: true}); err != nil || len(list) != 1 {
		t.Errorf("with destroyed ones the list shows %v, %v", list, err)
	}
	b.register("orders") // the name is free again
}

func TestEnvironmentCalls_areForAdmins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.panel.EnvironmentCalls(t.Context(), owner, "env_1", 10); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("owner: %v", err)
	}
	if calls, err := b.panel.EnvironmentCalls(t.Context(), admin, "env_1", 10); err != nil || len(calls) != 1 {
		t.Errorf("admin: %v, %v", calls, err)
	}
	b.panel.Activity = nil
	if _, err := b.panel.EnvironmentCalls(t.Context(), admin, "env_1", 10); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("an environment that hands out nothing: %v", err)
	}
}

func TestStreamEvents_goesOnAfterTheCursor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	enough := errors.New("enough")
	var got []int64
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- b.panel.StreamEvents(t.Context(), viewer, back.ID, 0, func(e model.Event) error {
			if got = append(got, e.Seq); len(got) == 1 {
				close(started)
			}
			if len(got) == 3 {
				return enough
			}
			return nil
		}, nil)
	}()
	<-started
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, enough) || !slices.Equal(got, []int64{1, 2, 3}) {
		t.Errorf("got %v, %v", got, err)
	}
}
