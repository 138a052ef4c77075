package provision_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// end finishes a claimed job.
func (b *bench) end(job *model.Job, state model.JobState) {
	b.t.Helper()
	if err := b.st.FinishJob(b.t.Context(), job.Lease(), model.Outcome{State: state}); err != nil {
		b.t.Fatal(err)
	}
}

// made is which job made each resource that exists.
func (b *bench) made() map[string]string {
	b.t.Helper()
	have, err := b.st.Read().Resources(b.t.Context(), b.back.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	by := map[string]string{}
	for _, r := range have {
		if r.State != model.ResourceGone {
			by[r.Key] = r.MadeBy
		}
	}
	return by
}

// TestRollBack_deletesWhatTheJobMadeAndNothingElse: a and b are an earlier
// job's, b vanished and was made anew by the later one, which also made c and
// failed at d.
func TestRollBack_deletesWhatTheJobMadeAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.queue(model.OpProvision, item("a"), item("b", "a"))
	if err := b.run(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	b.end(first, model.JobSucceeded)
	delete(b.world.things, "b")
	b.world.broken["d"] = errNever
	chain := []model.PlanItem{item("a"), item("b", "a"), item("c", "b"), item("d", "c")}
	second := b.queue(model.OpProvision, chain...)
	var failed *provision.StepFailed
	if err := b.run(t.Context(), second); !errors.As(err, &failed) {
		t.Fatal(err)
	}
	b.end(second, model.JobFailed)
	want := map[string]string{"a": first.ID, "b": second.ID, "c": second.ID, "d": second.ID}
	if got := b.made(); !maps.Equal(got, want) {
		t.Fatalf("made by %v, want %v", got, want)
	}
	delete(b.world.broken, "d")
	b.undo = second.ID
	undo := b.queue(model.OpRollBack)
	if err := b.run(t.Context(), undo); err != nil {
		t.Fatal(err)
	}
	if got := b.world.deletes; !slices.Equal(got, []string{"c", "b"}) {
		t.Errorf("deleted %v, want c and then b", got)
	}
	if !b.world.things["a"] || len(b.world.things) != 1 || !maps.Equal(b.made(), map[string]string{"a": first.ID}) {
		t.Errorf("left %v, known %v", b.world.things, b.made())
	}
	if got := b.states(undo)["a"]; got != model.StepSkipped {
		t.Errorf("a's step is %s", got)
	}
}

// TestRollBack_goesOnWhereItWasCutOff: half of it is done, the rest is found.
func TestRollBack_goesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"), item("b", "a"), item("c", "b"))
	if err := b.run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	b.end(job, model.JobCancelled)
	b.undo = job.ID
	b.world.broken["b"] = errNever
	undo := b.queue(model.OpRollBack)
	var failed *provision.StepFailed
	if err := b.run(t.Context(), undo); !errors.As(err, &failed) || failed.Key != "b" {
		t.Fatal(err)
	}
	delete(b.world.broken, "b")
	delete(b.world.things, "a") // by hand
	if err := b.run(t.Context(), undo); err != nil {
		t.Fatal(err)
	}
	if len(b.world.things) != 0 || len(b.made()) != 0 {
		t.Errorf("left %v, known %v", b.world.things, b.made())
	}
}

// claiming is a world whose Apply says that the thing was there before.
type claiming struct{ *world }

func (c claiming) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	obs, err := c.world.Apply(ctx, in, r)
	obs.Found = true
	return obs, err
}

// TestFoundIsNotMade: what Apply found is nobody's to roll back, unless it
// hangs on something that the job made: then a lost answer explains it.
func TestFoundIsNotMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"))
	if err := b.runWith(t.Context(), job, claiming{b.world}); err != nil {
		t.Fatal(err)
	}
	if got := b.made(); !maps.Equal(got, map[string]string{"a": ""}) {
		t.Errorf("made by %v", got)
	}
	b = newBench(t)
	b.world.lost["a"] = true // made by the job, as a look after the lost answer tells
	job = b.queue(model.OpProvision, item("a"), item("b", "a"))
	if err := b.runWith(t.Context(), job, claiming{b.world}); err != nil {
		t.Fatal(err)
	}
	if got := b.made(); !maps.Equal(got, map[string]string{"a": job.ID, "b": job.ID}) {
		t.Errorf("made by %v", got)
	}
}
