package store

import (
	"context"

	"drawbridge/internal/model"
)

const environmentColumns = `id, name, description, region, vpc_id, subnet_ids, endpoint, credentials,
	role_arn, external_id, sandbox_ttl, sandbox_max_ttl, orphans, orphans_at, created_at, updated_at`

func scanEnvironment(s scanner) (*model.Environment, error) {
	var e model.Environment
	err := s.Scan(&e.ID, &e.Name, &e.Description, &e.Region, &e.VPCID, jsonColumn{&e.SubnetIDs}, &e.Endpoint,
		&e.Credentials, &e.RoleARN, &e.ExternalID, span{&e.SandboxTTL}, span{&e.SandboxMaxTTL}, &e.Orphans, millis{&e.OrphansAt}, millis{&e.CreatedAt}, millis{&e.UpdatedAt})
	return &e, err
}

// UpsertEnvironment saves an environment under its name. One of that name
// keeps its id and creation time, which e then has.
func (q *Queries) UpsertEnvironment(ctx context.Context, e *model.Environment) error {
	subnets, err := jsonText(e.SubnetIDs)
	if err != nil {
		return err
	}
	q.fresh(&e.ID, model.PrefixEnvironment, &e.CreatedAt)
	e.UpdatedAt = q.now()
	return q.row(ctx, "write environment",
		`INSERT INTO environments (`+environmentColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		 ON CONFLICT (name) DO UPDATE SET description = excluded.description, region = excluded.region,
			vpc_id = excluded.vpc_id, subnet_ids = excluded.subnet_ids, endpoint = excluded.endpoint,
			credentials = excluded.credentials, role_arn = excluded.role_arn,
			external_id = excluded.external_id, sandbox_ttl = excluded.sandbox_ttl,
			sandbox_max_ttl = excluded.sandbox_max_ttl, updated_at = excluded.updated_at
		 RETURNING id, orphans, orphans_at, created_at`,
		e.ID, e.Name, e.Description, e.Region, e.VPCID, subnets, e.Endpoint, e.Credentials,
		e.RoleARN, e.ExternalID, e.SandboxTTL.Milliseconds(), e.SandboxMaxTTL.Milliseconds(), e.Orphans, ms(e.OrphansAt), ms(e.CreatedAt), ms(e.UpdatedAt)).
		Scan(&e.ID, &e.Orphans, millis{&e.OrphansAt}, millis{&e.CreatedAt})
}

// EnvironmentByID returns one environment.
func (q *Queries) EnvironmentByID(ctx context.Context, id string) (*model.Environment, error) {
	e, err := scanEnvironment(q.row(ctx, "read environment",
		`SELECT `+environmentColumns+` FROM environments WHERE id = $1`, id))
	return found(e, err, "environment", id)
}

// EnvironmentByName returns one environment.
func (q *Queries) EnvironmentByName(ctx context.Context, name string) (*model.Environment, error) {
	e, err := scanEnvironment(q.row(ctx, "read environment",
		`SELECT `+environmentColumns+` FROM environments WHERE name = $1`, name))
	return found(e, err, "environment", name)
}

// Environments lists all environments by name.
func (q *Queries) Environments(ctx context.Context) ([]model.Environment, error) {
	return collect(q.rows(ctx, "list environments",
		`SELECT `+environmentColumns+` FROM environments ORDER BY name`), scanEnvironment)
}

// SetOrphans keeps how many orphans the newest look at an environment found.
func (q *Queries) SetOrphans(ctx context.Context, id string, n int) error {
	_, err := q.exec(ctx, "write orphans", `UPDATE environments SET orphans = $2, orphans_at = $3 WHERE id = $1`, id, n, ms(q.now()))
	return err
}
