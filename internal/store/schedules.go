package store

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

// NewSchedules lists backends whose spec has a schedule that the table of
// transitions does not know yet, at most limit.
func (q *Queries) NewSchedules(ctx context.Context, limit int) ([]string, error) {
	return q.ids(ctx, "look for new schedules",
		`SELECT b.id FROM backends b LEFT JOIN schedules s ON s.backend_id = b.id
		 WHERE b.spec->>'schedule' IS NOT NULL AND b.phase <> 'destroyed' AND (s.backend_id IS NULL OR s.spec_version <> b.spec_version)
		 ORDER BY b.id LIMIT $1`, limit)
}

// DueSchedules lists the backends that are to be looked at by now, the longest
// due first, at most limit.
func (q *Queries) DueSchedules(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return q.ids(ctx, "look for due schedules",
		`SELECT backend_id FROM schedules WHERE look_at <= $1 ORDER BY look_at, backend_id LIMIT $2`, ms(now), limit)
}

func (q *Queries) ids(ctx context.Context, op, query string, args ...any) ([]string, error) {
	rows, err := collect(q.rows(ctx, op, query, args...), func(s scanner) (*string, error) {
		var id string
		return &id, s.Scan(&id)
	})
	return rows, err
}

// ScheduleOf returns a backend's row of the table of transitions, nil for none.
func (q *Queries) ScheduleOf(ctx context.Context, backendID string) (*model.Planned, error) {
	list, err := collect(q.rows(ctx, "read schedule",
		`SELECT backend_id, spec_version, next_at, action, look_at FROM schedules WHERE backend_id = $1`, backendID),
		func(s scanner) (*model.Planned, error) {
			var p model.Planned
			return &p, s.Scan(&p.BackendID, &p.SpecVersion, millis{&p.At}, &p.Operation, millis{&p.LookAt})
		})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// SaveSchedule saves a backend's row.
func (q *Queries) SaveSchedule(ctx context.Context, p *model.Planned) error {
	_, err := q.exec(ctx, "save schedule",
		`INSERT INTO schedules (backend_id, spec_version, next_at, action, look_at) VALUES ($1, $2, $3, $4, $5)
		 ON CONFLICT (backend_id) DO UPDATE SET spec_version = excluded.spec_version, next_at = excluded.next_at,
			action = excluded.action, look_at = excluded.look_at`,
		p.BackendID, p.SpecVersion, ms(p.At), string(p.Operation), ms(p.LookAt))
	return err
}

// DropSchedule removes a backend's row.
func (q *Queries) DropSchedule(ctx context.Context, backendID string) error {
	_, err := q.exec(ctx, "drop schedule", `DELETE FROM schedules WHERE backend_id = $1`, backendID)
	return err
}

// Nap is a piece of the history of a backend that sleeps at times: a job that
// ended, or none when nothing happened.
type Nap struct {
	BackendID    string
	Region       string
	InstanceType string
	Instances    int
	Phase        model.Phase
	Operation    model.Operation // "" for none
	Begun, Ended time.Time
}

// Naps lists what happened to those of the team's backends that slept since a
// moment, backend by backend, oldest first.
func (q *Queries) Naps(ctx context.Context, teamID string, since time.Time) ([]Nap, error) {
	return collect(q.rows(ctx, "list sleep",
		`SELECT b.id, e.region, COALESCE(b.spec->'launch'->>'instance_type', ''), CAST(COALESCE(b.spec->'launch'->>'count', '0') AS bigint),
			b.phase, COALESCE(j.operation, ''), COALESCE(j.started_at, 0), COALESCE(j.finished_at, 0)
		 FROM backends b JOIN environments e ON e.id = b.environment_id
		 LEFT JOIN jobs j ON j.backend_id = b.id AND j.state = 'succeeded' AND j.finished_at >= $2
			AND j.operation IN ('provision', 'update', 'sleep', 'wake', 'destroy')
		 WHERE b.team_id = $1 AND (b.phase = 'asleep' OR EXISTS (SELECT 1 FROM jobs s
			WHERE s.backend_id = b.id AND s.operation IN ('sleep', 'wake') AND s.state = 'succeeded' AND s.finished_at >= $2))
		 ORDER BY b.id, j.finished_at`, teamID, ms(since)),
		func(s scanner) (*Nap, error) {
			var n Nap
			return &n, s.Scan(&n.BackendID, &n.Region, &n.InstanceType, &n.Instances, &n.Phase, &n.Operation, millis{&n.Begun}, millis{&n.Ended})
		})
}
