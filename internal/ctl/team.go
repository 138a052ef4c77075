package ctl

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"
)

type teamsCmd struct {
	List    teamsListCmd    `cmd:"" help:"List the teams that you see."`
	Members teamsMembersCmd `cmd:"" help:"List a team's members."`
	Quota   teamsQuotaCmd   `cmd:"" help:"Show what a team has of what it may have."`
}

type teamsListCmd struct{}

// Run prints the teams.
func (teamsListCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	return s.showList(ctx, "/teams", nil, column{"NAME", "name"}, column{"ID", "id"}, column{"MADE", "created_at"})
}

// teamRef names a team; the only one may be left out.
type teamRef struct {
	Team string `arg:"" optional:"" help:"Name or id; may be left out while you see only one."`
}

// open finds the team, and returns its address.
func (r teamRef) open(ctx context.Context, c *Cmd) (*session, string, error) {
	s, err := c.session()
	if err != nil {
		return nil, "", err
	}
	t, err := s.team(ctx, r.Team)
	if err != nil {
		return nil, "", err
	}
	return s, "/teams/" + url.PathEscape(t.ID), nil
}

type teamsMembersCmd struct{ teamRef }

// Run prints the members.
func (m *teamsMembersCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := m.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/members", nil, column{"NAME", "name"}, column{"ROLE", "role"}, column{"ADDRESS", "email"}, column{"ID", "user_id"})
}

type teamsQuotaCmd struct{ teamRef }

// Run prints the quota.
func (q *teamsQuotaCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := q.open(ctx, c)
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := s.call(ctx, "GET", path+"/quota", nil, &answer); err != nil {
		return err
	}
	return s.show(answer, func(out io.Writer) error {
		w := table(out)
		fmt.Fprintln(w, "\tHAS\tMAY HAVE")
		used, _ := answer["used"].(map[string]any)
		for name := range used {
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, cell(answer, "used."+name), limit(answer, "allowed."+name))
		}
		return w.Flush()
	})
}

func limit(answer map[string]any, field string) string {
	if n := cell(answer, field); n != "0" {
		return n
	}
	return "no limit"
}

type tokensCmd struct {
	List   tokensListCmd   `cmd:"" help:"List a team's API tokens."`
	Create tokensCreateCmd `cmd:"" help:"Make an API token; its secret is printed this once."`
	Revoke tokensRevokeCmd `cmd:"" help:"Make a token's secret worthless."`
}

// inTeam is for commands whose argument is another thing than the team.
type inTeam struct {
	Team string `help:"The team, by name or id; may be left out while you see only one." placeholder:"TEAM"`
}

func (t inTeam) open(ctx context.Context, c *Cmd) (*session, string, error) {
	return teamRef(t).open(ctx, c)
}

type tokensListCmd struct{ inTeam }

// Run prints the tokens.
func (l *tokensListCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := l.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/tokens", nil, column{"NAME", "name"}, column{"ROLE", "role"}, column{"UNTIL", "expires_at"}, column{"LAST USED", "last_used_at"}, column{"ID", "id"})
}

type tokensCreateCmd struct {
	inTeam
	Name string `arg:"" help:"What it is for."`
	Role string `help:"What it may do." enum:"viewer,developer,owner" default:"developer"`
	Days int    `help:"How many days it is good for." default:"90"`
}

// Run prints the secret alone, so that a script can take it.
func (t *tokensCreateCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	var answer map[string]any
	in := map[string]any{"name": t.Name, "role": t.Role, "days": t.Days}
	if err := s.call(ctx, "POST", path+"/tokens", in, &answer); err != nil {
		return err
	}
	return s.done(answer, "%v", answer["secret"])
}

type tokensRevokeCmd struct {
	inTeam
	Token string `arg:"" help:"The token's id."`
}

// Run revokes it.
func (t *tokensRevokeCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.call(ctx, "DELETE", path+"/tokens/"+url.PathEscape(t.Token), nil, nil); err != nil {
		return err
	}
	return s.done(thing{ID: t.Token}, "%s is worthless now.", t.Token)
}

type trustsCmd struct {
	List   trustsListCmd   `cmd:"" help:"List whose workloads may act for a team without a stored secret."`
	Create trustsCreateCmd `cmd:"" help:"Trust a workload, as a repository's GitHub Actions."`
	Delete trustsDeleteCmd `cmd:"" help:"End a trust."`
}

type trustsListCmd struct{ inTeam }

// Run prints the trusts.
func (l *trustsListCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := l.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/trusts", nil, column{"NAME", "name"}, column{"ROLE", "role"}, column{"ISSUER", "issuer"}, column{"AUDIENCE", "audience"}, column{"CLAIMS", "claims"}, column{"ID", "id"})
}

type trustsCreateCmd struct {
	inTeam
	Name     string            `arg:"" help:"What it is for."`
	Issuer   string            `help:"Who signs the workload's ID tokens." default:"https://token.actions.githubusercontent.com" placeholder:"URL"`
	Audience string            `help:"Whom the tokens are for; the panel's address when left out." placeholder:"URL"`
	Claim    map[string]string `help:"What a claim of the token must be, as in repository=acme/shop; may be given several times." required:"" placeholder:"NAME=VALUE"`
	Role     string            `help:"What the workload may do." enum:"viewer,developer,owner" default:"developer"`
}

// Run makes the trust.
func (t *trustsCreateCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	if t.Audience == "" {
		t.Audience = s.panel
	}
	var answer map[string]any
	in := map[string]any{"name": t.Name, "issuer": t.Issuer, "audience": t.Audience, "claims": t.Claim, "role": t.Role}
	if err := s.call(ctx, "POST", path+"/trusts", in, &answer); err != nil {
		return err
	}
	return s.done(answer, "%s is trusted: %v.", t.Name, answer["id"])
}

type trustsDeleteCmd struct {
	inTeam
	Trust string `arg:"" help:"The trust's id."`
}

// Run ends the trust.
func (t *trustsDeleteCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.call(ctx, "DELETE", path+"/trusts/"+url.PathEscape(t.Trust), nil, nil); err != nil {
		return err
	}
	return s.done(thing{ID: t.Trust}, "%s is trusted no more.", t.Trust)
}

type auditCmd struct {
	Actor  string    `help:"Only what this user or token did, by id or name."`
	Action string    `help:"Only this action, or all of a noun, as in backend."`
	Target string    `help:"Only what was done to this, by id or name."`
	From   time.Time `help:"Only from this time on, as in 2026-01-02T03:04:05Z." placeholder:"TIME"`
	Limit  int       `help:"How many of the newest." default:"50"`
}

// Run prints the newest rows.
func (a *auditCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {fmt.Sprint(a.Limit)}}
	for name, value := range map[string]string{"actor": a.Actor, "action": a.Action, "target": a.Target} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !a.From.IsZero() {
		query.Set("from", a.From.Format(time.RFC3339))
	}
	return s.showPage(ctx, "/audit", query, column{"AT", "at"}, column{"WHO", "actor_name"}, column{"WHAT", "action"}, column{"TO", "target_name"}, column{"OUTCOME", "outcome"})
}
