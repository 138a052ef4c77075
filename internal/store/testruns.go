package store

import (
	"context"
	"strconv"

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

// TestRuns lists those of a backend's runs that are selected, newest first unless it says otherwise.
func (q *Queries) TestRuns(ctx context.Context, backendID string, s model.Selection) ([]model.TestRun, error) {
	if err := q.goesOn(ctx, `test_runs`, backendID, s.After); err != nil {
		return nil, err
	}
	c := &condition{}
	c.add(`backend_id = ?`, backendID)
	if s.State != "" {
		c.add(`passed = ?`, s.State == "true")
	}
	if s.What != "" {
		c.add(`name = ?`, s.What)
	}
	if s.After != "" {
		c.add(`(at, id) `+beyond(!s.OldestFirst)+` (SELECT at, id FROM test_runs WHERE id = ?)`, s.After)
	}
	return collect(q.rows(ctx, "list test runs", `SELECT `+testRunColumns+` FROM test_runs WHERE `+c.where()+
		orderBy(`at`, `id`, !s.OldestFirst)+` LIMIT `+strconv.Itoa(s.Limit), c.args...), scanTestRun)
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

// NewestTestRuns returns the newest run of each of the backends, by backend,
// without what the app answered: lists show how a run ended.
func (q *Queries) NewestTestRuns(ctx context.Context, backendIDs []string) (map[string]model.TestRun, error) {
	c := &condition{}
	c.in(`id`, backendIDs)
	return pairs(q.rows(ctx, "list newest test runs",
		`SELECT id, backend_id, name, method, url, passed, reason, status, proto, millis, actor, at
		 FROM test_runs WHERE id IN (
			SELECT (SELECT t.id FROM test_runs t WHERE t.backend_id = backends.id ORDER BY t.at DESC, t.id DESC LIMIT 1)
			FROM backends WHERE `+c.where()+`)`, c.args...),
		func(s scanner, k *string, v *model.TestRun) error {
			err := s.Scan(&v.ID, &v.BackendID, &v.Name, &v.Method, &v.URL, &v.Passed, &v.Reason, &v.Status, &v.Proto, &v.Millis,
				&v.Actor, millis{&v.At})
			*k = v.BackendID
			return err
		})
}
