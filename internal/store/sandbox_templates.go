package store

import (
	"context"

	"drawbridge/internal/model"
)

const templateColumns = `id, COALESCE(team_id, ''), name, description, environment_id, spec, parameters, ttl, created_by, created_at, updated_at`

func scanTemplate(s scanner) (*model.SandboxTemplate, error) {
	var t model.SandboxTemplate
	err := s.Scan(&t.ID, &t.TeamID, &t.Name, &t.Description, &t.EnvironmentID, jsonColumn{&t.Spec}, jsonColumn{&t.Parameters}, span{&t.TTL},
		&t.CreatedBy, millis{&t.CreatedAt}, millis{&t.UpdatedAt})
	return &t, err
}

// InsertSandboxTemplate saves a new template. An empty id or time is filled in.
func (q *Queries) InsertSandboxTemplate(ctx context.Context, t *model.SandboxTemplate) error {
	texts, err := jsonArgs(t.Spec, t.Parameters)
	if err != nil {
		return err
	}
	q.fresh(&t.ID, model.PrefixTemplate, &t.CreatedAt)
	t.UpdatedAt = t.CreatedAt
	_, err = q.exec(ctx, "insert sandbox template",
		`INSERT INTO sandbox_templates (id, team_id, name, description, environment_id, spec, parameters, ttl, created_by, created_at, updated_at)
		 VALUES ($1, NULLIF($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		t.ID, t.TeamID, t.Name, t.Description, t.EnvironmentID, texts[0], texts[1], t.TTL.Milliseconds(),
		t.CreatedBy, ms(t.CreatedAt), ms(t.UpdatedAt))
	return taken(err, "There is a sandbox template named %q already. Choose another name.", t.Name)
}

// UpdateSandboxTemplate saves all of a template but whose it is.
func (q *Queries) UpdateSandboxTemplate(ctx context.Context, t *model.SandboxTemplate) error {
	texts, err := jsonArgs(t.Spec, t.Parameters)
	if err != nil {
		return err
	}
	t.UpdatedAt = q.now()
	n, err := q.exec(ctx, "update sandbox template",
		`UPDATE sandbox_templates SET name = $2, description = $3, environment_id = $4, spec = $5, parameters = $6, ttl = $7, updated_at = $8
		 WHERE id = $1`,
		t.ID, t.Name, t.Description, t.EnvironmentID, texts[0], texts[1], t.TTL.Milliseconds(), ms(t.UpdatedAt))
	if err == nil && n == 0 {
		return model.NotFound("sandbox template", t.ID)
	}
	return taken(err, "There is a sandbox template named %q already. Choose another name.", t.Name)
}

// DeleteSandboxTemplate forgets a template; what was made from it stays.
func (q *Queries) DeleteSandboxTemplate(ctx context.Context, id string) error {
	n, err := q.exec(ctx, "delete sandbox template", `DELETE FROM sandbox_templates WHERE id = $1`, id)
	if err == nil && n == 0 {
		return model.NotFound("sandbox template", id)
	}
	return err
}

// SandboxTemplates lists what a team may make sandboxes from: its own templates
// first, then every team's, oldest first.
func (q *Queries) SandboxTemplates(ctx context.Context, teamID string) ([]model.SandboxTemplate, error) {
	return collect(q.rows(ctx, "list sandbox templates",
		`SELECT `+templateColumns+` FROM sandbox_templates WHERE team_id = $1 OR team_id IS NULL
		 ORDER BY CASE WHEN team_id IS NULL THEN 1 ELSE 0 END, created_at, id`, teamID), scanTemplate)
}

// SandboxTemplateByID returns a template that the team may use.
func (q *Queries) SandboxTemplateByID(ctx context.Context, teamID, id string) (*model.SandboxTemplate, error) {
	return q.sandboxTemplate(ctx, teamID, id, "")
}

// SandboxTemplateForUpdate is SandboxTemplateByID, and locks the row until the
// transaction ends.
func (q *Queries) SandboxTemplateForUpdate(ctx context.Context, teamID, id string) (*model.SandboxTemplate, error) {
	return q.sandboxTemplate(ctx, teamID, id, q.forUpdate())
}

func (q *Queries) sandboxTemplate(ctx context.Context, teamID, id, lock string) (*model.SandboxTemplate, error) {
	t, err := scanTemplate(q.row(ctx, "read sandbox template",
		`SELECT `+templateColumns+` FROM sandbox_templates WHERE id = $1 AND (team_id = $2 OR team_id IS NULL)`+lock, id, teamID))
	return found(t, err, "sandbox template", id)
}

// SampleTemplate saves the template unless one was ever saved by this method:
// whoever deletes it does not want it again.
func (q *Queries) SampleTemplate(ctx context.Context, t *model.SandboxTemplate) error {
	id := model.NewID(model.PrefixTemplate)
	kept, err := q.settingOnce(ctx, "sample_sandbox_template", id)
	if err != nil || kept != id {
		return err
	}
	t.ID = id
	return q.InsertSandboxTemplate(ctx, t)
}
