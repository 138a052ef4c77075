package panel_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// user makes a user who has that role in the team; none when it is "".
func (b *bench) user(name string, role model.Role) *model.User {
	b.t.Helper()
	ctx := b.t.Context()
	u := &model.User{Name: name, Email: name + "@example.com"}
	err := b.store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertUser(ctx, u); err != nil || role == "" {
			return err
		}
		return q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: "team_own", Role: role})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// person is the user as they would ask.
func person(u *model.User, role model.Role) model.Actor {
	a := model.Member(u.ID, u.Name, "team_own", role)
	a.Person = true
	return a
}

func trust() model.Trust {
	return model.Trust{
		TeamID: "team_own", Name: "deploy", Issuer: "https://token.actions.githubusercontent.com", Audience: "https://panel",
		Claims: map[string]string{"repository": "acme/shop"}, Role: model.RoleDeveloper,
	}
}

func TestInvite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	secret, i, err := b.panel.Invite(ctx, owner, "team_own", " Bob@Example.com ", model.RoleDeveloper)
	if err != nil || secret == "" || i.Email != "bob@example.com" {
		t.Fatalf("%+v, %v", i, err)
	}
	list, err := b.panel.Invitations(ctx, owner, "team_own")
	if err != nil || len(list) != 1 || list[0].ID != i.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	for name, try := range map[string]func() error{
		"no address": func() error { _, _, err := b.panel.Invite(ctx, owner, "team_own", "bob", model.RoleViewer); return err },
		"admin's role": func() error {
			_, _, err := b.panel.Invite(ctx, owner, "team_own", "b@x.org", model.RoleAdmin)
			return err
		},
	} {
		if err := try(); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.panel.RevokeInvitation(ctx, owner, "team_own", i.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.panel.RevokeInvitation(ctx, owner, "team_own", i.ID); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("taken back twice: %v", err)
	}
}

// TestTokens_neverAboveTheirMaker: and they end with what their maker lost.
func TestTokens_neverAboveTheirMaker(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	_, _, err := b.panel.CreateToken(ctx, owner, "team_own", "ci", model.RoleAdmin, 0)
	if model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("an owner's admin token: %v", err)
	}
	olga, ola := b.user("olga", model.RoleOwner), b.user("ola", model.RoleOwner)
	made := func(u *model.User) {
		secret, token, err := b.panel.CreateToken(ctx, person(u, model.RoleOwner), "team_own", "ci", model.RoleOwner, time.Hour)
		if err != nil || !strings.HasPrefix(secret, "dbr_") || token.CreatedBy != u.ID || token.ExpiresAt.Sub(token.CreatedAt) != time.Hour {
			t.Fatalf("%+v, %v", token, err)
		}
	}
	left := func(want int) {
		t.Helper()
		if list, err := b.panel.Tokens(ctx, owner, "team_own"); err != nil || len(list) != want {
			t.Errorf("%d tokens are left, want %d (%v)", len(list), want, err)
		}
	}
	made(olga)
	made(ola)
	if err := b.panel.SetMemberRole(ctx, owner, "team_own", olga.ID, model.RoleViewer); err != nil {
		t.Fatal(err)
	}
	left(1)
	if err := b.panel.SwitchUser(ctx, admin, ola.ID, false); model.CodeOf(err) != model.CodeConflict { // there is no admin's row here
		t.Errorf("the last admin: %v", err)
	}
	boss := b.user("boss", "")
	if err := b.store.InTx(ctx, func(q *store.Queries) error { return q.SetUserAdmin(ctx, boss.ID, true) }); err != nil {
		t.Fatal(err)
	}
	if err := b.panel.SwitchUser(ctx, admin, ola.ID, false); err != nil {
		t.Fatal(err)
	}
	left(0)
}

func TestLastOwnerStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	olga := b.user("olga", model.RoleOwner)
	for name, err := range map[string]error{
		"removed": b.panel.RemoveMember(ctx, owner, "team_own", olga.ID),
		"lowered": b.panel.SetMemberRole(ctx, owner, "team_own", olga.ID, model.RoleViewer),
	} {
		if model.CodeOf(err) != model.CodeConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.panel.RemoveMember(ctx, admin, "team_own", olga.ID); err != nil {
		t.Errorf("by an admin: %v", err)
	}
}

func TestGroupsRoleIsNotChangedByHand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	u := b.user("gus", model.RoleViewer)
	err := b.store.InTx(ctx, func(q *store.Queries) error {
		return q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: "team_own", Role: model.RoleViewer, ByGroup: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.panel.SetMemberRole(ctx, owner, "team_own", u.ID, model.RoleOwner); model.CodeOf(err) != model.CodeConflict {
		t.Error(err)
	}
}

func TestTrustsMustBindSomebody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, change := range map[string]func(*model.Trust){
		"no claims":         func(t *model.Trust) { t.Claims = nil },
		"everybody":         func(t *model.Trust) { t.Claims = map[string]string{"sub": "*"} },
		"every repository":  func(t *model.Trust) { t.Claims = map[string]string{"sub": "repo:*"} },
		"half an owner":     func(t *model.Trust) { t.Claims = map[string]string{"sub": "repo:acme*"} },
		"half a repository": func(t *model.Trust) { t.Claims = map[string]string{"repository": "acme*"} },
		"every project":     func(t *model.Trust) { t.Claims = map[string]string{"sub": "project_path:*/shop:ref_type:branch"} },
		"control":           func(t *model.Trust) { t.Name = "x\x1b[2J" },
		"the server's name": func(t *model.Trust) { t.Name = " drawbridge" },
		"another claim":     func(t *model.Trust) { t.Claims = map[string]string{"ref": "refs/heads/main"} },
		"a pattern of path": func(t *model.Trust) { t.Claims["repository"] = "acme/[a-z]" },
		"plain http":        func(t *model.Trust) { t.Issuer = "http://token.example.com" },
		"no issuer":         func(t *model.Trust) { t.Issuer = "token" },
		"no audience":       func(t *model.Trust) { t.Audience = "" },
		"admin":             func(t *model.Trust) { t.Role = model.RoleAdmin },
	} {
		x := trust()
		change(&x)
		if _, err := b.panel.CreateTrust(t.Context(), owner, x); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStale: what cannot be undone, and what gives access away, takes a
// recent proof of who asks. Tokens are never stale.
func TestStale(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	back := b.register("orders")
	old := owner
	old.Person, old.Stale = true, true
	if _, err := b.panel.Backend(ctx, old, back.ID); err != nil {
		t.Errorf("reading: %v", err)
	}
	_, destroy := b.panel.Destroy(ctx, old, back.ID)
	_, _, token := b.panel.CreateToken(ctx, old, "team_own", "ci", model.RoleViewer, 0)
	_, _, invite := b.panel.Invite(ctx, old, "team_own", "b@example.com", model.RoleViewer)
	if err := errors.Join(destroy, token, invite); model.CodeOf(destroy) != model.CodeStale || model.CodeOf(token) != model.CodeStale || model.CodeOf(invite) != model.CodeStale {
		t.Error(err)
	}
	if err := b.panel.Unlink(ctx, old, "https://idp.example", "1"); model.CodeOf(err) != model.CodeStale {
		t.Errorf("unlinking: %v", err)
	}
	b.moveTo(back, model.PhaseReady)
	job, err := b.panel.Destroy(ctx, owner, back.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.end(model.JobFailed)
	if d, err := b.panel.Job(ctx, old, job.ID); err != nil || !d.Actions.Retry.Allowed {
		t.Errorf("who would be asked first is not offered it: %+v, %v", d.Actions.Retry, err)
	}
	if _, err := b.panel.RetryJob(ctx, old, job.ID); model.CodeOf(err) != model.CodeStale {
		t.Errorf("destroying by a retry: %v", err)
	}
	foreign := foreigner
	foreign.Stale = true
	if _, err := b.panel.Destroy(ctx, foreign, back.ID); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("a stale stranger learns something: %v", err)
	}
}

func TestRegister_asksForTheTeam(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	both := owner
	both.Teams = map[string]model.Role{"team_own": model.RoleOwner, "team_foreign": model.RoleDeveloper}
	r := launch("orders")
	if _, err := b.panel.RegisterBackend(t.Context(), both, r); model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("no team was named: %v", err)
	}
	r.TeamID = "team_foreign"
	back, err := b.panel.RegisterBackend(t.Context(), both, r)
	if err != nil || back.TeamID != "team_foreign" {
		t.Errorf("%+v, %v", back, err)
	}
	both.Teams["team_foreign"] = model.RoleViewer
	r.Name = "other"
	if _, err := b.panel.RegisterBackend(t.Context(), both, r); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("as a viewer of that team: %v", err)
	}
	r.TeamID = "" // one team is left in which they may
	if back, err = b.panel.RegisterBackend(t.Context(), both, r); err != nil || back.TeamID != "team_own" {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestPolicy_isWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page, err := b.panel.Team(t.Context(), viewer, "team_own")
	if err != nil || page.Tokens != nil || page.Invitations != nil || page.Trusts != nil {
		t.Errorf("a viewer reads %+v, %v", page, err)
	}
	teams, err := b.panel.Teams(t.Context(), viewer)
	if err != nil || !slices.EqualFunc(teams, []string{"own"}, func(t model.Team, n string) bool { return t.Name == n }) {
		t.Errorf("%v, %v", teams, err)
	}
}
