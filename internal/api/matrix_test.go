package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// bearers are everybody who may ask, by token; "nobody" brings none.
type bearers map[string]model.Actor

func (b bearers) TokenActor(_ context.Context, bearer string) (model.Actor, error) {
	if a, ok := b[bearer]; ok && bearer != "nobody" {
		return a, nil
	}
	return model.Actor{}, model.Errorf(model.CodeUnauthorized, "This API token is not valid.")
}

func allBearers() bearers {
	return bearers{
		"viewer":    model.Member("tok_v", "viewer", "team_shop", model.RoleViewer),
		"developer": model.Member("tok_d", "developer", "team_shop", model.RoleDeveloper),
		"owner":     model.Member("tok_o", "owner", "team_shop", model.RoleOwner),
		"stranger":  model.Member("tok_s", "stranger", "team_other", model.RoleOwner),
		// Whoever is much in one team is no more than they are in another.
		"mixed":  {ID: "tok_m", Name: "mixed", Teams: map[string]model.Role{"team_shop": model.RoleViewer, "team_other": model.RoleOwner}},
		"admin":  {ID: "tok_a", Name: "admin", Admin: true},
		"nobody": {}, "unknown token": {},
	}
}

// bodies are good enough for their operations to ask who is there; %s is new
// each time.
var bodies = map[string]string{
	"register-backend":        `{"name":"%s","team_id":"team_shop","spec":{}}`,
	"register-backends":       `{"team_id":"team_shop","backends":[{"name":"%s","spec":{}}]}`,
	"delete-orphans":          `{"all":true}`,
	"adopt-orphan":            `{"id":""}`,
	"put-backend":             `{"spec":{}}`,
	"set-quota":               `{"backends":100000}`,
	"estimate-cost":           `{}`,
	"create-team":             `{"name":"%s"}`,
	"set-member-role":         `{"role":"developer"}`,
	"create-invitation":       `{"email":"ada@example.com","role":"viewer"}`,
	"create-token":            `{"name":"%s","role":"viewer"}`,
	"create-trust":            `{"name":"%s","issuer":"https://issuer.example","audience":"a","claims":{"sub":"x"},"role":"viewer"}`,
	"make-sandbox":            `{"key":"%s"}`,
	"extend-sandbox":          `{"ttl":"9h"}`,
	"create-sandbox-template": `{"name":"%s","spec":{}}`,
	"update-sandbox-template": `{"name":"%s","spec":{}}`,
	"set-user-enabled":        `{"enabled":true}`,
	"set-user-admin":          `{"admin":false}`,
	"create-webhook":          `{"name":"%s","url":"https://hooks.example/x"}`,
	"change-webhook":          `{"enabled":true}`,
}

// things are ids of one team's things, freshly made.
type things struct{ team, backend, job, user, invitation, token, trust, sandbox, template, webhook, delivery string }

// absent are ids of nothing.
func absent() things {
	return things{"team_none", "be_none", "job_none", "usr_none", "inv_none", "tok_none", "trust_none", "be_none", "tpl_none", "whk_none", "ntc_none"}
}

// things makes a team's things anew, so that no cell of the matrix meets what
// another one has left.
func (in *installation) things(t *testing.T, team string) things {
	t.Helper()
	ctx := t.Context()
	x := things{team: team, backend: model.NewID("be_"), job: model.NewID("job_")}
	err := in.store.InTx(ctx, func(q *store.Queries) error {
		b := &model.Backend{
			ID: x.backend, Name: "b-" + model.ShortID(x.backend), TeamID: team, EnvironmentID: "env_lab", SpecVersion: 1,
			Spec: model.Spec{Port: 8000}.WithDefaults(), Phase: model.PhaseFailed,
		}
		if err := q.InsertBackend(ctx, b); err != nil {
			return err
		}
		j := &model.Job{ID: x.job, BackendID: b.ID, TeamID: team, Operation: model.OpProvision, State: model.JobFailed, Plan: &model.Plan{}}
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		if err := in.sandboxOf(t, q, &x); err != nil {
			return err
		}
		return in.peopleOf(t, q, &x)
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// sandboxOf adds a sandbox and a template.
func (in *installation) sandboxOf(t *testing.T, q *store.Queries, x *things) error {
	t.Helper()
	ctx, now := t.Context(), in.store.Now()
	tp := &model.SandboxTemplate{TeamID: x.team, Name: "t-" + model.NewID(""), EnvironmentID: "env_lab", Spec: model.Spec{Port: 8000}.WithDefaults()}
	if err := q.InsertSandboxTemplate(ctx, tp); err != nil {
		return err
	}
	b := &model.Backend{ID: model.NewID("be_"), TeamID: x.team, EnvironmentID: "env_lab", SpecVersion: 1, Spec: tp.Spec, Phase: model.PhaseRegistered}
	b.Name = "s-" + model.ShortID(b.ID)
	if err := q.InsertBackend(ctx, b); err != nil {
		return err
	}
	s := &model.Sandbox{BackendID: b.ID, TeamID: x.team, Key: b.ID, CreatedAt: now, MaxEndsAt: now.Add(48 * time.Hour)}
	s.EndAt(now.Add(8*time.Hour), now)
	x.sandbox, x.template = b.ID, tp.ID
	return q.InsertSandbox(ctx, s)
}

// peopleOf adds a member, an invitation, a token and a trust.
func (in *installation) peopleOf(t *testing.T, q *store.Queries, x *things) error {
	t.Helper()
	ctx, until := t.Context(), in.store.Now().Add(time.Hour)
	u := &model.User{Name: "u-" + model.NewID("")}
	if err := q.InsertUser(ctx, u); err != nil {
		return err
	}
	if err := q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: x.team, Role: model.RoleViewer}); err != nil {
		return err
	}
	i := &model.Invitation{TeamID: x.team, Email: u.Name, Role: model.RoleViewer, ExpiresAt: until}
	if err := q.InsertInvitation(ctx, i, u.Name); err != nil {
		return err
	}
	k := &model.Token{TeamID: x.team, Name: "k", Role: model.RoleViewer, ExpiresAt: until}
	if err := q.InsertToken(ctx, k, u.Name); err != nil {
		return err
	}
	tr := &model.Trust{TeamID: x.team, Name: "t", Role: model.RoleViewer, Claims: map[string]string{"sub": "x"}}
	err := q.InsertTrust(ctx, tr)
	x.user, x.invitation, x.token, x.trust = u.ID, i.ID, k.ID, tr.ID
	return errors.Join(err, in.webhookOf(t, q, x))
}

// webhookOf adds a webhook with a delivery.
func (in *installation) webhookOf(t *testing.T, q *store.Queries, x *things) error {
	t.Helper()
	w := &model.Webhook{ID: model.NewID(model.PrefixWebhook), TeamID: x.team, Name: "w-" + model.NewID(""), Format: model.WebhookStandard, Enabled: true, Target: "https://hooks.example/x"}
	if err := in.sealed(w); err != nil {
		return err
	}
	if err := q.InsertWebhook(t.Context(), w); err != nil {
		return err
	}
	n := &model.Notice{TeamID: x.team, Type: model.NoticeBackendReady, Title: "t"}
	x.webhook = w.ID
	err := q.NotifyOne(t.Context(), n, w.ID)
	x.delivery = n.ID
	return err
}

// address is an operation's path with those ids; inner names the thing in a team.
func address(path string, x, inner things) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	id := map[string]string{"backends": x.backend, "jobs": x.job, "teams": x.team, "users": x.user, "sandboxes": x.sandbox, "environments": "env_lab"}[noun]
	return Base + strings.NewReplacer("{id}", id, "{user}", inner.user, "{invitation}", inner.invitation, "{token}", inner.token, "{trust}", inner.trust, "{template}", inner.template,
		"{webhook}", inner.webhook, "{delivery}", inner.delivery, "{name}", "b-"+model.ShortID(inner.backend)).Replace(path)
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

// SetWriteDeadline is what a stream asks of its writer.
func (firstFlush) SetWriteDeadline(time.Time) error { return nil }

func ask(t *testing.T, e *echo.Echo, who, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	r := httptest.NewRequestWithContext(ctx, method, path, http.NoBody)
	if body != "" {
		r = httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "nobody" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(firstFlush{rec, end}, r)
	return rec
}

// wanted is the status by which the policy refuses; 0 for being let in. The
// team is "" for what is not there.
func wanted(need panel.Permission, path string, a model.Actor, team string) int {
	users := strings.HasPrefix(path, "/users/{id}")
	scoped := strings.Contains(path, "{id}") && !users && !strings.HasPrefix(path, "/environments")
	switch {
	case a.ID == "":
		return http.StatusUnauthorized
	case !scoped && !panel.MayAnywhere(a, need):
		return http.StatusForbidden
	case users && team == "", scoped && (team == "" || !a.Sees(team)):
		return http.StatusNotFound
	case scoped && !panel.May(a, need, team):
		return http.StatusForbidden
	}
	return 0
}

// refusedBy is the status of a refusal; 0 when the door let the request in.
func refusedBy(r *httptest.ResponseRecorder) int {
	switch {
	case r.Code == http.StatusUnauthorized, r.Code == http.StatusForbidden, r.Code >= http.StatusInternalServerError:
		return r.Code
	case r.Code == http.StatusNotFound && strings.Contains(r.Body.String(), "or it is not your team"):
		return r.Code
	}
	return 0
}

var passing = regexp.MustCompile(`(req|be|job|team|usr|inv|tok|trust|tpl|whk|ntc)_[a-z0-9_]+|\bb-[a-z0-9]{4,6}\b`)

// TestMatrix walks every operation as everybody on own, foreign and absent ids.
// Foreign and absent ones look the same. It says how large it is.
func TestMatrix(t *testing.T) {
	t.Parallel()
	in := install(t)
	everybody, e := allBearers(), echo.New()
	New(Deps{Panel: in.panel, Auth: everybody, Version: "test", Logger: slog.New(slog.DiscardHandler)}).Register(e)
	cells, inner, counts := 0, 0, map[int]int{}
	for path, methods := range readDocument(t).Paths {
		for method, op := range methods {
			for who, a := range everybody {
				c := cell{t: t, in: in, e: e, op: op.OperationID, method: strings.ToUpper(method), path: path, who: who, a: a}
				for _, status := range c.walk() {
					cells++
					counts[status]++
				}
				inner += c.walkInner()
			}
		}
	}
	t.Logf("matrix of endpoints: %d operations x %d bearers x own, foreign, absent = %d cells, and %d of another team's thing below one's own team",
		len(needs), len(everybody), cells, inner)
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d refused with %d (0: let in)", counts[status], status)
	}
}

// cell is one operation as one bearer.
type cell struct {
	t                     *testing.T
	in                    *installation
	e                     *echo.Echo
	op, method, path, who string
	a                     model.Actor
}

func (c *cell) ask(x, inner things) *httptest.ResponseRecorder {
	body := bodies[c.op]
	if strings.Contains(body, "%s") {
		body = fmt.Sprintf(body, "m-"+model.ShortID(model.NewID("")))
	}
	return ask(c.t, c.e, c.who, c.method, address(c.path, x, inner), body)
}

// walk asks for the own team's thing, a foreign one and one that is not there,
// and returns what it wanted.
func (c *cell) walk() (statuses []int) {
	c.t.Helper()
	said := map[string]string{}
	for whose, team := range map[string]string{"own": "team_shop", "foreign": "team_other", "absent": ""} {
		x := absent()
		if team != "" && strings.Contains(c.path, "{id}") {
			x = c.in.things(c.t, team)
		}
		got, want := c.ask(x, x), wanted(needs[c.op], c.path, c.a, team)
		if strings.HasPrefix(c.op, "register-") && c.who == "stranger" {
			want = 0 // it may register, but not in this team: that is a field's refusal
		}
		if strings.HasPrefix(c.op, "register-") && c.who == "mixed" {
			want = http.StatusForbidden // its body names the team in which it only sees
		}
		if refusedBy(got) != want {
			c.t.Errorf("%s as %s on %s: %d, want %d: %.200s", c.op, c.who, whose, got.Code, want, got.Body)
		}
		said[whose] = fmt.Sprint(got.Code, passing.ReplaceAllString(got.Body.String(), "ID"))
		statuses = append(statuses, want)
	}
	if wanted(needs[c.op], c.path, c.a, "team_other") == http.StatusNotFound && said["foreign"] != said["absent"] {
		c.t.Errorf("%s as %s: a foreign id is told from an absent one:\n%s\n%s", c.op, c.who, said["foreign"], said["absent"])
	}
	return statuses
}

// walkInner asks for a foreign team's thing by the address of the own team: it
// is not there, as one that never was.
func (c *cell) walkInner() int {
	c.t.Helper()
	if strings.Count(c.path, "{") < 2 || c.op == "put-backend" { // what is put need not be there
		return 0
	}
	own, foreign := c.in.things(c.t, "team_shop"), c.in.things(c.t, "team_other")
	want := wanted(needs[c.op], c.path, c.a, "team_shop")
	if want == 0 {
		want = http.StatusNotFound
	}
	got, none := c.ask(own, foreign), c.ask(own, absent())
	if got.Code != want || got.Code != none.Code || passing.ReplaceAllString(got.Body.String(), "ID") != passing.ReplaceAllString(none.Body.String(), "ID") {
		c.t.Errorf("%s as %s on a foreign thing below the own team: %d, want %d: %.200s", c.op, c.who, got.Code, want, got.Body)
	}
	return 2
}
