package panel_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// jobIn is a bench with a job in some state, and what else has happened.
type jobIn struct {
	*bench
	back *model.Backend
	job  *model.Job
}

// start queues a job of the operation; a roll back undoes a failed provision.
func (j *jobIn) start(op model.Operation) *model.Job {
	j.t.Helper()
	var job *model.Job
	var err error
	switch op {
	case model.OpProvision:
		job, err = j.panel.Provision(j.t.Context(), developer, j.back.ID)
	case model.OpUpdate:
		j.moveTo(j.back, model.PhaseReady)
		var did *panel.Applied
		if did, err = j.panel.UpdateSpec(j.t.Context(), developer, j.back.ID, panel.SpecChange{Spec: model.Spec{Port: 9000 + j.back.SpecVersion}}); err == nil {
			job = did.Job
		}
	case model.OpSleep:
		j.moveTo(j.back, model.PhaseReady)
		job, err = j.panel.Sleep(j.t.Context(), developer, j.back.ID)
	case model.OpWake:
		j.moveTo(j.back, model.PhaseAsleep)
		job, err = j.panel.Wake(j.t.Context(), developer, j.back.ID)
	case model.OpDestroy:
		job, err = j.panel.Destroy(j.t.Context(), owner, j.back.ID)
	case model.OpRollBack:
		j.start(model.OpProvision)
		job, err = j.panel.RollBack(j.t.Context(), developer, j.end(model.JobFailed).ID)
	}
	if err != nil {
		j.t.Fatal(err)
	}
	return job
}

// madeBy records that the job made a resource, as the executor does.
func (j *jobIn) madeBy(job *model.Job, key string) {
	j.t.Helper()
	ctx := j.t.Context()
	err := j.store.InTx(ctx, func(q *store.Queries) error {
		return q.UpsertResource(ctx, &model.Resource{BackendID: j.back.ID, Key: key, State: model.ResourceReady,
			Ownership: model.OwnershipManaged, AWSID: "id-" + key, MadeBy: job.ID})
	})
	if err != nil {
		j.t.Fatal(err)
	}
}

func (j *jobIn) claim() {
	j.t.Helper()
	if _, err := j.store.ClaimJob(j.t.Context(), "test", time.Minute); err != nil {
		j.t.Fatal(err)
	}
}

// ended ends the queued job.
func ended(state model.JobState) func(*jobIn) {
	return func(j *jobIn) { j.end(state) }
}

// stopping is at work with its cancel asked for.
func stopping(j *jobIn) {
	j.claim()
	if _, err := j.panel.CancelJob(j.t.Context(), developer, j.job.ID); err != nil {
		j.t.Fatal(err)
	}
}

// thenAdopted gives the backend a resource when the job has failed.
func thenAdopted(j *jobIn) {
	j.end(model.JobFailed)
	j.madeBy(&model.Job{}, "vpc-link")
}

// then goes on with another job after the first has failed.
func then(op model.Operation, state model.JobState) func(*jobIn) {
	return func(j *jobIn) {
		j.end(model.JobFailed)
		later := j.start(op)
		if op == model.OpProvision && state != model.JobCancelled {
			j.madeBy(later, "alb")
		}
		if state != model.JobQueued {
			j.end(state)
		}
	}
}

func rolledBack(state model.JobState) func(*jobIn) {
	return func(j *jobIn) {
		j.madeBy(j.job, "alb-sg")
		j.end(model.JobFailed)
		if _, err := j.panel.RollBack(j.t.Context(), developer, j.job.ID); err != nil {
			j.t.Fatal(err)
		}
		if state != model.JobQueued {
			j.end(state)
		}
	}
}

const (
	yes      = ""
	endedYet = "has ended already"
	underWay = "still under way"
	wasGood  = "The job succeeded"
	held     = "Another job holds orders"
	newer    = "A newer job has changed orders"
	undoing  = "is being rolled back already"
	undone   = "was rolled back already"
	built    = "A later job has built upon"
	onlyMade = "Only what a provision made"
	unknown  = "has vpc-link by now, which this job does not know of"
)

// TestAskingAJob is the table of what can be asked of a job: each state of each
// operation, and what came after it. "" is allowed; anything else is part of the
// refusal, which the use case and the job's page and REST answer tell alike.
func TestAskingAJob(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name                    string
		op                      model.Operation
		reach                   func(*jobIn)
		cancel, retry, rollBack string
	}{
		{"queued provision", model.OpProvision, func(*jobIn) {}, yes, underWay, yes},
		{"running provision", model.OpProvision, (*jobIn).claim, yes, underWay, yes},
		{"provision that stops", model.OpProvision, stopping, yes, underWay, yes},
		{"waiting provision", model.OpProvision, ended(model.JobWaiting), yes, underWay, yes},
		{"done provision", model.OpProvision, ended(model.JobSucceeded), endedYet, wasGood, wasGood},
		{"failed provision", model.OpProvision, ended(model.JobFailed), endedYet, yes, yes},
		{"cancelled provision", model.OpProvision, ended(model.JobCancelled), endedYet, yes, yes},

		{"queued destroy", model.OpDestroy, func(*jobIn) {}, yes, underWay, onlyMade},
		{"running destroy", model.OpDestroy, (*jobIn).claim, yes, underWay, onlyMade},
		{"waiting destroy", model.OpDestroy, ended(model.JobWaiting), yes, underWay, onlyMade},
		{"done destroy", model.OpDestroy, ended(model.JobSucceeded), endedYet, wasGood, onlyMade},
		{"failed destroy", model.OpDestroy, ended(model.JobFailed), endedYet, yes, onlyMade},
		{"failed destroy, adopted since", model.OpDestroy, thenAdopted, endedYet, unknown, onlyMade},
		{"cancelled destroy", model.OpDestroy, ended(model.JobCancelled), endedYet, yes, onlyMade},

		{"queued update", model.OpUpdate, func(*jobIn) {}, yes, underWay, onlyMade},
		{"running update", model.OpUpdate, (*jobIn).claim, yes, underWay, onlyMade},
		{"done update", model.OpUpdate, ended(model.JobSucceeded), endedYet, wasGood, onlyMade},
		{"failed update", model.OpUpdate, ended(model.JobFailed), endedYet, yes, onlyMade},
		{"cancelled update", model.OpUpdate, ended(model.JobCancelled), endedYet, yes, onlyMade},
		{"failed, updated since", model.OpProvision, then(model.OpUpdate, model.JobSucceeded), endedYet, newer, built},

		{"queued sleep", model.OpSleep, func(*jobIn) {}, yes, underWay, onlyMade},
		{"running sleep", model.OpSleep, (*jobIn).claim, yes, underWay, onlyMade},
		{"done sleep", model.OpSleep, ended(model.JobSucceeded), endedYet, wasGood, onlyMade},
		{"failed sleep", model.OpSleep, ended(model.JobFailed), endedYet, yes, onlyMade},
		{"cancelled sleep", model.OpSleep, ended(model.JobCancelled), endedYet, yes, onlyMade},

		{"queued wake", model.OpWake, func(*jobIn) {}, yes, underWay, onlyMade},
		{"running wake", model.OpWake, (*jobIn).claim, yes, underWay, onlyMade},
		{"done wake", model.OpWake, ended(model.JobSucceeded), endedYet, wasGood, onlyMade},
		{"failed wake", model.OpWake, ended(model.JobFailed), endedYet, yes, onlyMade},
		{"cancelled wake", model.OpWake, ended(model.JobCancelled), endedYet, yes, onlyMade},

		{"queued roll back", model.OpRollBack, func(*jobIn) {}, yes, underWay, onlyMade},
		{"running roll back", model.OpRollBack, (*jobIn).claim, yes, underWay, onlyMade},
		{"waiting roll back", model.OpRollBack, ended(model.JobWaiting), yes, underWay, onlyMade},
		{"done roll back", model.OpRollBack, ended(model.JobSucceeded), endedYet, wasGood, onlyMade},
		{"failed roll back", model.OpRollBack, ended(model.JobFailed), endedYet, yes, onlyMade},
		{"cancelled roll back", model.OpRollBack, ended(model.JobCancelled), endedYet, yes, onlyMade},

		{"failed, being rolled back", model.OpProvision, rolledBack(model.JobQueued), endedYet, held, undoing},
		{"failed, rolled back", model.OpProvision, rolledBack(model.JobSucceeded), endedYet, newer, undone},
		{"failed, roll back failed", model.OpProvision, rolledBack(model.JobFailed), endedYet, newer, yes},
		{"failed, another at work", model.OpProvision, then(model.OpProvision, model.JobQueued), endedYet, held, held},
		{"failed, another succeeded", model.OpProvision, then(model.OpProvision, model.JobSucceeded), endedYet, newer, built},
		{"failed, another made more", model.OpProvision, then(model.OpProvision, model.JobFailed), endedYet, newer, built},
		{"failed, another made nothing", model.OpProvision, then(model.OpProvision, model.JobCancelled), endedYet, newer, yes},
		{"failed, destroy failed", model.OpProvision, then(model.OpDestroy, model.JobFailed), endedYet, newer, yes},
		{"failed, destroyed", model.OpProvision, then(model.OpDestroy, model.JobSucceeded), endedYet, newer, "was destroyed since"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for what, ask := range map[string]struct {
				want string
				call func(*panel.Panel, string) error
				told func(panel.JobActions) panel.JobAction
			}{
				"cancel": {row.cancel, func(p *panel.Panel, id string) error { _, err := p.CancelJob(t.Context(), owner, id); return err },
					func(a panel.JobActions) panel.JobAction { return a.Cancel }},
				"retry": {row.retry, func(p *panel.Panel, id string) error { _, err := p.RetryJob(t.Context(), owner, id); return err },
					func(a panel.JobActions) panel.JobAction { return a.Retry }},
				"roll back": {row.rollBack, func(p *panel.Panel, id string) error { _, err := p.RollBack(t.Context(), owner, id); return err },
					func(a panel.JobActions) panel.JobAction { return a.RollBack }},
			} {
				j := reached(t, row.op, row.reach)
				d, err := j.panel.Job(t.Context(), owner, j.job.ID)
				if err != nil {
					t.Fatal(err)
				}
				told := ask.told(d.Actions)
				if told.Allowed != (ask.want == yes) || !strings.Contains(told.Why, ask.want) {
					t.Errorf("%s: told %+v, want %q", what, told, ask.want)
				}
				err = ask.call(j.panel, j.job.ID)
				if ask.want == undoing && err == nil {
					continue // asking twice gives the job that is at it
				}
				checkRefusal(t, what, err, ask.want, told)
			}
		})
	}
}

func reached(t *testing.T, op model.Operation, reach func(*jobIn)) *jobIn {
	t.Helper()
	b := newBench(t)
	j := &jobIn{bench: b, back: b.register("orders")}
	j.job = j.start(op)
	reach(j)
	return j
}

// checkRefusal compares what a use case answered with what was told before.
func checkRefusal(t *testing.T, what string, err error, want string, told panel.JobAction) {
	t.Helper()
	if want == yes {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	var e *model.Error
	if !errors.As(err, &e) || e.Code != model.CodeConflict || e.Message != told.Why || e.Holder != told.Holder {
		t.Errorf("%s: %v, want a conflict that says %+v", what, err, told)
	}
}
