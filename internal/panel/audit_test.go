package panel_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// readers are the use cases that change nothing. Every other one must have a
// row in auditedUseCases.
var readers = []string{
	"AccessLogs", "Account", "Audit", "Backend", "BackendNamed", "BackendToEdit", "Backends", "CountBackends", "EnvironmentCalls", "Environments", "EnvironmentStatus", "Events",
	"ExportAudit", "HasActivity", "Instances", "Invitations", "Member", "Members", "Job", "Jobs", "Orphans", "Plan", "RollBackPlan", "StreamAllEvents", "StreamBackends", "StreamEvents", "Team", "Teams", "TestRuns",
	"Tokens", "Trusts", "Users", "Quota", "WaitJob",
	"CheckTemplates", "EndSandboxPlan", "ManagedSandboxTemplate", "Sandbox", "SandboxTTLs", "SandboxTemplate", "SandboxTemplates", "Sandboxes", "TeamSandboxes", "TemplateTTLs",
	"EnvironmentCosts", "PricesIn", "RegionCosts", "SpecCost", "TeamCost",
	"CountDeliveries", "Deliveries", "Delivery", "Notices", "Webhook", "Webhooks",
}

// asItself act as the server; their own tests look for their rows.
var asItself = []string{"FollowSchedules", "ReapSandboxes"}

// auditedUseCases carries each use case that changes something out, once, and
// says what the audit must have of it.
var auditedUseCases = map[string]struct {
	carryOut func(b *bench) error
	action   model.AuditAction
	noun     string
	before   string // a key of the JSON, "" when there was nothing
	after    string
	job      bool // the row leads to a job
	admin    bool // it is about the installation, so the admin does it
}{
	"RegisterBackend": {func(b *bench) error {
		_, err := b.panel.RegisterBackend(b.t.Context(), owner, launch("orders"))
		return err
	}, model.AuditBackendRegister, "backend", "", "spec", false, false},
	"SetQuota": {func(b *bench) error {
		n := 3
		_, err := b.panel.SetQuota(b.t.Context(), admin, "team_own", model.QuotaLimits{Backends: &n})
		return err
	}, model.AuditTeamQuota, "team", "backends", "backends", false, true},
	"RegisterBatch": {func(b *bench) error {
		_, err := b.panel.RegisterBatch(b.t.Context(), owner, batchOf("orders"))
		return err
	}, model.AuditBackendRegister, "backend", "", "spec", false, false},
	"UpdateSpec": {func(b *bench) error {
		_, err := b.panel.UpdateSpec(b.t.Context(), owner, b.in(model.PhaseReady).ID, panel.SpecChange{Spec: model.Spec{Port: 9000}})
		return err
	}, model.AuditBackendUpdate, "backend", "spec", "resources", true, false},
	"Apply": {func(b *bench) error {
		b.in(model.PhaseReady)
		_, err := b.panel.Apply(b.t.Context(), owner, panel.Application{Team: "team_own", Name: "orders", SpecChange: panel.SpecChange{Spec: model.Spec{Port: 9000}}})
		return err
	}, model.AuditBackendUpdate, "backend", "spec", "resources", true, false},
	"Sleep": {func(b *bench) error {
		_, err := b.panel.Sleep(b.t.Context(), owner, b.in(model.PhaseReady).ID)
		return err
	}, model.AuditBackendSleep, "backend", "phase", "resources", true, false},
	"Wake": {func(b *bench) error {
		_, err := b.panel.Wake(b.t.Context(), owner, b.in(model.PhaseAsleep).ID)
		return err
	}, model.AuditBackendWake, "backend", "phase", "resources", true, false},
	"Provision": {func(b *bench) error {
		_, err := b.panel.Provision(b.t.Context(), owner, b.register("orders").ID)
		return err
	}, model.AuditBackendProvision, "backend", "phase", "resources", true, false},
	"Destroy": {func(b *bench) error {
		_, err := b.panel.Destroy(b.t.Context(), owner, b.register("orders").ID)
		return err
	}, model.AuditBackendDestroy, "backend", "phase", "resources", true, false},
	"CancelJob": {func(b *bench) error {
		_, err := b.panel.CancelJob(b.t.Context(), owner, b.queued().ID)
		return err
	}, model.AuditJobCancel, "job", "state", "cancel_requested", true, false},
	"RetryJob": {func(b *bench) error {
		job := b.queued()
		b.end(model.JobFailed)
		_, err := b.panel.RetryJob(b.t.Context(), owner, job.ID)
		return err
	}, model.AuditJobRetry, "job", "state", "state", true, false},
	"RollBack": {func(b *bench) error {
		_, err := b.panel.RollBack(b.t.Context(), owner, b.queued().ID)
		return err
	}, model.AuditRollBack, "job", "state", "cancel_requested", true, false},
	"MakeSandbox": {func(b *bench) error {
		_, err := b.panel.MakeSandbox(b.t.Context(), owner, "team_own", panel.SandboxRequest{Template: b.template().Name})
		return err
	}, model.AuditSandboxCreate, "sandbox", "", "template", true, false},
	"ExtendSandbox": {func(b *bench) error {
		_, err := b.panel.ExtendSandbox(b.t.Context(), owner, b.sandbox(panel.SandboxRequest{}).ID, "2d")
		return err
	}, model.AuditSandboxExtend, "sandbox", "ends_at", "ends_at", false, false},
	"EndSandbox": {func(b *bench) error {
		_, err := b.panel.EndSandbox(b.t.Context(), owner, b.sandbox(panel.SandboxRequest{}).ID)
		return err
	}, model.AuditSandboxEnd, "sandbox", "phase", "ending_at", true, false},
	"CreateSandboxTemplate": {func(b *bench) error {
		_, err := b.panel.CreateSandboxTemplate(b.t.Context(), owner, "team_own", templateInput())
		return err
	}, model.AuditTemplateCreate, "sandbox_template", "", "spec", false, false},
	"UpdateSandboxTemplate": {func(b *bench) error {
		_, err := b.panel.UpdateSandboxTemplate(b.t.Context(), owner, "team_own", b.template().ID, templateInput())
		return err
	}, model.AuditTemplateUpdate, "sandbox_template", "spec", "spec", false, false},
	"DeleteSandboxTemplate": {func(b *bench) error {
		return b.panel.DeleteSandboxTemplate(b.t.Context(), owner, "team_own", b.template().ID)
	}, model.AuditTemplateDelete, "sandbox_template", "spec", "", false, false},
	"DeleteOrphans": {func(b *bench) error {
		b.cloud.tagged = []panel.Tagged{stray("ins_own", b.register("orders").ID, "alb")}
		_, err := b.panel.DeleteOrphans(b.t.Context(), admin, "env_1", nil, true)
		return err
	}, model.AuditOrphanDelete, "backend", "orphans", "resources", true, true},
	"AdoptOrphan": {func(b *bench) error {
		b.cloud.tagged = []panel.Tagged{stray("ins_own", b.register("orders").ID, "alb")}
		_, err := b.panel.AdoptOrphan(b.t.Context(), admin, "env_1", "id-alb")
		return err
	}, model.AuditOrphanAdopt, "backend", "orphans", "aws_id", false, true},
	"RunTests": {func(b *bench) error {
		_, err := b.panel.RunTests(b.t.Context(), owner, b.reachable().ID, nil)
		return err
	}, model.AuditBackendTest, "backend", "", "passed", false, false},
	"RunAdHocTest": {func(b *bench) error {
		_, err := b.panel.RunAdHocTest(b.t.Context(), owner, b.reachable().ID, model.RouteTest{Path: "/x"})
		return err
	}, model.AuditBackendTest, "backend", "", "passed", false, false},
	"SetMemberRole": {func(b *bench) error {
		return b.panel.SetMemberRole(b.t.Context(), owner, "team_own", b.members(), model.RoleDeveloper)
	}, model.AuditMemberRole, "member", "role", "role", false, false},
	"RemoveMember": {func(b *bench) error {
		return b.panel.RemoveMember(b.t.Context(), owner, "team_own", b.members())
	}, model.AuditMemberRemove, "member", "role", "", false, false},
	"Invite": {func(b *bench) error {
		_, _, err := b.panel.Invite(b.t.Context(), owner, "team_own", "bob@example.com", model.RoleViewer)
		return err
	}, model.AuditInvite, "invitation", "", "email", false, false},
	"RevokeInvitation": {func(b *bench) error {
		_, i, err := b.panel.Invite(b.t.Context(), owner, "team_own", "bob@example.com", model.RoleViewer)
		if err != nil {
			return err
		}
		return b.panel.RevokeInvitation(b.t.Context(), owner, "team_own", i.ID)
	}, model.AuditInvitationRevoke, "invitation", "", "", false, false},
	"CreateToken": {func(b *bench) error {
		_, _, err := b.panel.CreateToken(b.t.Context(), owner, "team_own", "ci", model.RoleViewer, 0)
		return err
	}, model.AuditTokenCreate, "token", "", "role", false, false},
	"RevokeToken": {func(b *bench) error {
		_, token, err := b.panel.CreateToken(b.t.Context(), owner, "team_own", "ci", model.RoleViewer, 0)
		if err != nil {
			return err
		}
		return b.panel.RevokeToken(b.t.Context(), owner, "team_own", token.ID)
	}, model.AuditTokenRevoke, "token", "", "", false, false},
	"CreateTrust": {func(b *bench) error {
		_, err := b.panel.CreateTrust(b.t.Context(), owner, trust())
		return err
	}, model.AuditTrustCreate, "trust", "", "audience", false, false},
	"DeleteTrust": {func(b *bench) error {
		made, err := b.panel.CreateTrust(b.t.Context(), owner, trust())
		if err != nil {
			return err
		}
		return b.panel.DeleteTrust(b.t.Context(), owner, "team_own", made.ID)
	}, model.AuditTrustDelete, "trust", "", "", false, false},
	"CreateWebhook": {func(b *bench) error {
		b.hook()
		return nil
	}, model.AuditWebhookCreate, "webhook", "", "target", false, false},
	"ChangeWebhook": {func(b *bench) error {
		off := false
		_, err := b.panel.ChangeWebhook(b.t.Context(), owner, "team_own", b.hook().ID, panel.WebhookChange{Enabled: &off})
		return err
	}, model.AuditWebhookUpdate, "webhook", "enabled", "enabled", false, false},
	"RotateWebhook": {func(b *bench) error {
		_, _, err := b.panel.RotateWebhook(b.t.Context(), owner, "team_own", b.hook().ID)
		return err
	}, model.AuditWebhookRotate, "webhook", "name", "name", false, false},
	"DeleteWebhook": {func(b *bench) error {
		return b.panel.DeleteWebhook(b.t.Context(), owner, "team_own", b.hook().ID)
	}, model.AuditWebhookDelete, "webhook", "target", "", false, false},
	"TestWebhook": {func(b *bench) error {
		_, err := b.panel.TestWebhook(b.t.Context(), owner, "team_own", b.hook().ID)
		return err
	}, model.AuditWebhookTest, "webhook", "", "delivery", false, false},
	"Redeliver": {func(b *bench) error {
		w := b.hook()
		sent, err := b.panel.TestWebhook(b.t.Context(), owner, "team_own", w.ID)
		if err != nil {
			return err
		}
		_, err = b.panel.Redeliver(b.t.Context(), owner, "team_own", w.ID, sent.ID)
		return err
	}, model.AuditWebhookRedeliver, "webhook", "", "delivery", false, false},
	"RedeliverFailed": {func(b *bench) error {
		_, err := b.panel.RedeliverFailed(b.t.Context(), owner, "team_own", b.hook().ID)
		return err
	}, model.AuditWebhookRedeliver, "webhook", "", "deliveries", false, false},
	"CreateTeam": {func(b *bench) error {
		_, err := b.panel.CreateTeam(b.t.Context(), admin, "new")
		return err
	}, model.AuditTeamCreate, "team", "", "name", false, true},
	"SwitchUser": {func(b *bench) error {
		return b.panel.SwitchUser(b.t.Context(), admin, b.admins(), false)
	}, model.AuditUserSwitch, "user", "name", "disabled_at", false, true},
	"SetAdmin": {func(b *bench) error {
		return b.panel.SetAdmin(b.t.Context(), admin, b.admins(), true)
	}, model.AuditUserAdmin, "user", "admin", "admin", false, true},
	"EndSession": {func(b *bench) error {
		a := admin
		a.ID, a.Person = b.admins(), true
		x := &model.Session{UserID: a.ID}
		err := b.store.InTx(b.t.Context(), func(q *store.Queries) error { return q.InsertUserSession(b.t.Context(), x, time.Time{}) })
		if err != nil {
			return err
		}
		return b.panel.EndSession(b.t.Context(), a, x.ID)
	}, model.AuditSessionEnd, "session", "", "", false, true},
	"Unlink": {func(b *bench) error {
		a := admin
		a.ID, a.Person = b.admins(), true
		err := b.store.InTx(b.t.Context(), func(q *store.Queries) error {
			return errors.Join(q.SetPasswordHash(b.t.Context(), a.ID, "hashed"),
				q.InsertIdentity(b.t.Context(), &model.Identity{Issuer: "https://id.example", Subject: "7", UserID: a.ID}))
		})
		if err != nil {
			return err
		}
		return b.panel.Unlink(b.t.Context(), a, "https://id.example", "7")
	}, model.AuditUserUnlink, "user", "subject", "", false, true},
	"EndOtherSessions": {func(b *bench) error {
		a := admin
		a.Person, a.Session = true, "ses_this"
		return b.panel.EndOtherSessions(b.t.Context(), a)
	}, model.AuditSessionEnd, "session", "", "", false, true},
}

// members makes an owner and a viewer, and returns the viewer's id.
func (b *bench) members() string {
	b.t.Helper()
	b.user("olga", model.RoleOwner)
	return b.user("vera", model.RoleViewer).ID
}

// admins makes an admin and another user, and returns the other's id.
func (b *bench) admins() string {
	b.t.Helper()
	boss := b.user("boss", "")
	err := b.store.InTx(b.t.Context(), func(q *store.Queries) error { return q.SetUserAdmin(b.t.Context(), boss.ID, true) })
	if err != nil {
		b.t.Fatal(err)
	}
	return b.user("ann", "").ID
}

func (b *bench) hook() *model.Webhook {
	b.t.Helper()
	_, w := b.webhook("hook")
	return w
}

// queued is a provision job.
func (b *bench) queued() *model.Job {
	b.t.Helper()
	job, err := b.panel.Provision(b.t.Context(), developer, b.register("orders").ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return job
}

// reachable is a backend with an invoke URL, which the guard refuses to ask.
func (b *bench) reachable() *model.Backend {
	b.t.Helper()
	back := b.register("orders")
	back.InvokeURL = "http://127.0.0.1:1/"
	if err := b.store.InTx(b.t.Context(), func(q *store.Queries) error { return q.UpdateBackend(b.t.Context(), back) }); err != nil {
		b.t.Fatal(err)
	}
	return back
}

// in is a backend that has come to the phase.
func (b *bench) in(phase model.Phase) *model.Backend {
	b.t.Helper()
	back := b.register("orders")
	b.moveTo(back, phase)
	return back
}

func (b *bench) moveTo(back *model.Backend, phase model.Phase) {
	b.t.Helper()
	back.Phase = phase
	if err := b.store.InTx(b.t.Context(), func(q *store.Queries) error { return q.UpdateBackend(b.t.Context(), back) }); err != nil {
		b.t.Fatal(err)
	}
}

// TestEveryChangeIsAudited walks the methods of the panel: a new one is either
// named among the readers or shown here to leave a row.
func TestEveryChangeIsAudited(t *testing.T) {
	t.Parallel()
	methods := reflect.TypeFor[*panel.Panel]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if _, ok := auditedUseCases[name]; !ok && !slices.Contains(readers, name) && !slices.Contains(asItself, name) {
			t.Errorf("Panel.%s is new: if it changes nothing, name it among the readers; otherwise call q.Audit in its transaction and give it a row here", name)
		}
	}
	for name, c := range auditedUseCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, ok := methods.MethodByName(name); !ok {
				t.Fatalf("Panel has no method %s", name)
			}
			b := newBench(t)
			if err := c.carryOut(b); err != nil {
				t.Fatal(err)
			}
			rows, err := b.store.Read().AuditEntries(t.Context(), store.AuditQuery{Limit: 1})
			if err != nil || len(rows) != 1 {
				t.Fatalf("rows %v, %v", rows, err)
			}
			r := rows[0]
			if r.Action != c.action || r.Noun != c.noun || r.ActorName != map[bool]string{false: owner.Name, true: admin.Name}[c.admin] || !c.admin && r.TeamID != "team_own" || r.TargetID == "" && name != "EndOtherSessions" || r.Outcome != model.AuditDone {
				t.Errorf("row %+v", r)
			}
			if has(r.Before, c.before) != (c.before != "") || has(r.After, c.after) != (c.after != "") || (r.JobID != "") != c.job {
				t.Errorf("before %s, after %s, job %q", r.Before, r.After, r.JobID)
			}
		})
	}
}

// has tells whether the JSON has that key, at any depth.
func has(text json.RawMessage, key string) bool {
	return key != "" && strings.Contains(string(text), `"`+key+`":`)
}

// TestRefusalsLeaveNoRow: what was not done is not told as done.
func TestRefusalsLeaveNoRow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	if _, err := b.panel.Destroy(t.Context(), developer, back.ID); model.CodeOf(err) != model.CodeForbidden {
		t.Fatal(err)
	}
	if _, err := b.panel.RegisterBackend(t.Context(), developer, launch("orders")); err == nil {
		t.Fatal("registered twice")
	}
	if page, err := b.panel.Audit(t.Context(), owner, model.AuditFilter{}, 0, 10); err != nil || len(page.Entries) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestAuditKeepsNoUserData(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := launch("orders")
	r.Spec.Launch = &model.Launch{UserData: "#!/bin/sh\nexport PASSWORD=canary"}
	if _, err := b.panel.RegisterBackend(t.Context(), developer, r); err != nil {
		t.Fatal(err)
	}
	page, err := b.panel.Audit(t.Context(), owner, model.AuditFilter{}, 0, 10)
	if err != nil || !has(page.Entries[0].After, "user_data") || strings.Contains(string(page.Entries[0].After), "canary") {
		t.Errorf("%v, %v", page, err)
	}
}

func TestAudit_isForOwnersOfTheOwnTeam(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.register("orders")
	if _, err := b.panel.RegisterBackend(t.Context(), foreigner, launch("orders")); err != nil {
		t.Fatal(err)
	}
	for who, c := range map[string]struct {
		actor model.Actor
		rows  int
		code  model.Code
	}{
		"owner":     {owner, 1, ""},
		"foreigner": {foreigner, 1, ""},
		"admin":     {admin, 2, ""},
		"developer": {developer, 0, model.CodeForbidden},
		"nobody":    {nobody, 0, model.CodeUnauthorized},
	} {
		page, err := b.panel.Audit(t.Context(), c.actor, model.AuditFilter{}, 0, 10)
		exported := 0
		exportErr := b.panel.ExportAudit(t.Context(), c.actor, model.AuditFilter{}, func(*model.AuditEntry) error { exported++; return nil })
		if c.code != "" {
			if model.CodeOf(err) != c.code || model.CodeOf(exportErr) != c.code {
				t.Errorf("%s: %v, %v", who, err, exportErr)
			}
			continue
		}
		if err != nil || exportErr != nil || len(page.Entries) != c.rows || exported != c.rows {
			t.Errorf("%s sees %d rows and exports %d, want %d (%v, %v)", who, len(page.Entries), exported, c.rows, err, exportErr)
		}
	}
}

func TestAudit_pages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		b.register(name)
	}
	var got []int64
	var sizes []int
	for before := int64(0); ; {
		page, err := b.panel.Audit(t.Context(), owner, model.AuditFilter{}, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			got = append(got, e.Seq)
		}
		sizes = append(sizes, len(page.Entries))
		if before = page.Next; before == 0 {
			break
		}
	}
	if !slices.Equal(got, []int64{5, 4, 3, 2, 1}) || !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("rows %v on pages of %v", got, sizes)
	}
}
