package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// maxBatchBody is enough for a thousand registrations that bring a script each.
const maxBatchBody = 20 << 20

// BatchRequest is a list of registrations for one team.
type BatchRequest struct {
	TeamID    string         `json:"team_id,omitempty" doc:"The team that will own them; the token's team when left out." example:"team_h6c2v4yjq7sblm3d"`
	Backends  []BatchBackend `json:"backends" nullable:"false" doc:"The registrations, 1,000 at most."`
	Provision bool           `json:"provision,omitempty" doc:"Queue their provisioning with the same call."`
	DryRun    bool           `json:"dry_run,omitempty" doc:"Only say what would be done with each."`
}

// BatchBackend is one registration of a batch.
type BatchBackend struct {
	Name          string `json:"name" doc:"1 to 20 lower-case letters, digits and single hyphens." example:"orders-api"`
	EnvironmentID string `json:"environment_id,omitempty" doc:"Where to provision it, by id or name; may be left out while there is only one environment." example:"env_w5tq3nz7kd2m4xja"`
	Spec          Spec   `json:"spec" doc:"What is asked for."`
}

// Batch tells what was done, or would be.
type Batch struct {
	ID        string      `json:"id,omitempty" doc:"Lists its backends with batch_id; absent for a dry run and when nothing was left to do." example:"bat_m3qzt6wdxk4n2hva"`
	DryRun    bool        `json:"dry_run" doc:"Nothing was written."`
	New       int         `json:"new" doc:"How many are registered." example:"28"`
	Unchanged int         `json:"unchanged" doc:"How many exist as they are asked for." example:"2"`
	Conflict  int         `json:"conflict" doc:"How many names belong to backends with other settings." example:"0"`
	Invalid   int         `json:"invalid" doc:"How many are refused." example:"0"`
	Queued    int         `json:"queued" doc:"How many jobs are queued." example:"28"`
	Items     []BatchItem `json:"items" nullable:"false" doc:"One item for each registration, in their order."`
}

// BatchItem tells of one registration.
type BatchItem struct {
	Name      string       `json:"name" doc:"The backend's name." example:"orders-api"`
	Outcome   string       `json:"outcome" enum:"new,unchanged,conflict,invalid" doc:"What is done with it."`
	Provision bool         `json:"provision" doc:"Its provisioning is queued."`
	BackendID string       `json:"backend_id,omitempty" doc:"The backend, when there is one." example:"be_k3x7q2mfd5wa4nzp"`
	JobID     string       `json:"job_id,omitempty" doc:"The job that was queued." example:"job_4q7hmk2xv6pzd3wa"`
	Errors    []FieldError `json:"errors,omitempty" doc:"Why it is refused, or what differs."`
}

type batchInput struct {
	BodyRead
	Body BatchRequest
}

func (a *API) registerBatches(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "register-backends", Method: http.MethodPost, Path: "/backends:batch", Tags: []string{"Backends"}, MaxBodyBytes: maxBatchBody,
		Summary: "Register many backends",
		Description: "Registers all of them in one transaction, or none. Sending the same list again changes nothing: " +
			"same name and same spec is unchanged, same name and another spec is a conflict that says what differs.",
	}, a.registerBatch)
}

func (a *API) registerBatch(ctx context.Context, actor model.Actor, in *batchInput) (*output[Batch], error) {
	batch := panel.Batch{TeamID: in.Body.TeamID, Provision: in.Body.Provision, DryRun: in.Body.DryRun}
	for _, b := range in.Body.Backends {
		batch.Items = append(batch.Items, panel.BatchItem{EnvironmentID: b.EnvironmentID, Name: b.Name, Spec: b.Spec.model()})
	}
	result, err := a.panel.RegisterBatch(ctx, actor, batch)
	return one(result, err, batchOf)
}

func batchOf(r *panel.BatchResult) Batch {
	return Batch{
		ID: r.ID, DryRun: r.DryRun, Queued: r.Queued(), New: r.Count(panel.OutcomeNew), Unchanged: r.Count(panel.OutcomeUnchanged),
		Conflict: r.Count(panel.OutcomeConflict), Invalid: r.Count(panel.OutcomeInvalid), Items: listOf(r.Rows, batchItemOf).Items,
	}
}

func batchItemOf(r *panel.BatchRow) BatchItem {
	item := BatchItem{Name: r.Name, Outcome: string(r.Outcome), Provision: r.Provision}
	if r.Backend != nil {
		item.BackendID = r.Backend.ID
	}
	if r.Job != nil {
		item.JobID = r.Job.ID
	}
	for _, f := range r.Fields {
		item.Errors = append(item.Errors, FieldError{Location: f.Path, Message: f.Message})
	}
	return item
}
