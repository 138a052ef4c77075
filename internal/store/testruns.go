package store

import (
	"context"

	"drawbridge/internal/model"
)

const testRunColumns = `id, backend_id, name, method, url, passed, reason, status, proto, millis, headers, body,
	truncated, actor, at`

func scanTestRun(s scanner) (*model.TestRun, error) {
	var r model.TestRun
	err := s.Scan(&r.ID, &r.BackendID, &r.Name, &r.Method, &r.URL, &r.Passed, &r.Reason, &r.Status, &r.Proto,
		&r.Millis, jsonColumn{&r.Headers}, &r.Body, &r.Truncated, &r.Actor, millis{&r.At})
	return &r, err
}

// InsertTestRun saves a run. An empty id or time is filled in.
func (q *Queries) InsertTestRun(ctx context.Context, r *model.TestRun) error {
	headers, err := jsonText(r.Headers)
	if err != nil {
		return err
	}
	q.fresh(&r.ID, model.PrefixTestRun, &r.At)
	_, err = q.exec(ctx, "insert test run",
		`INSERT INTO test_runs (`+testRunColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		r.ID, r.BackendID, r.Name, r.Method, r.URL, r.Passed, r.Reason, r.Status, r.Proto, r.Millis, headers, r.Body,
		r.Truncated, r.Actor, ms(r.At))
	return err
}

// TestRuns lists a backend's runs, newest first, at most limit.
func (q *Queries) TestRuns(ctx context.Context, backendID string, limit int) ([]model.TestRun, error) {
	return collect(q.rows(ctx, "list test runs",
		`SELECT `+testRunColumns+` FROM test_runs WHERE backend_id = $1 ORDER BY at DESC, id DESC LIMIT $2`,
		backendID, limit), scanTestRun)
}

// LatestTestRuns lists the newest run of each test of a backend, by name.
func (q *Queries) LatestTestRuns(ctx context.Context, backendID string) ([]model.TestRun, error) {
	return collect(q.rows(ctx, "list newest test runs",
		`SELECT `+testRunColumns+` FROM (
			SELECT test_runs.*, ROW_NUMBER() OVER (PARTITION BY name ORDER BY at DESC, id DESC) AS age
			FROM test_runs WHERE backend_id = $1
		 ) AS runs WHERE age = 1 ORDER BY name`,
		backendID), scanTestRun)
}
