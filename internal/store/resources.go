package store

import (
	"context"

	"drawbridge/internal/model"
)

const resourceColumns = `backend_id, key, kind, title, position, name, aws_id, outputs, ownership, state, detail, params, changing, needs,
	made_by, created_at, updated_at`

func scanResource(s scanner) (*model.Resource, error) {
	var r model.Resource
	err := s.Scan(&r.BackendID, &r.Key, &r.Kind, &r.Title, &r.Position, &r.Name, &r.AWSID, jsonColumn{&r.Outputs}, &r.Ownership, &r.State,
		&r.Detail, jsonColumn{&r.Params}, jsonColumn{&r.Changing}, jsonColumn{&r.Needs}, &r.MadeBy, millis{&r.CreatedAt}, millis{&r.UpdatedAt})
	return &r, err
}

// UpsertResource saves a resource as it is now. Only an absent creation time
// is filled in: one that is given replaces the stored one, because a resource
// that was made anew is told from its forerunner by it.
func (q *Queries) UpsertResource(ctx context.Context, r *model.Resource) error {
	_, err := q.writeResource(ctx, r)
	return err
}

// writeResource is UpsertResource, and tells whether anything was new: a row
// that says the same already is left as it is, with its time of change.
func (q *Queries) writeResource(ctx context.Context, r *model.Resource) (changed bool, err error) {
	texts, err := jsonArgs(r.Outputs, r.Params, r.Changing, r.Needs)
	if err != nil {
		return false, err
	}
	now := q.now()
	if r.CreatedAt.IsZero() {
		r.CreatedAt = now
	}
	n, err := q.exec(ctx, "write resource",
		`INSERT INTO resources (`+resourceColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		 ON CONFLICT (backend_id, key) DO UPDATE SET kind = excluded.kind, title = excluded.title,
			position = excluded.position, name = excluded.name,
			aws_id = excluded.aws_id, outputs = excluded.outputs, ownership = excluded.ownership,
			state = excluded.state, detail = excluded.detail, params = excluded.params, changing = excluded.changing, needs = excluded.needs,
			made_by = excluded.made_by, created_at = excluded.created_at, updated_at = excluded.updated_at
		 WHERE (resources.kind, resources.title, resources.position, resources.name, resources.aws_id, resources.outputs,
				resources.ownership, resources.state, resources.detail, resources.params, resources.changing, resources.needs,
				resources.made_by, resources.created_at)
			<> (excluded.kind, excluded.title, excluded.position, excluded.name, excluded.aws_id, excluded.outputs,
				excluded.ownership, excluded.state, excluded.detail, excluded.params, excluded.changing, excluded.needs,
				excluded.made_by, excluded.created_at)`,
		r.BackendID, r.Key, r.Kind, r.Title, r.Position, r.Name, r.AWSID, texts[0], r.Ownership, r.State, r.Detail, texts[1], texts[2], texts[3],
		r.MadeBy, ms(r.CreatedAt), ms(now))
	if err == nil && n > 0 {
		r.UpdatedAt = now
	}
	return n > 0, err
}

// RecordResource saves a resource with the event that tells of it, outside of
// a job's steps. The backend's row must be locked.
func (q *Queries) RecordResource(ctx context.Context, r *model.Resource) error {
	changed, err := q.writeResource(ctx, r)
	if err != nil || !changed {
		return err
	}
	return q.append(ctx, &model.Event{BackendID: r.BackendID, Type: model.EventResource, Key: r.Key}, r)
}

// Resources lists what a backend has or had, in the chain's order. What is gone stays
// listed, with that state.
func (q *Queries) Resources(ctx context.Context, backendID string) ([]model.Resource, error) {
	return collect(q.rows(ctx, "list resources",
		`SELECT `+resourceColumns+` FROM resources WHERE backend_id = $1 ORDER BY position, key`, backendID), scanResource)
}

// DeleteResource forgets a resource; an absent one is no error.
func (q *Queries) DeleteResource(ctx context.Context, backendID, key string) error {
	_, err := q.exec(ctx, "delete resource", `DELETE FROM resources WHERE backend_id = $1 AND key = $2`, backendID, key)
	return err
}
