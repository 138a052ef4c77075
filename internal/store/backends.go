package store

import (
	"context"

	"drawbridge/internal/model"
)

const backendColumns = `id, team_id, environment_id, name, spec, spec_version, phase, invoke_url,
	active_job_id, event_seq, batch_id, created_at, updated_at`

func scanBackend(s scanner) (*model.Backend, error) {
	var b model.Backend
	err := s.Scan(&b.ID, &b.TeamID, &b.EnvironmentID, &b.Name, jsonColumn{&b.Spec}, &b.SpecVersion, &b.Phase,
		&b.InvokeURL, &b.ActiveJobID, &b.EventSeq, &b.BatchID, millis{&b.CreatedAt}, millis{&b.UpdatedAt})
	return &b, err
}

// InsertBackend saves a new backend. An empty id or time is filled in. A name
// that the team uses already is a conflict.
func (q *Queries) InsertBackend(ctx context.Context, b *model.Backend) error {
	spec, err := jsonText(b.Spec)
	if err != nil {
		return err
	}
	q.fresh(&b.ID, model.PrefixBackend, &b.CreatedAt)
	b.UpdatedAt = b.CreatedAt
	_, err = q.exec(ctx, "insert backend",
		`INSERT INTO backends (`+backendColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		b.ID, b.TeamID, b.EnvironmentID, b.Name, spec, b.SpecVersion, b.Phase, b.InvokeURL,
		b.ActiveJobID, b.EventSeq, b.BatchID, ms(b.CreatedAt), ms(b.UpdatedAt))
	return nameTaken(err, b)
}

// UpdateBackend saves everything but the number of its newest event, which
// belongs to AppendEvent. Read the backend with BackendForUpdate before.
func (q *Queries) UpdateBackend(ctx context.Context, b *model.Backend) error {
	spec, err := jsonText(b.Spec)
	if err != nil {
		return err
	}
	b.UpdatedAt = q.now()
	n, err := q.exec(ctx, "update backend",
		`UPDATE backends SET name = $2, spec = $3, spec_version = $4, phase = $5, invoke_url = $6,
			active_job_id = $7, batch_id = $8, updated_at = $9
		 WHERE id = $1`,
		b.ID, b.Name, spec, b.SpecVersion, b.Phase, b.InvokeURL, b.ActiveJobID, b.BatchID, ms(b.UpdatedAt))
	if err == nil && n == 0 {
		return model.NotFound("backend", b.ID)
	}
	return nameTaken(err, b)
}

func nameTaken(err error, b *model.Backend) error {
	return taken(err, "Your team has a backend named %q already. Choose another name, or destroy that one first.", b.Name)
}

// BackendByID returns one backend.
func (q *Queries) BackendByID(ctx context.Context, id string) (*model.Backend, error) {
	b, err := scanBackend(q.row(ctx, "read backend", `SELECT `+backendColumns+` FROM backends WHERE id = $1`, id))
	return found(b, err, "backend", id)
}

// BackendForUpdate returns one backend and locks its row until the transaction
// ends. Whoever wants to change a backend, its jobs or its events begins here.
func (q *Queries) BackendForUpdate(ctx context.Context, id string) (*model.Backend, error) {
	if q.tx == nil {
		return nil, errNoTx
	}
	b, err := scanBackend(q.row(ctx, "lock backend",
		`SELECT `+backendColumns+` FROM backends WHERE id = $1`+q.forUpdate(), id))
	return found(b, err, "backend", id)
}
