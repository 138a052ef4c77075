package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// BackendSummary is one row of the list of backends.
type BackendSummary struct {
	model.Backend
	EnvironmentName string         `json:"environment_name"`
	LastRun         *model.TestRun `json:"last_test,omitempty"`
	ActiveJob       *model.Job     `json:"active_job,omitempty"`
	QueuePosition   int            `json:"queue_position,omitempty"` // of a queued job, from 1
	StepsDone       int            `json:"steps_done,omitempty"`     // of the active job
	StepsAll        int            `json:"steps_all,omitempty"`
	Sandbox         *model.Sandbox `json:"sandbox,omitempty"` // nil for a backend without an end
}

// BackendFilter narrows Backends. Empty fields narrow nothing.
type BackendFilter struct {
	TeamID        string // of one team only; one that the actor does not see has none
	Destroyed     bool   // include destroyed ones
	Name          string // part of the name
	Phase         model.Phase
	EnvironmentID string
	BatchID       string
	Sort          string // created_at or name, with - from the last to the first; "" = newest first
	After         string // id of the backend that the list goes on after
	Limit, Offset int    // 0 = all, from the first
}

func (f BackendFilter) teams(a model.Actor) []string {
	switch {
	case f.TeamID == "":
		return a.TeamIDs()
	case a.Sees(f.TeamID):
		return []string{f.TeamID}
	}
	return []string{}
}

func (f BackendFilter) query(a model.Actor) store.BackendQuery {
	return store.BackendQuery{
		TeamIDs: f.teams(a), IncludeDestroyed: f.Destroyed, Name: f.Name, Phase: f.Phase, EnvironmentID: f.EnvironmentID,
		BatchID: f.BatchID, Sort: f.Sort, After: f.After, Limit: f.Limit, Offset: f.Offset,
	}
}

// Backends lists the backends that the actor sees, newest first. viewer.
func (p *Panel) Backends(ctx context.Context, a model.Actor, f BackendFilter) ([]BackendSummary, error) {
	if err := member(a, SeeBackends); err != nil {
		return nil, err
	}
	if f.After != "" {
		if _, err := p.backend(ctx, a, SeeBackends, f.After); err != nil {
			return nil, err
		}
	}
	return p.listed(ctx, f.query(a))
}

// listed is what lists show of the backends that the query finds, whoever asks.
func (p *Panel) listed(ctx context.Context, query store.BackendQuery) ([]BackendSummary, error) {
	versions, err := p.Store.Read().BackendVersions(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := p.recall(ctx, versions)
	if err != nil {
		return nil, err
	}
	envs, err := p.environmentsByID(ctx)
	if err != nil {
		return nil, err
	}
	return p.summaries(ctx, rows, envs)
}

// CountBackends counts the backends that the actor sees, by phase. viewer.
func (p *Panel) CountBackends(ctx context.Context, a model.Actor, f BackendFilter) (map[model.Phase]int, error) {
	if err := member(a, SeeBackends); err != nil {
		return nil, err
	}
	return p.Store.Read().CountBackends(ctx, f.query(a))
}

func (p *Panel) environmentsByID(ctx context.Context) (map[string]model.Environment, error) {
	envs, err := p.Store.Read().Environments(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]model.Environment, len(envs))
	for _, e := range envs {
		byID[e.ID] = e
	}
	return byID, nil
}

// summaries are what lists show of backends, with as many queries for a hundred
// as for one.
func (p *Panel) summaries(ctx context.Context, rows []remembered, envs map[string]model.Environment) ([]BackendSummary, error) {
	list := make([]BackendSummary, len(rows))
	var jobIDs []string
	for i, r := range rows {
		list[i] = BackendSummary{Backend: r.backend, EnvironmentName: envs[r.backend.EnvironmentID].Name, LastRun: r.lastRun, Sandbox: r.sandbox}
		if r.backend.ActiveJobID != "" {
			jobIDs = append(jobIDs, r.backend.ActiveJobID)
		}
	}
	if len(jobIDs) == 0 {
		return list, nil
	}
	return list, p.addJobs(ctx, list, jobIDs)
}

// addJobs adds the active jobs, how far they are, and their places in the queue.
func (p *Panel) addJobs(ctx context.Context, list []BackendSummary, ids []string) error {
	q := p.Store.Read()
	jobs, err := q.JobsByID(ctx, ids)
	if err != nil {
		return err
	}
	steps, err := q.StepCounts(ctx, ids)
	if err != nil {
		return err
	}
	queue, err := q.QueuePositions(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		if job, ok := jobs[s.ActiveJobID]; ok {
			s.ActiveJob = &job
			s.QueuePosition = queue[job.ID]
			s.StepsDone, s.StepsAll = steps[job.ID].Done, steps[job.ID].All
		}
	}
	return nil
}
