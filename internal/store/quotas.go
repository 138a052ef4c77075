package store

import (
	"context"

	"drawbridge/internal/model"
)

// LockTeam keeps other transactions from counting what the team has until this
// one ends, so that two at once cannot both take what is left. It precedes all
// other locks of the transaction.
func (q *Queries) LockTeam(ctx context.Context, teamID string) (*model.Team, error) {
	if q.tx == nil {
		return nil, errNoTx
	}
	lock := ""
	if q.store.dialect == PostgreSQL {
		lock = " FOR NO KEY UPDATE" // rows that refer to the team may still be inserted
	}
	t, err := scanTeam(q.row(ctx, "lock team", `SELECT `+teamColumns+` FROM teams WHERE id = $1`+lock, teamID))
	return found(t, err, "team", teamID)
}

// QuotaUsed counts what the team has; see model.QuotaUse.
func (q *Queries) QuotaUsed(ctx context.Context, teamID string) (model.Quota, error) {
	var used model.Quota
	row := q.row(ctx, "count what a team has",
		`SELECT COUNT(*), CAST(COALESCE(SUM(
			CASE WHEN phase <> 'registered' AND spec->>'source' = 'launch'
			THEN CAST(COALESCE(spec->'launch'->>'count', '0') AS bigint) ELSE 0 END), 0) AS bigint)
		 FROM backends WHERE team_id = $1 AND phase <> 'destroyed'`, teamID)
	err := row.Scan(&used.Backends, &used.Instances)
	return used, err
}

// byDefault stands for "the installation's default" in a column.
const byDefault = -1

// QuotaLimits returns a team's own limits.
func (q *Queries) QuotaLimits(ctx context.Context, teamID string) (model.QuotaLimits, error) {
	backends, instances := byDefault, byDefault
	row := q.row(ctx, "read quota",
		`SELECT COALESCE(MAX(max_backends), -1), COALESCE(MAX(max_instances), -1) FROM team_quotas WHERE team_id = $1`, teamID)
	err := row.Scan(&backends, &instances)
	return model.QuotaLimits{Backends: limitOf(backends), Instances: limitOf(instances)}, err
}

func limitOf(n int) *int {
	if n == byDefault {
		return nil
	}
	return &n
}

// SetQuotaLimits sets a team's own limits.
func (q *Queries) SetQuotaLimits(ctx context.Context, teamID string, l model.QuotaLimits) error {
	none := byDefault
	if l.Backends == nil {
		l.Backends = &none
	}
	if l.Instances == nil {
		l.Instances = &none
	}
	_, err := q.exec(ctx, "set quota",
		`INSERT INTO team_quotas (team_id, max_backends, max_instances) VALUES ($1, $2, $3)
		 ON CONFLICT (team_id) DO UPDATE SET max_backends = excluded.max_backends, max_instances = excluded.max_instances`,
		teamID, *l.Backends, *l.Instances)
	return err
}
