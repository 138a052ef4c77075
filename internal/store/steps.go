package store

import (
	"context"
	"slices"
	"time"

	"drawbridge/internal/model"
)

const stepColumns = `job_id, key, kind, action, title, position, state, why, aws_id, request_ids, problem, attempt,
	started_at, waiting_since, expected_at, finished_at`

func scanStep(s scanner) (*model.Step, error) {
	var st model.Step
	err := s.Scan(&st.JobID, &st.Key, &st.Kind, &st.Action, &st.Title, &st.Position, &st.State, &st.Why, &st.AWSID,
		jsonColumn{&st.RequestIDs}, jsonColumn{&st.Problem}, &st.Attempt,
		millis{&st.StartedAt}, millis{&st.WaitingSince}, millis{&st.ExpectedAt}, millis{&st.FinishedAt})
	return &st, err
}

// UpsertStep saves a step as it is now.
func (q *Queries) UpsertStep(ctx context.Context, s *model.Step) error {
	texts, err := jsonArgs(s.RequestIDs, s.Problem)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "write step",
		`INSERT INTO job_steps (`+stepColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		 ON CONFLICT (job_id, key) DO UPDATE SET kind = excluded.kind, action = excluded.action,
			title = excluded.title, position = excluded.position, state = excluded.state, why = excluded.why,
			aws_id = excluded.aws_id, request_ids = excluded.request_ids, problem = excluded.problem,
			attempt = excluded.attempt, started_at = excluded.started_at, waiting_since = excluded.waiting_since,
			expected_at = excluded.expected_at, finished_at = excluded.finished_at`,
		s.JobID, s.Key, s.Kind, s.Action, s.Title, s.Position, s.State, s.Why, s.AWSID, texts[0], texts[1], s.Attempt,
		ms(s.StartedAt), ms(s.WaitingSince), ms(s.ExpectedAt), ms(s.FinishedAt))
	return err
}

// Steps lists a job's steps in plan order.
func (q *Queries) Steps(ctx context.Context, jobID string) ([]model.Step, error) {
	return collect(q.rows(ctx, "list steps",
		`SELECT `+stepColumns+` FROM job_steps WHERE job_id = $1 ORDER BY position, key`, jobID), scanStep)
}

// Waits returns how long AWS was at work on the newest steps of an
// environment's backends; see provision.Journal.
func (s *Store) Waits(ctx context.Context, environmentID string, limit int) ([]model.Wait, error) {
	return collect(s.Read().rows(ctx, "list waits",
		`SELECT kind, action, took FROM (
			SELECT kind, action, job_steps.finished_at AS ended, job_steps.finished_at - waiting_since AS took,
				ROW_NUMBER() OVER (PARTITION BY kind, action ORDER BY job_steps.finished_at DESC) AS age
			FROM job_steps JOIN jobs ON jobs.id = job_steps.job_id JOIN backends ON backends.id = jobs.backend_id
			WHERE job_steps.state = 'done' AND job_steps.attempt = 1 AND waiting_since > 0
				AND backends.environment_id = $1
		 ) AS newest WHERE age <= $2 ORDER BY ended`, environmentID, limit),
		func(s scanner) (*model.Wait, error) {
			var w model.Wait
			var took int64
			err := s.Scan(&w.Kind, &w.Action, &took)
			w.Took = time.Duration(took) * time.Millisecond
			return &w, err
		})
}

// typicalOf is how many of the newest steps tell how long such a step takes.
const typicalOf = 15

// StepSeconds returns how long steps took lately: the median of the newest
// done ones, by "kind action", of the teams' backends (nil = all).
func (q *Queries) StepSeconds(ctx context.Context, teamIDs []string) (map[string]float64, error) {
	where, args := BackendQuery{TeamIDs: teamIDs, IncludeDestroyed: true}.where()
	type took struct {
		key    string
		millis int64
	}
	list, err := collect(q.rows(ctx, "list step times",
		`SELECT kind, action, took FROM (
			SELECT kind, action, job_steps.finished_at - job_steps.started_at AS took,
				ROW_NUMBER() OVER (PARTITION BY kind, action ORDER BY job_steps.finished_at DESC) AS age
			FROM job_steps JOIN jobs ON jobs.id = job_steps.job_id
			WHERE job_steps.state = 'done' AND job_steps.started_at > 0
				AND jobs.backend_id IN (SELECT id FROM backends WHERE `+where+`)
		 ) AS newest WHERE age <= `+placeholders(len(args)+1, 1), append(args, typicalOf)...),
		func(s scanner) (*took, error) {
			var kind, action string
			var t took
			err := s.Scan(&kind, &action, &t.millis)
			t.key = kind + " " + action
			return &t, err
		})
	if err != nil {
		return nil, err
	}
	times := map[string][]int64{}
	for _, t := range list {
		times[t.key] = append(times[t.key], t.millis)
	}
	seconds := make(map[string]float64, len(times))
	for key, ms := range times {
		slices.Sort(ms)
		seconds[key] = (time.Duration(ms[len(ms)/2]) * time.Millisecond).Seconds()
	}
	return seconds, nil
}

// StepCounts tells how many steps a job has, and how many of them need
// nothing more.
type StepCounts struct{ Done, All int }

// StepCounts counts the steps of jobs, by job.
func (q *Queries) StepCounts(ctx context.Context, jobIDs []string) (map[string]StepCounts, error) {
	c := &condition{}
	c.in(`job_id`, jobIDs)
	return pairs(q.rows(ctx, "count steps",
		`SELECT job_id, SUM(CASE WHEN state IN ('done', 'skipped') THEN 1 ELSE 0 END), COUNT(*)
		 FROM job_steps WHERE `+c.where()+` GROUP BY job_id`, c.args...),
		func(s scanner, k *string, v *StepCounts) error { return s.Scan(k, &v.Done, &v.All) })
}
