package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Job is a tracked run of one operation on one backend.
type Job struct {
	ID                string    `json:"id" doc:"Its id." example:"job_4q7hmk2xv6pzd3wa"`
	BackendID         string    `json:"backend_id" doc:"The backend that it works on." example:"be_k3x7q2mfd5wa4nzp"`
	TeamID            string    `json:"team_id" doc:"The team that owns the backend." example:"team_h6c2v4yjq7sblm3d"`
	Operation         string    `json:"operation" enum:"provision,update,sleep,wake,destroy,roll_back,clean_up" doc:"What it does."`
	State             string    `json:"state" enum:"queued,running,waiting,succeeded,failed,cancelled" doc:"Where it is in its life."`
	Why               string    `json:"why,omitempty" doc:"Why it is queued or waiting, in words."`
	Problem           *Problem  `json:"problem,omitempty" doc:"Why it failed."`
	Actor             string    `json:"actor" doc:"Who asked for it." example:"ci"`
	Undoes            string    `json:"undoes,omitempty" doc:"The job that this one rolls back." example:"job_w2n5xkq7m3zd4hpa"`
	RollBackBy        string    `json:"roll_back_by,omitempty" doc:"Who asked that it be rolled back as soon as it has ended." example:"ci"`
	Attempt           int       `json:"attempt" doc:"How often it was taken up." example:"1"`
	CancelRequestedAt time.Time `json:"cancel_requested_at,omitzero" doc:"When somebody asked to cancel it."`
	RunAfter          time.Time `json:"run_after,omitzero" doc:"It is not taken up before this."`
	CreatedAt         time.Time `json:"created_at" doc:"When it was queued."`
	StartedAt         time.Time `json:"started_at,omitzero" doc:"When it was first taken up."`
	FinishedAt        time.Time `json:"finished_at,omitzero" doc:"When it ended."`
}

// JobDetail is a job with its steps.
type JobDetail struct {
	Job
	BackendName  string             `json:"backend_name" doc:"The backend's name." example:"orders-api"`
	Steps        []Step             `json:"steps" nullable:"false" doc:"Its steps, in the plan's order."`
	Plan         *Plan              `json:"plan,omitempty" doc:"The plan that it applies, as it was when it was queued."`
	Typical      map[string]float64 `json:"typical,omitempty" doc:"Seconds that such steps took before, by kind and action."`
	Actions      JobActions         `json:"actions" doc:"What can be asked of it now."`
	ExpectedAt   time.Time          `json:"expected_at,omitzero" doc:"When it is likely to be done, by what such waits take in the environment and the turns that its calls wait for. Absent when nobody can say."`
	RolledBackBy string             `json:"rolled_back_by,omitempty" doc:"The newest job that rolls this one back, or did." example:"job_4q7hmk2xv6pzd3wa"`
}

// JobActions are what can be asked of a job by the token that asks.
type JobActions struct {
	Cancel   JobAction `json:"cancel" doc:"Stop it before its next change in AWS."`
	Retry    JobAction `json:"retry" doc:"Let it go on from where it stopped."`
	RollBack JobAction `json:"roll_back" doc:"Delete what it made."`
}

// JobAction tells whether something can be asked of a job.
type JobAction struct {
	Allowed   bool   `json:"allowed" doc:"It can be asked for now."`
	Why       string `json:"why,omitempty" doc:"Why it cannot."`
	Holder    string `json:"holder,omitempty" doc:"The job that stands in the way." example:"job_4q7hmk2xv6pzd3wa"`
	HolderURL string `json:"holder_url,omitempty" doc:"That job's address." example:"/api/v1/jobs/job_4q7hmk2xv6pzd3wa"`
}

func jobActionOf(a panel.JobAction) JobAction {
	out := JobAction{Allowed: a.Allowed, Why: a.Why, Holder: a.Holder}
	if a.Holder != "" {
		out.HolderURL = jobURL(a.Holder)
	}
	return out
}

// Step is one action of a job on one resource.
type Step struct {
	Key          string    `json:"key" doc:"The resource's place in the chain." example:"alb"`
	Kind         string    `json:"kind" doc:"The resource's kind, in AWS's words." example:"elbv2.load_balancer"`
	Action       string    `json:"action" enum:"create,update,replace,delete,let_go,keep,use,check" doc:"What is done."`
	Title        string    `json:"title" doc:"The same in plain words." example:"Create the internal load balancer"`
	Position     int       `json:"position" doc:"Its place in the plan, from 0." example:"4"`
	State        string    `json:"state" enum:"pending,started,waiting,done,failed,skipped" doc:"Where it is in its life."`
	Why          string    `json:"why,omitempty" doc:"What it waits for, in words."`
	AWSID        string    `json:"aws_id,omitempty" doc:"The resource's id or ARN."`
	RequestIDs   []string  `json:"request_ids,omitempty" doc:"AWS's request ids of its calls, oldest first."`
	Problem      *Problem  `json:"problem,omitempty" doc:"Why it failed."`
	Attempt      int       `json:"attempt" doc:"How often it was tried." example:"1"`
	StartedAt    time.Time `json:"started_at,omitzero" doc:"When it was started."`
	WaitingSince time.Time `json:"waiting_since,omitzero" doc:"Since when AWS is at work on it."`
	ExpectedAt   time.Time `json:"expected_at,omitzero" doc:"When AWS is likely to be done with it."`
	FinishedAt   time.Time `json:"finished_at,omitzero" doc:"When it ended."`
}

// Problem is a failure told to a person.
type Problem struct {
	Code      string `json:"code" doc:"AWS's error code, or Drawbridge's." example:"TooManyLoadBalancers"`
	Message   string `json:"message" doc:"What AWS said."`
	Service   string `json:"service,omitempty" doc:"The AWS service that was called." example:"Elastic Load Balancing v2"`
	Operation string `json:"operation,omitempty" doc:"The call." example:"CreateLoadBalancer"`
	Status    int    `json:"status,omitempty" doc:"The HTTP status of AWS's answer." example:"400"`
	RequestID string `json:"request_id,omitempty" doc:"AWS's request id."`
	Meaning   string `json:"meaning,omitempty" doc:"What it means."`
	Advice    string `json:"advice,omitempty" doc:"What helps."`
	Exists    string `json:"exists,omitempty" doc:"What had been made by then."`
	Help      string `json:"help,omitempty" doc:"Where a page of this server explains the code." example:"/help/errors#TooManyLoadBalancers"`
}

func problemOf(p *model.Problem) Problem {
	return Problem{
		Code: p.Code, Message: p.Message, Service: p.Service, Operation: p.Operation, Status: p.Status, RequestID: p.RequestID,
		Meaning: p.Meaning, Advice: p.Advice, Exists: p.Exists, Help: p.Help,
	}
}

func jobOf(j *model.Job) Job {
	return Job{
		ID: j.ID, BackendID: j.BackendID, TeamID: j.TeamID, Operation: string(j.Operation), State: string(j.State), Why: j.Why,
		Problem: optional(j.Problem, problemOf), Actor: j.Actor, Undoes: j.Undoes, RollBackBy: j.RollBackBy, Attempt: j.Attempt, CancelRequestedAt: j.CancelRequestedAt,
		RunAfter: j.RunAfter, CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt,
	}
}

func jobDetailOf(d *panel.JobDetail) JobDetail {
	return JobDetail{
		Job: jobOf(&d.Job), BackendName: d.Backend.Name, Steps: listOf(d.Steps, stepOf).Items,
		Plan: optional(d.Plan, planOf), Typical: d.Typical, ExpectedAt: d.ExpectedAt(d.AsOf),
		Actions: JobActions{
			Cancel: jobActionOf(d.Actions.Cancel), Retry: jobActionOf(d.Actions.Retry), RollBack: jobActionOf(d.Actions.RollBack),
		},
		RolledBackBy: d.RolledBackBy,
	}
}

func stepOf(s *model.Step) Step {
	return Step{
		Key: s.Key, Kind: string(s.Kind), Action: string(s.Action), Title: s.Title, Position: s.Position, State: string(s.State),
		Why: s.Why, AWSID: s.AWSID, RequestIDs: s.RequestIDs, Problem: optional(s.Problem, problemOf), Attempt: s.Attempt,
		StartedAt: s.StartedAt, WaitingSince: s.WaitingSince, ExpectedAt: s.ExpectedAt, FinishedAt: s.FinishedAt,
	}
}

func jobURL(id string) string { return Base + "/jobs/" + id }

type jobInput struct {
	ID string `path:"id" doc:"The job's id." example:"job_4q7hmk2xv6pzd3wa"`
}

func (a *API) registerJobs(h huma.API) {
	tags := []string{"Jobs"}
	route(a, h, huma.Operation{
		OperationID: "list-jobs", Method: http.MethodGet, Path: "/backends/{id}/jobs", Tags: tags,
		Summary: "List a backend's jobs", Description: "Newest first.",
	}, a.listJobs)
	route(a, h, huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/jobs/{id}", Tags: tags,
		Summary: "Get a job", Description: "With its steps and its plan.",
	}, a.getJob)
	route(a, h, huma.Operation{
		OperationID: "cancel-job", Method: http.MethodPost, Path: "/jobs/{id}/cancel", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Cancel a job", Description: "Asks it to stop before its next change in AWS. What exists by then stays until it is retried or destroyed.",
	}, func(ctx context.Context, actor model.Actor, in *waitJobInput) (*jobOutput, error) {
		job, err := a.panel.CancelJob(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "retry-job", Method: http.MethodPost, Path: "/jobs/{id}/retry", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Retry a job", Description: "Queues a failed or cancelled job again. It goes on from the step that failed.",
	}, func(ctx context.Context, actor model.Actor, in *waitJobInput) (*jobOutput, error) {
		job, err := a.panel.RetryJob(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "plan-roll-back", Method: http.MethodGet, Path: "/jobs/{id}/roll-back", Tags: tags,
		Summary: "Plan a roll back", Description: "Shows what rolling the job back would delete and keep. When it cannot be rolled back, the plan is blocked and a finding says why.",
	}, a.planRollBack)
	route(a, h, huma.Operation{
		OperationID: "roll-back-job", Method: http.MethodPost, Path: "/jobs/{id}/roll-back", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Roll a job back", Description: "Deletes what this provision made, and nothing else. The answer is the job that does so. A job that is at work this moment is cancelled first: the answer is that job, with roll_back_by set, and its rolled_back_by names the roll back once it has stopped.",
	}, func(ctx context.Context, actor model.Actor, in *waitJobInput) (*jobOutput, error) {
		job, err := a.panel.RollBack(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
}

type jobsInput struct {
	ID string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	ByTime
	Limit     int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor    string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before, with the same sort and filters."`
	State     string `query:"state" enum:"queued,running,waiting,succeeded,failed,cancelled" doc:"Only jobs in this state."`
	Operation string `query:"operation" maxLength:"32" doc:"Only jobs that do this." example:"provision"`
}

func (a *API) listJobs(ctx context.Context, actor model.Actor, in *jobsInput) (*listOutput[Job], error) {
	list, err := a.panel.Jobs(ctx, actor, in.ID, model.Selection{
		State: in.State, What: in.Operation, OldestFirst: in.Sort == "created_at", After: in.Cursor, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := more(list, in.Limit, func(j *model.Job) string { return j.ID })
	return &listOutput[Job]{List[Job]{listOf(list, jobOf).Items, next}}, nil
}

func (a *API) planRollBack(ctx context.Context, actor model.Actor, in *jobInput) (*output[Plan], error) {
	p, err := a.panel.RollBackPlan(ctx, actor, in.ID)
	return one(p, err, planOf)
}
