package store

import (
	"context"
	"strconv"
	"time"

	"drawbridge/internal/model"
)

// Spend is so many backends of one team that cost the same.
type Spend struct {
	TeamID, EnvironmentID string
	Region                string
	Phase                 model.Phase
	Source                model.SourceType
	InstanceType          string
	Instances             int
	RootGB                int // 0 where the image is not known
	Schedule              *model.Schedule
	Backends              int
}

// spends groups backends by what makes their price. A backend costs something
// from the moment when its first provision is queued until it is destroyed.
const spends = `SELECT b.team_id, b.environment_id, e.region, b.phase, COALESCE(b.spec->>'source', ''),
		COALESCE(b.spec->'launch'->>'instance_type', ''), CAST(COALESCE(b.spec->'launch'->>'count', '0') AS bigint),
		COALESCE(r.outputs->>'root_size', ''), COALESCE(b.spec->>'schedule', 'null'), COUNT(*)
	 FROM backends b JOIN environments e ON e.id = b.environment_id
	 LEFT JOIN resources r ON r.backend_id = b.id AND r.key = 'image'
	 WHERE b.phase NOT IN ('registered', 'destroyed')`

const spendsGrouped = ` GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9`

func scanSpend(s scanner) (*Spend, error) {
	var x Spend
	var root string
	err := s.Scan(&x.TeamID, &x.EnvironmentID, &x.Region, &x.Phase, &x.Source, &x.InstanceType, &x.Instances, &root, jsonColumn{&x.Schedule}, &x.Backends)
	x.RootGB, _ = strconv.Atoi(root) // what is not a number is not known
	return &x, err
}

// TeamSpends lists what a team has that costs something.
func (q *Queries) TeamSpends(ctx context.Context, teamID string) ([]Spend, error) {
	return collect(q.rows(ctx, "list what a team pays for", spends+` AND b.team_id = $1`+spendsGrouped, teamID), scanSpend)
}

// AllSpends lists what all teams have that costs something.
func (q *Queries) AllSpends(ctx context.Context) ([]Spend, error) {
	return collect(q.rows(ctx, "list what is paid for", spends+spendsGrouped), scanSpend)
}

// Ending is a backend that was destroyed.
type Ending struct {
	Region string
	Spec   model.Spec
	At     time.Time
}

// Endings lists the team's backends that a job destroyed since that moment and
// that had been provisioned before.
func (q *Queries) Endings(ctx context.Context, teamID string, since time.Time) ([]Ending, error) {
	return collect(q.rows(ctx, "list what ended",
		`SELECT e.region, b.spec, MAX(j.finished_at)
		 FROM jobs j JOIN backends b ON b.id = j.backend_id JOIN environments e ON e.id = b.environment_id
		 WHERE j.team_id = $1 AND j.operation = 'destroy' AND j.state = 'succeeded' AND j.finished_at >= $2 AND b.phase = 'destroyed'
			AND EXISTS (SELECT 1 FROM jobs p WHERE p.backend_id = b.id AND p.operation = 'provision')
		 GROUP BY b.id, e.region, b.spec`, teamID, ms(since)),
		func(s scanner) (*Ending, error) {
			var x Ending
			return &x, s.Scan(&x.Region, jsonColumn{&x.Spec}, millis{&x.At})
		})
}
