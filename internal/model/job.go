package model

import (
	"errors"
	"time"
)

// Operation is what a job does.
type Operation string

const (
	OpProvision Operation = "provision"
	OpUpdate    Operation = "update" // brings the chain in line with a changed spec
	OpSleep     Operation = "sleep"  // targets deregistered, instances stopped; all else stays
	OpWake      Operation = "wake"
	OpDestroy   Operation = "destroy"
	OpRollBack  Operation = "roll_back" // deletes what one job made; see Job.Undoes
	OpCleanUp   Operation = "clean_up"  // deletes what nothing accounts for; the backend stays as it is
)

// JobState is a job's place in its life.
//
//	queued -> running -> succeeded | failed | cancelled
//	running -> waiting -> running   (between tries, or while the server is stopped)
//	failed | cancelled -> queued    (retry goes on from the failed step)
type JobState string

const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobWaiting   JobState = "waiting"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Ended tells whether nothing runs any more.
func (s JobState) Ended() bool {
	return s == JobSucceeded || s == JobFailed || s == JobCancelled
}

// Job is a tracked run of one operation on one backend.
type Job struct {
	ID        string    `json:"id"`
	BackendID string    `json:"backend_id"`
	TeamID    string    `json:"team_id"`
	Operation Operation `json:"operation"`
	State     JobState  `json:"state"`
	Why       string    `json:"why,omitempty"` // why it is queued or waiting, or from whom it was taken over, in words
	Plan      *Plan     `json:"plan,omitempty"`
	Problem   *Problem  `json:"problem,omitempty"` // why it failed
	Actor     string    `json:"actor"`             // who asked, by name
	Undoes    string    `json:"undoes,omitempty"`  // the job that this one rolls back
	// RollBackBy asked that the job be rolled back as soon as it has ended: the
	// roll back is queued in the transaction in which it ends.
	RollBackBy        string    `json:"roll_back_by,omitempty"`
	Attempt           int       `json:"attempt"` // claims so far
	CancelRequestedAt time.Time `json:"cancel_requested_at,omitzero"`
	RunAfter          time.Time `json:"run_after,omitzero"`
	CreatedAt         time.Time `json:"created_at"`
	StartedAt         time.Time `json:"started_at,omitzero"`
	FinishedAt        time.Time `json:"finished_at,omitzero"`
	// Failures is how many tries in a row ended in an error that a new try may mend.
	Failures int `json:"-"`
	// Lease fields; see package jobs.
	LeaseHolder  string    `json:"-"`
	LeaseTerm    int64     `json:"-"`
	LeaseExpires time.Time `json:"-"` // of a waiting job: when it began to wait
}

// Lease proves that its bearer holds a job. Every write for the job carries
// it; the store refuses a lease whose term is not the row's.
type Lease struct {
	JobID  string
	Holder string
	Term   int64
}

// JobCount is how many jobs of an operation are in a state.
type JobCount struct {
	Operation Operation
	State     JobState
	Jobs      int
}

// TakenOver tells whether the lease of the holder before this one had run out.
func (j *Job) TakenOver() bool { return j.State == JobRunning && j.Why != "" }

// Lease returns the job's lease as it was claimed.
func (j *Job) Lease() Lease { return Lease{JobID: j.ID, Holder: j.LeaseHolder, Term: j.LeaseTerm} }

// StepState is a step's place in its life:
//
//	pending -> started -> waiting -> done
//	started | waiting -> failed -> started (retry)
//	pending -> skipped
type StepState string

const (
	StepPending StepState = "pending"
	StepStarted StepState = "started" // an AWS call may have been sent
	StepWaiting StepState = "waiting" // carried out; AWS is not done yet
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped" // nothing to do
)

// Ended tells whether the step will not move again within this attempt.
func (s StepState) Ended() bool { return s == StepDone || s == StepFailed || s == StepSkipped }

// Action is what a plan item or a step does to its resource.
type Action string

const (
	ActionCreate  Action = "create"
	ActionUpdate  Action = "update"  // changed in place
	ActionReplace Action = "replace" // made anew; the old one is deleted when the new one does its work
	ActionDelete  Action = "delete"
	ActionLetGo   Action = "let_go" // not ours: it stays as it is, and the backend has nothing more to do with it
	ActionKeep    Action = "keep"   // exists already, as wanted
	ActionUse     Action = "use"    // referenced or shared: looked at, never touched
	ActionCheck   Action = "check"  // makes nothing: the request through the invoke URL
)

// Step is one action of a job on one resource. (JobID, Key) is its identity.
type Step struct {
	JobID      string       `json:"job_id"`
	Key        string       `json:"key"` // the resource's key
	Kind       ResourceKind `json:"kind"`
	Action     Action       `json:"action"`
	Title      string       `json:"title"`    // plain words: "Create the internal load balancer"
	Position   int          `json:"position"` // order in the plan, from 0
	State      StepState    `json:"state"`
	Why        string       `json:"why,omitempty"` // what it waits for, in words
	AWSID      string       `json:"aws_id,omitempty"`
	RequestIDs []string     `json:"request_ids,omitempty"` // of its AWS calls, oldest first
	Problem    *Problem     `json:"problem,omitempty"`
	Attempt    int          `json:"attempt"`
	StartedAt  time.Time    `json:"started_at,omitzero"`
	// WaitingSince is since when AWS is at work on it; ExpectedAt when it is
	// likely to be done, by what such waits took before.
	WaitingSince time.Time `json:"waiting_since,omitzero"`
	ExpectedAt   time.Time `json:"expected_at,omitzero"`
	FinishedAt   time.Time `json:"finished_at,omitzero"`
}

// Wait is how long AWS was at work on one step.
type Wait struct {
	Kind   ResourceKind
	Action Action
	Took   time.Duration
}

// Errors that end a run without blaming a step.
var (
	// ErrCancelled: the job's cancel was requested; nothing was written.
	ErrCancelled = errors.New("cancel was requested")
	// ErrLeaseLost: another holder has the job; nothing was written.
	ErrLeaseLost = errors.New("the lease on the job was lost")
)

// Outcome is how a run of a job ended, as the worker reports it to the store.
type Outcome struct {
	State   JobState      // succeeded, failed, cancelled; or waiting with Delay
	Delay   time.Duration // for waiting: until it may be claimed again
	Why     string        // for waiting: what for, in words
	Problem *Problem      // for failed
	Retry   bool          // for waiting: because this try ended in an error, which counts
}

// Record is all that a run of a job needs to know when it starts.
type Record struct {
	Job         *Job
	Backend     *Backend
	Environment *Environment
	Steps       []*Step              // in plan order; empty on the first run
	Resources   map[string]*Resource // of the backend, by key
}
