package store

import (
	"context"
	"strings"
	"time"

	"drawbridge/internal/model"
)

const sandboxColumns = `backend_id, team_id, key, template_id, template, branch, parameters, made_by, made_by_name,
	created_at, ends_at, max_ends_at, warned, ending_at, ended_by, gone_at, tries, problem, look_at`

func scanSandbox(s scanner) (*model.Sandbox, error) {
	var x model.Sandbox
	err := s.Scan(&x.BackendID, &x.TeamID, &x.Key, &x.TemplateID, &x.Template, &x.Branch, jsonColumn{&x.Parameters}, &x.MadeBy, &x.MadeByName,
		millis{&x.CreatedAt}, millis{&x.EndsAt}, millis{&x.MaxEndsAt}, span{&x.Warned}, millis{&x.EndingAt}, &x.EndedBy, millis{&x.GoneAt},
		&x.Tries, jsonColumn{&x.Problem}, millis{&x.LookAt})
	return &x, err
}

// InsertSandbox saves what makes a backend a sandbox. A key that another living
// sandbox of the team has is a conflict.
func (q *Queries) InsertSandbox(ctx context.Context, x *model.Sandbox) error {
	texts, err := jsonArgs(x.Parameters, x.Problem)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert sandbox",
		`INSERT INTO sandboxes (`+sandboxColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		x.BackendID, x.TeamID, x.Key, x.TemplateID, x.Template, x.Branch, texts[0], x.MadeBy, x.MadeByName,
		ms(x.CreatedAt), ms(x.EndsAt), ms(x.MaxEndsAt), x.Warned.Milliseconds(), ms(x.EndingAt), x.EndedBy, ms(x.GoneAt),
		x.Tries, texts[1], ms(x.LookAt))
	return taken(err, "The team has a sandbox of the key %q already.", x.Key)
}

// UpdateSandbox saves what changes in a sandbox's life. Lock its backend before.
// What people see of it is remembered until an event of the backend says that
// it is another, so that needs SaveSandbox, at the latest later in the transaction.
func (q *Queries) UpdateSandbox(ctx context.Context, x *model.Sandbox) error {
	problem, err := jsonText(x.Problem)
	if err != nil {
		return err
	}
	n, err := q.exec(ctx, "update sandbox",
		`UPDATE sandboxes SET ends_at = $2, warned = $3, ending_at = $4, ended_by = $5, gone_at = $6, tries = $7, problem = $8, look_at = $9
		 WHERE backend_id = $1`,
		x.BackendID, ms(x.EndsAt), x.Warned.Milliseconds(), ms(x.EndingAt), x.EndedBy, ms(x.GoneAt), x.Tries, problem, ms(x.LookAt))
	if err == nil && n == 0 {
		return model.NotFound("sandbox", x.BackendID)
	}
	return err
}

// SaveSandbox is UpdateSandbox with the event that tells how it is now.
func (q *Queries) SaveSandbox(ctx context.Context, x *model.Sandbox) error {
	if err := q.UpdateSandbox(ctx, x); err != nil {
		return err
	}
	return q.AppendSandbox(ctx, x)
}

// AppendSandbox appends the event that tells how the sandbox is now.
func (q *Queries) AppendSandbox(ctx context.Context, x *model.Sandbox) error {
	return q.append(ctx, &model.Event{BackendID: x.BackendID, Type: model.EventSandbox}, x)
}

// SandboxByID returns the sandbox that the backend is.
func (q *Queries) SandboxByID(ctx context.Context, backendID string) (*model.Sandbox, error) {
	x, err := scanSandbox(q.row(ctx, "read sandbox", `SELECT `+sandboxColumns+` FROM sandboxes WHERE backend_id = $1`, backendID))
	return found(x, err, "sandbox", backendID)
}

// LivingSandbox returns the team's sandbox of that key, nil when none lives.
func (q *Queries) LivingSandbox(ctx context.Context, teamID, key string) (*model.Sandbox, error) {
	x, err := scanSandbox(q.row(ctx, "read sandbox by key",
		`SELECT `+sandboxColumns+` FROM sandboxes WHERE team_id = $1 AND key = $2 AND ending_at = 0`, teamID, key))
	x, err = found(x, err, "sandbox", key)
	if model.CodeOf(err) == model.CodeNotFound {
		return nil, nil
	}
	return x, err
}

// SandboxesByID returns what is known of the backends that are sandboxes, by
// backend.
func (q *Queries) SandboxesByID(ctx context.Context, backendIDs []string) (map[string]model.Sandbox, error) {
	c := &condition{}
	c.in(`backend_id`, backendIDs)
	return pairs(q.rows(ctx, "list sandboxes by id", `SELECT `+sandboxColumns+` FROM sandboxes WHERE `+c.where(), c.args...),
		func(s scanner, k *string, v *model.Sandbox) error {
			x, err := scanSandbox(s)
			*k, *v = x.BackendID, *x
			return err
		})
}

// SandboxQuery narrows Sandboxes. Empty fields narrow nothing.
type SandboxQuery struct {
	TeamIDs    []string // nil = all, empty = none
	Key        string
	TemplateID string
	MadeBy     string // id of the person to whom they go back
	State      model.SandboxState
	Gone       bool   // those of which nothing is left, instead of the others
	Sort       string // created_at, ends_at or key, with - from the last to the first; "" = -created_at
	After      string // id of the sandbox that the list goes on after
	Limit      int
}

// order is the column that the list is sorted by, and its direction.
func (s SandboxQuery) order() (column string, down bool) {
	name, down := strings.CutPrefix(s.Sort, "-")
	if name == "ends_at" || name == "key" {
		return name, down
	}
	return `created_at`, down || s.Sort == ""
}

// Sandboxes lists sandboxes.
func (q *Queries) Sandboxes(ctx context.Context, query SandboxQuery) ([]model.Sandbox, error) {
	c := &condition{parts: []string{`gone_at = 0`}}
	switch {
	case query.Gone || query.State == model.SandboxGone:
		c.parts[0] = `gone_at <> 0`
	case query.State == model.SandboxLives:
		c.parts[0] += ` AND ending_at = 0`
	case query.State == model.SandboxEnding:
		c.parts[0] += ` AND ending_at <> 0`
	}
	if query.TeamIDs != nil {
		c.in(`team_id`, query.TeamIDs)
	}
	for _, equal := range []struct{ column, value string }{
		{`key`, query.Key}, {`template_id`, query.TemplateID}, {`made_by`, query.MadeBy},
	} {
		if equal.value != "" {
			c.add(equal.column+` = ?`, equal.value)
		}
	}
	column, down := query.order()
	if query.After != "" {
		c.add(`(`+column+`, backend_id) `+beyond(down)+` (SELECT `+column+`, backend_id FROM sandboxes WHERE backend_id = ?)`, query.After)
	}
	return collect(q.rows(ctx, "list sandboxes",
		`SELECT `+sandboxColumns+` FROM sandboxes WHERE `+c.where()+orderBy(column, `backend_id`, down)+
			BackendQuery{Limit: query.Limit}.page(), c.args...), scanSandbox)
}

// SandboxesToLookAt lists the backends of sandboxes about which something may be
// due (see model.Sandbox.ToLookAt), by the clock that all replicas share, at
// most limit.
func (q *Queries) SandboxesToLookAt(ctx context.Context, limit int) ([]string, error) {
	now, err := q.Clock(ctx)
	if err != nil {
		return nil, err
	}
	return collect(q.rows(ctx, "list sandboxes to look at",
		`SELECT backend_id FROM sandboxes WHERE gone_at = 0 AND (look_at <= $1 OR ending_at <> 0 AND look_at > $2)
		 ORDER BY look_at, backend_id LIMIT $3`, ms(now), ms(now.Add(model.SandboxRetryMax)), limit),
		func(s scanner) (*string, error) {
			var id string
			return &id, s.Scan(&id)
		})
}

// CountSandboxes counts those of which something is left.
func (q *Queries) CountSandboxes(ctx context.Context) (model.SandboxCounts, error) {
	var n model.SandboxCounts
	err := q.row(ctx, "count sandboxes",
		`SELECT COALESCE(SUM(CASE WHEN ending_at = 0 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN ending_at <> 0 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN ending_at <> 0 AND problem <> 'null' THEN 1 ELSE 0 END), 0)
		 FROM sandboxes WHERE gone_at = 0`).Scan(&n.Living, &n.Ending, &n.Stuck)
	return n, err
}

// sandboxFollows writes what follows for a sandbox from the end of one of its
// backend's jobs: that nothing of it is left, or that its end goes on.
func (q *Queries) sandboxFollows(ctx context.Context, j *model.Job, b *model.Backend) error {
	if !j.State.Ended() {
		return nil
	}
	x, err := q.SandboxByID(ctx, b.ID)
	if model.CodeOf(err) == model.CodeNotFound || err == nil && !x.GoneAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	now := q.now()
	switch {
	case b.Phase == model.PhaseDestroyed:
		return q.sandboxGone(ctx, x, b, j, now)
	case x.EndingAt.IsZero():
		return nil
	case j.Operation == model.OpDestroy && j.State != model.JobSucceeded:
		x.Problem, x.LookAt = sandboxProblem(j), now.Add(x.RetryAfter())
		n := model.SandboxNotice(model.NoticeSandboxEndFailed, x, b)
		n.JobID = j.ID
		if err := q.Notify(ctx, n); err != nil {
			return err
		}
	default:
		x.LookAt = time.UnixMilli(1) // at once, whatever the clock does meanwhile
	}
	return q.SaveSandbox(ctx, x)
}

// sandboxGone notes that nothing of the sandbox is left. One that was destroyed
// before its end ended with that.
func (q *Queries) sandboxGone(ctx context.Context, x *model.Sandbox, b *model.Backend, j *model.Job, now time.Time) error {
	early := x.EndingAt.IsZero()
	if early {
		x.EndingAt, x.EndedBy = now, j.Actor
	}
	x.GoneAt, x.Problem = now, nil
	if early {
		if err := q.Notify(ctx, model.SandboxNotice(model.NoticeSandboxEnded, x, b)); err != nil {
			return err
		}
	}
	if err := q.SaveSandbox(ctx, x); err != nil {
		return err
	}
	return q.Audit(ctx, model.Change{Actor: model.System(), Action: model.AuditSandboxGone, Noun: "sandbox", ID: b.ID, Name: b.Name, TeamID: b.TeamID,
		JobID: j.ID, After: map[string]any{"key": x.Key, "ends_at": x.EndsAt, "ending_at": x.EndingAt, "ended_by": x.EndedBy, "tries": x.Tries}})
}

// sandboxProblem is why the job that was to end a sandbox did not.
func sandboxProblem(j *model.Job) *model.Problem {
	if j.Problem != nil {
		return j.Problem
	}
	return &model.Problem{Code: string(j.State), Message: "The job that was to destroy it was " + string(j.State) + "."}
}
