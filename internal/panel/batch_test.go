package panel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// batchOf is a batch of new instances with these names.
func batchOf(names ...string) panel.Batch {
	var batch panel.Batch
	for _, n := range names {
		batch.Items = append(batch.Items, panel.BatchItem{Name: n, Spec: launch(n).Spec})
	}
	return batch
}

func (b *bench) batch(batch panel.Batch) *panel.BatchResult {
	b.t.Helper()
	r, err := b.panel.RegisterBatch(b.t.Context(), developer, batch)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) names() []string {
	b.t.Helper()
	list, err := b.panel.Backends(b.t.Context(), developer, panel.BackendFilter{})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return names
}

func outcomes(r *panel.BatchResult) []panel.Outcome {
	var list []panel.Outcome
	for i := range r.Rows {
		list = append(list, r.Rows[i].Outcome)
	}
	return list
}

func TestBatch_sentAgainChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	batch := batchOf("one", "two")
	first := b.batch(batch)
	if !slices.Equal(outcomes(first), []panel.Outcome{panel.OutcomeNew, panel.OutcomeNew}) || first.ID == "" || first.Queued() != 0 {
		t.Fatalf("first: %+v", first)
	}
	again := b.batch(batch)
	if !slices.Equal(outcomes(again), []panel.Outcome{panel.OutcomeUnchanged, panel.OutcomeUnchanged}) || again.ID != "" {
		t.Errorf("again: %+v", again)
	}
	batch.Provision = true
	batch.Items = append(batch.Items, batchOf("three").Items...)
	third := b.batch(batch)
	if third.Queued() != 3 || third.Rows[0].Job == nil || third.Rows[2].Outcome != panel.OutcomeNew {
		t.Errorf("with provisioning: %+v", third)
	}
	if fourth := b.batch(batch); fourth.Queued() != 0 || fourth.ID != "" {
		t.Errorf("while they are provisioned: %+v", fourth)
	}
	list, err := b.panel.Backends(t.Context(), viewer, panel.BackendFilter{BatchID: third.ID})
	if err != nil || len(list) != 3 {
		t.Fatalf("of the batch: %d, %v", len(list), err)
	}
	var places []int
	for _, s := range list {
		places = append(places, s.QueuePosition)
		if s.Phase != model.PhaseProvisioning || s.StepsAll != 2 {
			t.Errorf("%s is %s with %d steps", s.Name, s.Phase, s.StepsAll)
		}
	}
	slices.Sort(places)
	if !slices.Equal(places, []int{1, 2, 3}) {
		t.Errorf("places in the queue: %v", places)
	}
}

func TestBatch_isAllOrNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.register("taken")
	batch := batchOf("good", "Bad Name", "taken", "good", "far")
	batch.Items[1].Spec.Port = 0
	batch.Items[2].Spec.HealthPath = "/else"
	batch.Items[4].EnvironmentID = "nowhere"
	r, err := b.panel.RegisterBatch(t.Context(), developer, batch)
	var e *model.Error
	if !errors.As(err, &e) || e.Code != model.CodeInvalid {
		t.Fatalf("error %v", err)
	}
	var paths []string
	for _, f := range e.Fields {
		paths = append(paths, f.Path)
	}
	want := []string{"backends[1].name", "backends[1].spec.port", "backends[2].spec.health_path", "backends[3].name", "backends[4].environment_id"}
	if !slices.Equal(paths, want) {
		t.Errorf("fields %v, want %v", paths, want)
	}
	if f := e.Fields[2].Message; !strings.Contains(f, `"/health"`) || !strings.Contains(f, `"/else"`) {
		t.Errorf("the conflict says %q", f)
	}
	if got := outcomes(r); !slices.Equal(got, []panel.Outcome{"new", "invalid", "conflict", "invalid", "invalid"}) {
		t.Errorf("outcomes %v", got)
	}
	if got := b.names(); !slices.Equal(got, []string{"taken"}) {
		t.Errorf("there are %v", got)
	}
	batch.DryRun = true
	if r, err := b.panel.RegisterBatch(t.Context(), developer, batch); err != nil || r.Count(panel.OutcomeInvalid) != 3 {
		t.Errorf("dry run: %+v, %v", r, err)
	}
	only := batchOf("taken")
	only.Items[0].Spec.Port = 9000
	if _, err := b.panel.RegisterBatch(t.Context(), developer, only); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("only a conflict: %v", err)
	}
}

func TestBatch_keepsWhatTheCallerRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	batch := batchOf("one")
	batch.DryRun = true
	batch.Items[0].Spec.Port = 0
	batch.Items[0].Refused = []model.Field{{Path: "spec.port", Message: "no number"}, {Message: "the row is too long"}}
	r := b.batch(batch)
	if len(r.Rows[0].Fields) != 2 || r.Rows[0].Fields[0].Message != "no number" {
		t.Errorf("fields %+v", r.Rows[0].Fields)
	}
}

func TestBatch_refusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.cloud.findings = []model.Finding{{Severity: model.SeverityError, Field: "spec.launch.ami", Message: "No such AMI."}}
	batch := batchOf("one")
	batch.DryRun = true
	if r := b.batch(batch); r.Rows[0].Outcome != panel.OutcomeInvalid || r.Rows[0].Fields[0].Path != "spec.launch.ami" {
		t.Errorf("row %+v", r.Rows[0])
	}
	b.cloud.err = model.Errorf(model.CodeUnavailable, "away")
	if _, err := b.panel.RegisterBatch(t.Context(), developer, batch); model.CodeOf(err) != model.CodeUnavailable {
		t.Errorf("an environment that does not answer: %v", err)
	}
}

func TestBatch_sizeAndRole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.panel.RegisterBatch(t.Context(), viewer, batchOf("one")); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("viewer: %v", err)
	}
	if _, err := b.panel.RegisterBatch(t.Context(), nobody, batchOf("one")); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
	foreign := batchOf("one")
	foreign.TeamID = "team_foreign"
	if _, err := b.panel.RegisterBatch(t.Context(), developer, foreign); model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("a foreign team: %v", err)
	}
	for _, n := range []int{0, panel.MaxBatch + 1} {
		if _, err := b.panel.RegisterBatch(t.Context(), developer, batchOf(make([]string, n)...)); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%d items: %v", n, err)
		}
	}
}

func TestBackends_pagesAndFilters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.batch(batchOf("a-1", "a-2", "b-1"))
	list, err := b.panel.Backends(t.Context(), viewer, panel.BackendFilter{Limit: 2})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d, %v", len(list), err)
	}
	rest, err := b.panel.Backends(t.Context(), viewer, panel.BackendFilter{Limit: 2, After: list[1].ID})
	if err != nil || len(rest) != 1 {
		t.Errorf("the next page has %d, %v", len(rest), err)
	}
	if _, err := b.panel.Backends(t.Context(), foreigner, panel.BackendFilter{After: list[1].ID}); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("a foreign cursor: %v", err)
	}
	counts, err := b.panel.CountBackends(t.Context(), viewer, panel.BackendFilter{Name: "a-"})
	if err != nil || counts[model.PhaseRegistered] != 2 {
		t.Errorf("counts %v, %v", counts, err)
	}
	if counts, err := b.panel.CountBackends(t.Context(), foreigner, panel.BackendFilter{}); err != nil || len(counts) != 0 {
		t.Errorf("a foreigner counts %v, %v", counts, err)
	}
	if _, err := b.panel.CountBackends(t.Context(), nobody, panel.BackendFilter{}); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
}

// BenchmarkBatch registers and queues a hundred and a thousand backends in one call.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bench := newBench(b)
			names := make([]string, n)
			round := 0
			for b.Loop() {
				for i := range names {
					names[i] = fmt.Sprintf("r%d-%d", round, i)
				}
				round++
				batch := batchOf(names...)
				batch.Provision = true
				start := time.Now()
				if _, err := bench.panel.RegisterBatch(b.Context(), developer, batch); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds()*1000, "ms/batch")
			}
		})
	}
}
