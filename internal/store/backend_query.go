package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/model"
)

// BackendQuery narrows lists of backends. Empty fields narrow nothing.
type BackendQuery struct {
	IDs              []string // nil = all, empty = none
	TeamIDs          []string // the same
	IncludeDestroyed bool
	Name             string // part of the name
	Names            []string
	Phase            model.Phase
	EnvironmentID    string
	BatchID          string
	Sort             string // created_at or name, with - from the last to the first; "" = -created_at
	After            string // id of the backend that the list goes on after
	Limit, Offset    int    // 0 = all, from the first
}

// condition collects parts of a WHERE and their arguments.
type condition struct {
	parts []string
	args  []any
}

// add appends a part in which ? stands for the argument.
func (c *condition) add(part string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, strings.ReplaceAll(part, "?", "$"+strconv.Itoa(len(c.args))))
}

// in appends "column IN (…)". The last value is repeated up to a power of two,
// so that a few prepared statements do for lists of all lengths.
func (c *condition) in(column string, values []string) {
	if len(values) == 0 {
		c.parts = append(c.parts, `1 = 0`)
		return
	}
	full := 1
	for full < len(values) {
		full *= 2
	}
	values = append(slices.Clip(values), slices.Repeat(values[len(values)-1:], full-len(values))...)
	c.parts = append(c.parts, column+` IN (`+placeholders(len(c.args)+1, len(values))+`)`)
	c.args = append(c.args, anys(values)...)
}

// where is all parts together.
func (c *condition) where() string { return strings.Join(c.parts, ` AND `) }

// likeEscaper makes a text literal within a LIKE pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// where is the query's condition and its arguments.
func (b BackendQuery) where() (string, []any) {
	c := &condition{parts: []string{`1 = 1`}}
	if !b.IncludeDestroyed && b.Phase != model.PhaseDestroyed {
		c.parts[0] = `phase <> 'destroyed'`
	}
	if b.IDs != nil {
		c.in(`id`, b.IDs)
	}
	if b.TeamIDs != nil {
		c.in(`team_id`, b.TeamIDs)
	}
	if b.Names != nil {
		c.in(`name`, b.Names)
	}
	if len(b.Name) > model.MaxBackendName { // part of no name; and SQLite refuses long patterns
		c.in(`name`, nil)
	} else if b.Name != "" {
		c.add(`name LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(strings.ToLower(b.Name))+"%")
	}
	for _, equal := range []struct{ column, value string }{
		{`phase`, string(b.Phase)}, {`environment_id`, b.EnvironmentID}, {`batch_id`, b.BatchID},
	} {
		if equal.value != "" {
			c.add(equal.column+` = ?`, equal.value)
		}
	}
	if b.After != "" {
		column, down := b.order()
		c.add(`(`+column+`, id) `+beyond(down)+` (SELECT `+column+`, id FROM backends WHERE id = ?)`, b.After)
	}
	return c.where(), c.args
}

// order is the column that the list is sorted by, and its direction.
func (b BackendQuery) order() (column string, down bool) {
	name, down := strings.CutPrefix(b.Sort, "-")
	if name == "name" {
		return `name`, down
	}
	return `created_at`, down || b.Sort == ""
}

// orderBy is the query's ORDER BY.
func (b BackendQuery) orderBy() string {
	column, down := b.order()
	return orderBy(column, `id`, down)
}

// orderBy sorts by a column, and by id where that is the same.
func orderBy(column, id string, down bool) string {
	if down {
		return ` ORDER BY ` + column + ` DESC, ` + id + ` DESC`
	}
	return ` ORDER BY ` + column + `, ` + id
}

// beyond compares with the last of a page what comes after it.
func beyond(down bool) string {
	if down {
		return `<`
	}
	return `>`
}

// goesOn refuses to go on after what the backend does not have.
func (q *Queries) goesOn(ctx context.Context, table, backendID, after string) error {
	if after == "" {
		return nil
	}
	var n int
	err := q.row(ctx, "find the page's beginning", `SELECT COUNT(*) FROM `+table+` WHERE backend_id = $1 AND id = $2`, backendID, after).Scan(&n)
	if err == nil && n == 0 {
		err = model.Errorf(model.CodeInvalid, "The cursor is not one of this list. Send next_cursor of the page before, or none for the first page.")
	}
	return err
}

// page is the query's LIMIT and OFFSET.
func (b BackendQuery) page() string {
	if b.Limit <= 0 {
		return ""
	}
	return ` LIMIT ` + strconv.Itoa(b.Limit) + ` OFFSET ` + strconv.Itoa(max(b.Offset, 0))
}

// Backends lists backends, newest first.
func (q *Queries) Backends(ctx context.Context, query BackendQuery) ([]model.Backend, error) {
	where, args := query.where()
	return collect(q.rows(ctx, "list backends",
		`SELECT `+backendColumns+` FROM backends WHERE `+where+query.orderBy()+query.page(), args...), scanBackend)
}

// BackendVersion tells one state of a backend, with what hangs on it, from any other.
type BackendVersion struct {
	ID        string
	EventSeq  int64
	UpdatedAt time.Time
}

// Of tells whether the backend is as it was read at this version.
func (v BackendVersion) Of(b *model.Backend) bool {
	return v.EventSeq == b.EventSeq && v.UpdatedAt.Equal(b.UpdatedAt)
}

// BackendVersions lists the versions of what Backends lists, in its order: a
// cheap look for what has changed.
func (q *Queries) BackendVersions(ctx context.Context, query BackendQuery) ([]BackendVersion, error) {
	where, args := query.where()
	return collect(q.rows(ctx, "list backend versions",
		`SELECT id, event_seq, updated_at FROM backends WHERE `+where+query.orderBy()+query.page(), args...),
		func(s scanner) (*BackendVersion, error) {
			var v BackendVersion
			err := s.Scan(&v.ID, &v.EventSeq, millis{&v.UpdatedAt})
			return &v, err
		})
}

// CountBackends counts backends by phase.
func (q *Queries) CountBackends(ctx context.Context, query BackendQuery) (map[model.Phase]int, error) {
	where, args := query.where()
	return pairs(q.rows(ctx, "count backends",
		`SELECT phase, COUNT(*) FROM backends WHERE `+where+` GROUP BY phase`, args...),
		func(s scanner, k *model.Phase, v *int) error { return s.Scan(k, v) })
}

// EventSeqs returns the number of the newest event of each backend: a cheap
// look for what has changed.
func (q *Queries) EventSeqs(ctx context.Context, query BackendQuery) (map[string]int64, error) {
	where, args := query.where()
	return pairs(q.rows(ctx, "list event numbers", `SELECT id, event_seq FROM backends WHERE `+where, args...),
		func(s scanner, k *string, v *int64) error { return s.Scan(k, v) })
}

// EventSeqsBefore returns the number of the newest event of each backend that
// was written before that moment; 0 where there is none.
func (q *Queries) EventSeqsBefore(ctx context.Context, query BackendQuery, at time.Time) (map[string]int64, error) {
	where, args := query.where()
	args = append(args, ms(at))
	return pairs(q.rows(ctx, "list event numbers of a moment",
		`SELECT id, COALESCE((SELECT seq FROM events WHERE backend_id = backends.id AND at < `+placeholders(len(args), 1)+` ORDER BY seq DESC LIMIT 1), 0)
		 FROM backends WHERE `+where, args...),
		func(s scanner, k *string, v *int64) error { return s.Scan(k, v) })
}

// JobsByID returns the jobs with the ids, by id.
func (q *Queries) JobsByID(ctx context.Context, ids []string) (map[string]model.Job, error) {
	c := &condition{}
	c.in(`id`, ids)
	return pairs(q.rows(ctx, "list jobs by id", `SELECT `+jobColumns+` FROM jobs WHERE `+c.parts[0], c.args...),
		func(s scanner, k *string, v *model.Job) error {
			j, err := scanJob(s)
			*k, *v = j.ID, *j
			return err
		})
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
			FROM backends WHERE `+c.parts[0]+`)`, c.args...),
		func(s scanner, k *string, v *model.TestRun) error {
			err := s.Scan(&v.ID, &v.BackendID, &v.Name, &v.Method, &v.URL, &v.Passed, &v.Reason, &v.Status, &v.Proto, &v.Millis,
				&v.Actor, millis{&v.At})
			*k = v.BackendID
			return err
		})
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
		 FROM job_steps WHERE `+c.parts[0]+` GROUP BY job_id`, c.args...),
		func(s scanner, k *string, v *StepCounts) error { return s.Scan(k, &v.Done, &v.All) })
}

// QueuePositions tells each queued job's place in the queue, from 1.
func (q *Queries) QueuePositions(ctx context.Context) (map[string]int, error) {
	return pairs(q.rows(ctx, "list the queue",
		`SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) FROM jobs WHERE state = 'queued'`),
		func(s scanner, k *string, v *int) error { return s.Scan(k, v) })
}

// pairs reads all rows into a map.
func pairs[K comparable, V any](r rows, scan func(scanner, *K, *V) error) (map[K]V, error) {
	m := map[K]V{}
	type pair struct{}
	_, err := collect(r, func(s scanner) (*pair, error) {
		var k K
		var v V
		err := scan(s, &k, &v)
		m[k] = v
		return &pair{}, err
	})
	return m, err
}
