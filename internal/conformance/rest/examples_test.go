package rest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestExamples sends the document's example of every operation to the server.
// Each must be carried out, and answered as described. Ids in the examples are
// those of things that are there; all else is sent as it stands.
func TestExamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := readDocument(t, w)
	sent, shared := 0, w.scene(&operation{ID: "get-backend"})
	for _, op := range d.operations {
		if op.Body != nil && op.Example == nil {
			t.Errorf("%s has no example of its body", op.ID)
		}
		for status, answers := range op.Answers {
			for mediaType, a := range answers {
				if status[0] != '2' || mediaType == ndjsonType {
					continue
				}
				if a.example == nil {
					t.Errorf("%s has no example of its answer %s", op.ID, status)
				} else if mediaType == jsonType {
					check(t, a.schema.Validate(a.example))
				}
			}
		}
		s := shared // by those that change nothing
		if op.Method != http.MethodGet || strings.HasPrefix(op.Path, "/sandboxes/") {
			s = w.scene(op)
		}
		got := w.ask(s.request(op, s.owner))
		if got.status == http.StatusForbidden {
			got = w.ask(s.request(op, w.admin))
		}
		if s != shared {
			w.clear(s)
		}
		if why := d.judge(op, got); why != "" || got.status/100 != 2 {
			t.Errorf("%s %s: %d, %s\nsent %s\n%s", op.Method, op.Path, got.status, why, s.names.Replace(string(op.Example)), got.body)
			continue
		}
		sent++
	}
	t.Logf("%d of %d operations carried out their example", sent, len(d.operations))
}

const ndjsonType = "application/x-ndjson"

// scene is a team with everything that an example may be about.
type scene struct {
	names *strings.Replacer // of ids in examples
	owner string            // a token
	doc   *document         // of those who need it
}

// request is the operation's example.
func (s *scene) request(op *operation, token string) request {
	r := request{method: op.Method, path: op.Path, token: token, body: s.names.Replace(string(op.Example)), header: map[string]string{}}
	query := url.Values{}
	for _, p := range op.Parameters {
		text := s.names.Replace(p.example())
		switch {
		case text == "" || p.Name == "cursor" || p.Name == "If-None-Match": // that comes from the page before, or is for a new thing
		case p.In == "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", url.PathEscape(text))
		case p.In == "query":
			query.Set(p.Name, text)
		case p.In == "header":
			r.header[p.Name] = text
		}
	}
	if len(query) > 0 {
		r.path += "?" + query.Encode()
	}
	return r
}

// clear destroys what a scene has in AWS, where there may be ten VPC links.
func (w *world) clear(s *scene) {
	w.t.Helper()
	var l struct{ Items []struct{ ID, Phase string } }
	w.ask(request{method: "GET", path: "/backends", token: s.owner}).into(w.t, &l)
	for _, b := range l.Items {
		if b.Phase != "registered" {
			w.ask(request{method: "DELETE", path: "/backends/" + b.ID + "?wait=50s", token: s.owner})
		}
	}
}

// scene makes a new team for the example of that operation.
func (w *world) scene(op *operation) *scene {
	w.t.Helper()
	name := "t-" + model.ShortID(model.NewID(""))
	team, user, keeper := &model.Team{Name: name}, &model.User{Name: "u-" + name}, &model.User{Name: "k-" + name}
	x := map[string]string{"env_w5tq3nz7kd2m4xja": w.env.ID, "local": w.env.Name, "8e03978e-40d5-43dd-bc93-6894a57f9324": op.ID, "spec-3": "spec-1", "60s": "20s"}
	w.write(func(ctx context.Context, q *store.Queries) error {
		if err := q.InsertTeam(ctx, team); err != nil {
			return err
		}
		for u, role := range map[*model.User]model.Role{user: model.RoleViewer, keeper: model.RoleOwner} {
			if err := q.InsertUser(ctx, u); err != nil {
				return err
			}
			if err := q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: team.ID, Role: role}); err != nil {
				return err
			}
		}
		until := w.app.Store.Now().Add(time.Hour)
		i := &model.Invitation{TeamID: team.ID, Email: user.Name + "@example.com", Role: model.RoleViewer, ExpiresAt: until}
		if err := q.InsertInvitation(ctx, i, user.Name); err != nil {
			return err
		}
		k := &model.Token{TeamID: team.ID, Name: "k", Role: model.RoleViewer, ExpiresAt: until}
		if err := q.InsertToken(ctx, k, user.Name); err != nil {
			return err
		}
		tr := &model.Trust{TeamID: team.ID, Name: "t", Role: model.RoleViewer, Issuer: "https://issuer.example", Claims: map[string]string{"sub": "x"}}
		if err := q.InsertTrust(ctx, tr); err != nil {
			return err
		}
		x["team_h6c2v4yjq7sblm3d"], x["usr_m3kx7q2fd5wa4nzp"] = team.ID, user.ID
		x["inv_m3kx7q2fd5wa4nzp"], x["tok_m3kx7q2fd5wa4nzp"], x["trust_m3kx7q2fd5wa4nzp"] = i.ID, k.ID, tr.ID
		return nil
	})
	s := &scene{owner: w.token(team.ID, model.RoleOwner)}
	w.backendFor(op, s, x)
	w.noticesFor(op, s, x)
	var pairs []string
	for _, example := range slices.Sorted(maps.Keys(x)) {
		pairs = append(pairs, example, x[example])
	}
	s.names = strings.NewReplacer(pairs...)
	return s
}

// backendFor brings a backend to where the operation can be asked for.
func (w *world) backendFor(of *operation, s *scene, x map[string]string) {
	w.t.Helper()
	op := of.ID
	if strings.HasPrefix(of.Path, "/sandboxes/") {
		var made struct {
			ID string `json:"backend_id"`
		}
		w.ask(request{"POST", "/teams/" + x["team_h6c2v4yjq7sblm3d"] + "/sandboxes?wait=50s", s.owner, `{"ttl":"1h"}`, nil}).into(w.t, &made)
		x["be_k3x7q2mfd5wa4nzp"] = made.ID
		return
	}
	ready := []string{"get-backend", "run-tests", "destroy-backend", "adopt-orphan", "delete-orphans", "sleep-backend", "wake-backend"}
	if !slices.Contains(ready, op) && op != "provision-backend" && op != "put-backend" && !strings.HasSuffix(op, "-job") {
		return
	}
	var b model.Backend
	w.ask(request{"POST", "/backends", s.owner, `{"name":"orders-api","spec":{}}`, nil}).into(w.t, &b)
	x["be_k3x7q2mfd5wa4nzp"] = b.ID
	switch op {
	case "provision-backend", "put-backend":
		return
	case "cancel-job", "retry-job", "roll-back-job":
		x["job_4q7hmk2xv6pzd3wa"] = w.heldJob(b, op == "cancel-job")
		return
	}
	var j model.Job
	w.ask(request{"POST", "/backends/" + b.ID + "/provision?wait=50s", s.owner, "", nil}).into(w.t, &j)
	if j.State != model.JobSucceeded {
		w.t.Fatalf("%s: the provision is %s: %+v", op, j.State, j.Problem)
	}
	x["job_4q7hmk2xv6pzd3wa"] = j.ID
	if op == "wake-backend" {
		w.ask(request{"POST", "/backends/" + b.ID + "/sleep?wait=50s", s.owner, "", nil}).into(w.t, &j)
	}
	if !strings.Contains(op, "orphan") {
		return
	}
	resources, err := w.app.Store.Read().Resources(w.t.Context(), b.ID)
	check(w.t, err)
	i := slices.IndexFunc(resources, func(r model.Resource) bool { return r.Key == "ec2-rule" || r.Key == "alb-sg" })
	x["sg-0a1b2c3d4e5f67890"] = resources[i].AWSID
	w.write(func(ctx context.Context, q *store.Queries) error {
		return q.DeleteResource(ctx, b.ID, resources[i].Key)
	})
}

// noticesFor makes a template, and a webhook with a delivery, of which one
// attempt was made where the operation wants it not to be just being sent.
func (w *world) noticesFor(of *operation, s *scene, x map[string]string) {
	w.t.Helper()
	team := "/teams/" + x["team_h6c2v4yjq7sblm3d"]
	var made struct {
		ID       string
		Attempts int
	}
	for _, step := range []struct{ path, body, example string }{
		{"/sandbox-templates", `{"name":"Mine","spec":{}}`, "tpl_m3kx7q2fd5wa4nzp"},
		{"/webhooks", `{"name":"mine","url":"https://hooks.example/x"}`, "whk_m3kx7q2fd5wa4nzp"},
		{"/webhooks/{webhook}/test", ``, "ntc_m3kx7q2fd5wa4nzp"},
	} {
		path := team + strings.ReplaceAll(step.path, "{webhook}", x["whk_m3kx7q2fd5wa4nzp"])
		w.ask(request{"POST", path, s.owner, step.body, nil}).into(w.t, &made)
		x[step.example] = made.ID
	}
	delivery := team + "/webhooks/" + x["whk_m3kx7q2fd5wa4nzp"] + "/deliveries/" + made.ID
	for of.ID == "redeliver" && made.Attempts == 0 {
		w.ask(request{method: "GET", path: delivery, token: s.owner}).into(w.t, &made)
	}
}

// heldJob is a job that nobody takes up: it waits for its time, or has failed.
func (w *world) heldJob(b model.Backend, queued bool) string {
	w.t.Helper()
	j := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpProvision, State: model.JobFailed, Plan: &model.Plan{SpecVersion: b.SpecVersion}}
	w.write(func(ctx context.Context, q *store.Queries) error {
		saved, err := q.BackendForUpdate(ctx, b.ID)
		if err != nil {
			return err
		}
		saved.Phase = model.PhaseFailed
		if queued {
			saved.Phase, j.State, j.RunAfter = model.PhaseProvisioning, model.JobQueued, w.app.Store.Now().Add(time.Hour)
		}
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		if queued {
			saved.ActiveJobID = j.ID
		}
		return q.UpdateBackend(ctx, saved)
	})
	return j.ID
}
