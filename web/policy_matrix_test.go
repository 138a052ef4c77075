package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// matrixActors are everybody who may ask. "foreign" belongs to the other team.
func matrixActors() map[string]model.Actor {
	admin := model.Actor{ID: "usr_a", Name: "Ada", Admin: true}
	foreign := model.Member("usr_f", "Finn", "team_b", model.RoleOwner)
	// Whoever is much in one team is no more than they are in another.
	both := model.Actor{ID: "usr_b", Name: "Bea", Teams: map[string]model.Role{"team_a": model.RoleViewer, "team_b": model.RoleOwner}}
	teamless := model.Actor{ID: "usr_t", Name: "Tom"}
	all := map[string]model.Actor{"viewer": viewer, "developer": developer, "owner": owner, "admin": admin, "foreign owner": foreign, "viewer and foreign owner": both, "no team": teamless}
	for name, a := range all {
		a.Person, a.Session = true, "ses_"+a.ID
		all[name] = a
	}
	all["anonymous"] = model.Actor{}
	return all
}

// things are ids of one team's things, freshly made.
type things struct{ team, backend, job, user, invitation, token, trust, session, sandbox, template, webhook, delivery string }

// things makes a team's things anew.
func (s *site) things(team string, a model.Actor) things {
	s.t.Helper()
	ctx := s.t.Context()
	x := things{team: team, backend: model.NewID("be_"), job: model.NewID("job_")}
	err := s.store.InTx(ctx, func(q *store.Queries) (err error) {
		b := sampleBackend(model.PhaseFailed)
		b.ID, b.Name, b.TeamID, b.EventSeq, b.InvokeURL = x.backend, "b-"+model.ShortID(x.backend), team, 0, ""
		if err := q.InsertBackend(ctx, &b); err != nil {
			return err
		}
		j := &model.Job{ID: x.job, BackendID: b.ID, TeamID: team, Operation: model.OpProvision, State: model.JobFailed, Plan: &model.Plan{}}
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		u := &model.User{Name: "u-" + model.NewID("")}
		if err := q.InsertUser(ctx, u); err != nil {
			return err
		}
		x.user = u.ID
		if x.sandbox, x.template, err = s.sandboxIn(q, team); err != nil {
			return err
		}
		if err := q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: team, Role: model.RoleViewer}); err != nil {
			return err
		}
		i := &model.Invitation{TeamID: team, Email: u.Name, Role: model.RoleViewer, ExpiresAt: time.Now().Add(time.Hour)}
		if err := q.InsertInvitation(ctx, i, i.Email); err != nil {
			return err
		}
		k := &model.Token{TeamID: team, Name: "k", Role: model.RoleViewer, ExpiresAt: time.Now().Add(time.Hour)}
		if err := q.InsertToken(ctx, k, u.Name); err != nil {
			return err
		}
		tr := &model.Trust{TeamID: team, Name: "t", Role: model.RoleViewer, Claims: map[string]string{"sub": "x"}}
		if err := q.InsertTrust(ctx, tr); err != nil {
			return err
		}
		whose := a.ID
		if whose == "" || team == "team_b" {
			whose = u.ID // somebody else's
		}
		ses := &model.Session{UserID: whose}
		x.invitation, x.token, x.trust = i.ID, k.ID, tr.ID
		err = q.InsertUserSession(ctx, ses, time.Time{})
		x.session = ses.ID
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	w, delivery := s.webhook(team)
	x.webhook, x.delivery = w.ID, delivery
	return x
}

// sandboxIn adds a sandbox and a template of the team.
func (s *site) sandboxIn(q *store.Queries, team string) (sandbox, template string, err error) {
	ctx, now := s.t.Context(), s.store.Now()
	tp := &model.SandboxTemplate{TeamID: team, Name: "t-" + model.NewID(""), EnvironmentID: "env_local", Spec: model.Spec{Port: 8000}.WithDefaults()}
	if err := q.InsertSandboxTemplate(ctx, tp); err != nil {
		return "", "", err
	}
	b := sampleBackend(model.PhaseReady)
	b.ID, b.TeamID, b.EventSeq = model.NewID("be_"), team, 0
	b.Name = "s-" + model.ShortID(b.ID)
	if err := q.InsertBackend(ctx, &b); err != nil {
		return "", "", err
	}
	x := &model.Sandbox{BackendID: b.ID, TeamID: team, Key: b.ID, Template: tp.Name, CreatedAt: now, MaxEndsAt: now.Add(48 * time.Hour)}
	x.EndAt(now.Add(8*time.Hour), now)
	return b.ID, tp.ID, q.InsertSandbox(ctx, x)
}

// scoped tells whose things the route is about: a team's, the actor's own, or
// nobody's in particular.
func scoped(r route) string {
	switch {
	case strings.HasPrefix(r.Path, "/account/sessions/:id"):
		return "own"
	case strings.Contains(r.Path, ":id") && !strings.HasPrefix(r.Path, pathEnvironments) && !strings.HasPrefix(r.Path, pathUsers):
		return "team"
	}
	return ""
}

// address is the route's path with those ids; inner names the thing in a team.
func address(r route, x, inner things) string {
	id := map[string]string{
		"/backends": x.backend, "/jobs": x.job, "/teams": x.team, "/environments": "env_local", "/users": x.user, "/account": x.session, "/sandboxes": x.sandbox,
	}["/"+strings.Split(r.Path, "/")[1]]
	return strings.NewReplacer(":id", id, ":user", inner.user, ":invitation", inner.invitation, ":trust", inner.trust, ":template", inner.template,
		":token", inner.token, ":format", "csv", ":webhook", inner.webhook, ":delivery", inner.delivery).Replace(r.Path)
}

// firstFlush ends a request once a stream has begun.
type firstFlush struct {
	*httptest.ResponseRecorder
	end context.CancelFunc
}

func (f firstFlush) Flush() {
	f.ResponseRecorder.Flush()
	f.end()
}

// ask sends an empty form, which is enough for being let in or refused.
func (s *site) ask(a model.Actor, method, path string, fragment bool) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.askWith(a, method, path, "role=viewer&path=/&method=GET", fragment)
}

func (s *site) askWith(a model.Actor, method, path, form string, fragment bool) *httptest.ResponseRecorder {
	s.t.Helper()
	ctx, end := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer end()
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if fragment {
		r.Header.Set("HX-Request", "true")
	}
	rec := httptest.NewRecorder()
	if a.ID != "" {
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, a))
	}
	s.http.ServeHTTP(firstFlush{rec, end}, r)
	return rec
}

const letIn, forbidden, notFound, toSignIn = "let in", "forbidden", "not found", "to sign-in"

func verdict(r *httptest.ResponseRecorder) string {
	switch {
	case r.Code == http.StatusUnauthorized, r.Code == http.StatusSeeOther && strings.HasPrefix(r.Header().Get("Location"), pathSignIn):
		return toSignIn
	case r.Code == http.StatusForbidden:
		return forbidden
	case r.Code == http.StatusNotFound && strings.Contains(r.Body.String(), "or it is not your team"):
		return notFound
	case r.Code == http.StatusInternalServerError:
		return "failed"
	}
	return letIn
}

// expected is what the policy says. whose is own, foreign, absent or crossed
// (a thing of the other team under the own one's address).
func expected(r route, a model.Actor, whose string) string {
	inner := strings.Count(r.Path, ":") > 1
	switch {
	case r.Needs == panel.Anybody:
		return letIn
	case a.ID == "":
		return toSignIn
	case !panel.MayAnywhere(a, r.Needs):
		return forbidden
	case scoped(r) == "":
		return letIn
	case scoped(r) == "own" && whose != "own", whose == "absent" && (!a.Admin || scoped(r) == "team"):
		return notFound
	case scoped(r) == "own":
		return letIn
	}
	team := map[string]string{"own": "team_a", "crossed": "team_a", "foreign": "team_b"}[whose]
	switch {
	case !a.Sees(team):
		return notFound
	case !panel.May(a, r.Needs, team):
		return forbidden
	case whose == "crossed" && inner:
		return notFound
	}
	return letIn
}

var requestIDs = regexp.MustCompile(`req_[a-z2-7]+`)

// TestMatrix walks every page, fragment and stream as everybody, on own,
// foreign, absent and crossed ids. It says how large it is.
func TestMatrix(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	err := s.store.InTx(t.Context(), func(q *store.Queries) error {
		for _, a := range matrixActors() {
			if a.ID != "" {
				if err := q.InsertUser(t.Context(), &model.User{ID: a.ID, Name: a.Name, Admin: a.Admin}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cells, counts, shared := 0, map[string]int{}, map[string]things{}
	for _, r := range routes() {
		if r.Name == "session_delete" {
			continue // it signs out whoever comes, to the sign-in page
		}
		for who, a := range matrixActors() {
			for _, fragment := range []bool{false, true} {
				refused := map[string]string{}
				for _, whose := range []string{"own", "foreign", "absent", "crossed"} {
					path := s.cellPath(r, a, whose, shared)
					got := s.ask(a, r.Method, path, fragment)
					want := expected(r, a, whose)
					if v := verdict(got); v != want {
						t.Errorf("%s as %s on %s (%s, fragment %v): %s (%d), want %s", r.Name, who, whose, path, fragment, v, got.Code, want)
					}
					cells++
					counts[want]++
					refused[whose] = fmt.Sprint(got.Code, " ", plainBody(got, path))
				}
				if expected(r, a, "foreign") == notFound && refused["foreign"] != refused["absent"] {
					t.Errorf("%s as %s: a foreign id is told from an absent one:\n%s\n%s", r.Name, who, refused["foreign"], refused["absent"])
				}
			}
		}
	}
	t.Logf("matrix of pages: %d routes x %d actors x page and fragment x own, foreign, absent, crossed = %d cells: %v",
		len(routes())-1, len(matrixActors()), cells, slices.Sorted(maps.Keys(counts)))
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[v], v)
	}
}

// absentThings are ids of nothing.
func absentThings() things {
	return things{"team_none", "be_none", "job_none", "usr_none", "inv_none", "tok_none", "trust_none", "ses_none", "be_none", "tpl_none", "whk_none", "ntc_none"}
}

// cellPath is the address of one cell. Things are made anew where something is
// changed, so that no cell meets what another one has left; who only looks or is
// refused shares them.
func (s *site) cellPath(r route, a model.Actor, whose string, shared map[string]things) string {
	things := func(team string) things {
		if r.Method != http.MethodGet && expected(r, a, whose) == letIn {
			return s.things(team, a)
		}
		if _, made := shared[team+a.ID]; !made {
			shared[team+a.ID] = s.things(team, a)
		}
		return shared[team+a.ID]
	}
	if !strings.Contains(r.Path, ":") {
		return r.Path
	}
	switch whose {
	case "own":
		x := things("team_a")
		return address(r, x, x)
	case "foreign":
		x := things("team_b")
		return address(r, x, x)
	case "crossed":
		if scoped(r) == "own" {
			x := things("team_b")
			return address(r, x, x)
		}
		return address(r, things("team_a"), things("team_b"))
	}
	if scoped(r) == "" {
		x := things("team_a")
		return address(r, x, x)
	}
	return address(r, absentThings(), absentThings())
}

// plainBody is the answer without what may differ: the ids that were asked for.
func plainBody(r *httptest.ResponseRecorder, path string) string {
	body := requestIDs.ReplaceAllString(r.Body.String(), "REQ")
	for _, part := range strings.Split(path, "/") {
		if strings.Contains(part, "_") {
			body = strings.ReplaceAll(body, part, "ID")
		}
	}
	return body
}
