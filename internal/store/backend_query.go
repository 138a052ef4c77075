package store

import (
	"context"
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
