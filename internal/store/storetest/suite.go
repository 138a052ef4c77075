package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Open opens an empty store of its own for a test and closes it when the test
// ends. The suite leaves the DSN to it.
type Open func(t *testing.T, o store.Options) *store.Store

// Run runs the conformance suite on the kind of database that open opens.
func Run(t *testing.T, open Open) {
	tests := map[string]func(*testing.T, Open){
		"people and tokens":          testPeople,
		"sign-in links":              testSignInLinks,
		"users":                      testUsers,
		"members":                    testMembers,
		"invitations":                testInvitations,
		"trusts":                     testTrusts,
		"sandboxes":                  testSandboxes,
		"sandbox templates":          testSandboxTemplates,
		"user sessions":              testUserSessions,
		"tries to sign in":           testTries,
		"sessions":                   testSessions,
		"environments":               testEnvironments,
		"what is paid for":           testSpends,
		"what ended":                 testEndings,
		"sleep":                      testNaps,
		"schedules":                  testSchedules,
		"budgets":                    testBudgets,
		"backends":                   testBackends,
		"backend names":              testBackendNames,
		"backend filters":            testBackendFilters,
		"backend rows of lists":      testBackendLists,
		"resources":                  testResources,
		"jobs and steps":             testJobRows,
		"step times":                 testStepSeconds,
		"test runs":                  testTestRuns,
		"odd texts":                  testOddTexts,
		"install id":                 testInstallID,
		"absent rows":                testAbsent,
		"idempotency keys":           testKeys,
		"idempotency keys and time":  testKeysInTime,
		"transactions":               testTransactions,
		"closed database":            testClosed,
		"event numbers":              testEventNumbers,
		"event list":                 testEventList,
		"events wake after commit":   testOnEvent,
		"claimed once":               testClaimedOnce,
		"claim order":                testClaimOrder,
		"taken over":                 testTakenOver,
		"released":                   testReleased,
		"finished":                   testFinished,
		"failures are counted":       testFailures,
		"retried":                    testRetried,
		"cancel before the run":      testCancelQueued,
		"cancel during the run":      testCancelRunning,
		"cancel meets a wait":        testCancelWaiting,
		"roll back follows":          testRollBackFollows,
		"planned late":               testPlanJob,
		"journal":                    testJournal,
		"journal is quiet":           testJournalQuiet,
		"journal and the invoke URL": testInvokeURL,
		"nobody waits in a circle":   testLockOrder,
		"notices":                    testNotices,
		"notices of jobs":            testNoticesOfJobs,
		"old notices":                testPruneNotices,
		"webhooks":                   testWebhooks,
		"deliveries claimed once":    testClaimDeliveries,
		"deliveries and time":        testDeliveriesInTime,
		"deliveries that fail":       testDeliveriesFail,
		"deliveries taken over":      testDeliveriesTakenOver,
		"webhooks given up":          testGivenUp,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// world is a store with one team and one environment.
type world struct {
	*store.Store
	t    *testing.T
	team *model.Team
	env  *model.Environment
}

func newWorld(t *testing.T, open Open) *world {
	t.Helper()
	return worldOf(t, open(t, store.Options{}))
}

func worldOf(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := &world{Store: s, t: t, team: &model.Team{Name: "default"}, env: &model.Environment{
		Name: "simulated", Region: "ap-northeast-1", VPCID: "vpc-0a1b2c3d4e5f67890",
		SubnetIDs: []string{"subnet-0a", "subnet-0c"}, Credentials: model.CredentialsLocal,
	}}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertTeam(t.Context(), w.team), q.UpsertEnvironment(t.Context(), w.env))
	})
	return w
}

// tx runs fn in a transaction that must succeed.
func (w *world) tx(fn func(q *store.Queries) error) {
	w.t.Helper()
	must(w.t, w.InTx(w.t.Context(), fn))
}

// backend makes a registered backend.
func (w *world) backend(name string) *model.Backend {
	w.t.Helper()
	b := &model.Backend{TeamID: w.team.ID, EnvironmentID: w.env.ID, Name: name, SpecVersion: 1,
		Spec: model.Spec{Port: 8000}.WithDefaults(), Phase: model.PhaseRegistered}
	w.tx(func(q *store.Queries) error { return q.InsertBackend(w.t.Context(), b) })
	return b
}

// job queues a job that holds the backend, as the panel does.
func (w *world) job(b *model.Backend, op model.Operation) *model.Job {
	w.t.Helper()
	ctx := w.t.Context()
	j := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: op, Actor: "ada",
		Plan: &model.Plan{BackendID: b.ID, Operation: op, Items: []model.PlanItem{{Key: "alb"}}}}
	w.tx(func(q *store.Queries) error {
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		b.ActiveJobID, b.Phase = j.ID, model.PhaseAfter(op, model.JobQueued, model.Holdings{})
		return q.UpdateBackend(ctx, b)
	})
	return j
}

// queued makes n backends with a queued job each.
func (w *world) queued(n int) []*model.Job {
	w.t.Helper()
	jobs := make([]*model.Job, n)
	for i := range jobs {
		jobs[i] = w.job(w.backend(fmt.Sprintf("app-%d", i)), model.OpProvision)
	}
	return jobs
}

// claim claims a job, which must be there.
func (w *world) claim(holder string, lease time.Duration) *model.Job {
	w.t.Helper()
	j, err := w.ClaimJob(w.t.Context(), holder, lease)
	must(w.t, err)
	if j == nil {
		w.t.Fatal("no job to claim")
	}
	return j
}

// none checks that there is nothing to claim.
func (w *world) none() {
	w.t.Helper()
	j, err := w.ClaimJob(w.t.Context(), "nobody", time.Hour)
	must(w.t, err)
	if j != nil {
		w.t.Fatalf("claimed %s, which is %s", j.ID, j.State)
	}
}

// now returns the job and its backend as they are in the database.
func (w *world) now(jobID string) (*model.Job, *model.Backend) {
	w.t.Helper()
	j, err := w.Read().JobByID(w.t.Context(), jobID)
	must(w.t, err)
	b, err := w.Read().BackendByID(w.t.Context(), j.BackendID)
	must(w.t, err)
	return j, b
}

// events returns a backend's events as "type key".
func (w *world) events(backendID string) []string {
	w.t.Helper()
	list, err := w.Read().EventsAfter(w.t.Context(), backendID, 0, 10_000)
	must(w.t, err)
	said := make([]string, len(list))
	for i, e := range list {
		if e.Seq != int64(i+1) {
			w.t.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
		said[i] = string(e.Type)
		if e.Key != "" {
			said[i] += " " + e.Key
		}
	}
	return said
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code model.Code) {
	t.Helper()
	if err == nil || model.CodeOf(err) != code {
		t.Fatalf("error is %v, want code %s", err, code)
	}
}

func wantErr(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}
