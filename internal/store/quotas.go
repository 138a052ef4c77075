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

// QuotaUsed counts what the team has but for what it costs, and what of its sandboxes goes back to
// the person ("" for none); see model.QuotaUse.
func (q *Queries) QuotaUsed(ctx context.Context, teamID, person string) (model.Quota, error) {
	var used model.Quota
	row := q.row(ctx, "count what a team has",
		`SELECT COUNT(*), CAST(COALESCE(SUM(
			CASE WHEN phase <> 'registered' AND spec->>'source' = 'launch'
			THEN CAST(COALESCE(spec->'launch'->>'count', '0') AS bigint) ELSE 0 END), 0) AS bigint)
		 FROM backends WHERE team_id = $1 AND phase <> 'destroyed'`, teamID)
	if err := row.Scan(&used.Backends, &used.Instances); err != nil {
		return used, err
	}
	row = q.row(ctx, "count a team's sandboxes",
		`SELECT COUNT(*), COALESCE(SUM(CASE WHEN made_by = $2 AND made_by <> '' THEN 1 ELSE 0 END), 0)
		 FROM sandboxes WHERE team_id = $1 AND gone_at = 0`, teamID, person)
	err := row.Scan(&used.Sandboxes, &used.SandboxesEach)
	return used, err
}

// byDefault stands for "the installation's default" in a column.
const byDefault = -1

// QuotaLimits returns a team's own limits.
func (q *Queries) QuotaLimits(ctx context.Context, teamID string) (model.QuotaLimits, error) {
	backends, instances, sandboxes, each := byDefault, byDefault, byDefault, byDefault
	var monthly model.USD
	row := q.row(ctx, "read quota",
		`SELECT COALESCE(MAX(max_backends), -1), COALESCE(MAX(max_instances), -1), COALESCE(MAX(max_sandboxes), -1),
			COALESCE(MAX(max_sandboxes_each), -1), COALESCE(MAX(max_monthly_usd), -1) FROM team_quotas WHERE team_id = $1`, teamID)
	err := row.Scan(&backends, &instances, &sandboxes, &each, &monthly)
	return model.QuotaLimits{
		Backends: limitOf(backends), Instances: limitOf(instances), Sandboxes: limitOf(sandboxes), SandboxesEach: limitOf(each),
		MonthlyUSD: limitOf(monthly),
	}, err
}

func limitOf[N int | model.USD](n N) *N {
	if n == byDefault {
		return nil
	}
	return &n
}

// ofLimit is a limit as it is kept.
func ofLimit[N int | model.USD](n *N) N {
	if n == nil {
		return byDefault
	}
	return *n
}

// SetQuotaLimits sets a team's own limits.
func (q *Queries) SetQuotaLimits(ctx context.Context, teamID string, l model.QuotaLimits) error {
	_, err := q.exec(ctx, "set quota",
		`INSERT INTO team_quotas (team_id, max_backends, max_instances, max_sandboxes, max_sandboxes_each, max_monthly_usd)
		 VALUES ($1, $2, $3, $4, $5, $6)
		 ON CONFLICT (team_id) DO UPDATE SET max_backends = excluded.max_backends, max_instances = excluded.max_instances,
			max_sandboxes = excluded.max_sandboxes, max_sandboxes_each = excluded.max_sandboxes_each,
			max_monthly_usd = excluded.max_monthly_usd`,
		teamID, ofLimit(l.Backends), ofLimit(l.Instances), ofLimit(l.Sandboxes), ofLimit(l.SandboxesEach), int64(ofLimit(l.MonthlyUSD)))
	return err
}
