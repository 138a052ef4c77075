package api

import (
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestPeople walks through a team's life over REST: every secret is told once.
func TestPeople(t *testing.T) {
	t.Parallel()
	in := install(t)
	var team Team
	if resp := in.as(t, "admin", "POST", "/api/v1/teams", `{"name":"pay"}`, &team); resp.StatusCode != 201 || team.Name != "pay" || team.ID == "" {
		t.Fatalf("%d %+v", resp.StatusCode, team)
	}
	const at = "/api/v1/teams/team_shop"
	var made MadeToken
	if resp := in.as(t, "owner", "POST", at+"/tokens", `{"name":"ci","role":"developer","days":3}`, &made); resp.StatusCode != 201 {
		t.Fatal(resp.StatusCode)
	}
	if life := made.ExpiresAt.Sub(made.CreatedAt); life.Hours() != 72 || !strings.HasPrefix(made.Secret, "dbr_") {
		t.Errorf("%v %+v", life, made)
	}
	in.tokens["ci"] = made.Secret
	in.as(t, "ci", "POST", "/api/v1/backends", `{"name":"by-ci","spec":{}}`, &Backend{})
	var invited MadeInvitation
	if resp := in.as(t, "owner", "POST", at+"/invitations", `{"email":"Ada@Example.com","role":"viewer"}`, &invited); resp.StatusCode != 201 || invited.Email != "ada@example.com" || len(invited.Path) < 40 {
		t.Fatalf("%d %+v", resp.StatusCode, invited)
	}
	var trust Trust
	in.as(t, "owner", "POST", at+"/trusts", `{"name":"deploy","issuer":"https://i.example","audience":"a","claims":{"sub":"repo:acme/shop:*"},"role":"developer"}`, &trust)
	if trust.Claims["sub"] != "repo:acme/shop:*" || trust.TeamID != "team_shop" {
		t.Errorf("%+v", trust)
	}
	var invitations List[Invitation]
	var tokens List[Token] // unknown fields are refused: a secret would be one
	var trusts List[Trust]
	in.as(t, "owner", "GET", at+"/invitations", "", &invitations)
	in.as(t, "owner", "GET", at+"/tokens", "", &tokens)
	in.as(t, "owner", "GET", at+"/trusts", "", &trusts)
	if len(invitations.Items) != 1 || len(tokens.Items) != 4 || len(trusts.Items) != 1 {
		t.Errorf("%d invitations, %d tokens, %d trusts", len(invitations.Items), len(tokens.Items), len(trusts.Items))
	}
	for _, path := range []string{"/tokens/" + made.ID, "/invitations/" + invited.ID, "/trusts/" + trust.ID} {
		for _, want := range []int{204, 404} {
			if resp := in.as(t, "owner", "DELETE", at+path, "", nil); resp.StatusCode != want {
				t.Errorf("DELETE %s: %d, want %d", path, resp.StatusCode, want)
			}
		}
	}
	if resp := in.as(t, "ci", "GET", "/api/v1/teams", "", nil); resp.StatusCode != 401 {
		t.Errorf("a revoked token: %d", resp.StatusCode)
	}
}

// TestMembersAndUsers changes who is what.
func TestMembersAndUsers(t *testing.T) {
	t.Parallel()
	in := install(t)
	ada, bob := &model.User{Name: "Ada", Admin: true}, &model.User{Name: "Bob"}
	err := in.store.InTx(t.Context(), func(q *store.Queries) error {
		for _, u := range []*model.User{ada, bob} {
			if err := q.InsertUser(t.Context(), u); err != nil {
				return err
			}
			if err := q.SaveMembership(t.Context(), &model.Membership{UserID: u.ID, TeamID: "team_shop", Role: model.RoleOwner}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"owner", "PUT", "/teams/team_shop/members/" + bob.ID, `{"role":"viewer"}`, 204},
		{"owner", "PUT", "/teams/team_shop/members/" + ada.ID, `{"role":"viewer"}`, 409}, // the last owner
		{"owner", "PUT", "/teams/team_shop/members/" + bob.ID, `{"role":"admin"}`, 422},
		{"owner", "DELETE", "/teams/team_shop/members/" + ada.ID, "", 409},
		{"admin", "PUT", "/users/" + bob.ID + "/enabled", `{"enabled":false}`, 204},
		{"admin", "PUT", "/users/" + ada.ID + "/admin", `{"admin":false}`, 409}, // the last admin
		{"admin", "POST", "/teams", `{"name":"Shop!"}`, 422},
		{"admin", "POST", "/teams", `{"name":"shop"}`, 422},
		{"owner", "POST", "/teams/team_shop/tokens", `{"name":"x","role":"admin"}`, 422},
		{"owner", "POST", "/teams/team_shop/tokens", `{"name":"x","role":"viewer","days":400}`, 422},
		{"owner", "POST", "/teams/team_shop/trusts", `{"name":"x","issuer":"https://i.example","audience":"a","claims":{"sub":"*"},"role":"viewer"}`, 422},
	} {
		if resp := in.as(t, row.who, row.method, Base+row.path, row.body, nil); resp.StatusCode != row.status {
			t.Errorf("%s %s %s as %s: %d, want %d", row.method, row.path, row.body, row.who, resp.StatusCode, row.status)
		}
	}
	var members List[Member]
	in.as(t, "viewer", "GET", "/api/v1/teams/team_shop/members", "", &members)
	if m := members.Items; len(m) != 2 || m[0].Role != "owner" || m[1].Name != "Bob" || m[1].Role != "viewer" || !m[1].Disabled {
		t.Errorf("%+v", m)
	}
	var users List[User]
	in.as(t, "admin", "GET", "/api/v1/users", "", &users)
	slices.SortFunc(users.Items, func(a, b User) int { return strings.Compare(a.Name, b.Name) }) // both may be of one millisecond
	if u := users.Items; len(u) != 2 || !u[0].Admin || u[1].DisabledAt.IsZero() {
		t.Errorf("%+v", u)
	}
}
