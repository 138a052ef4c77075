package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// backendView is a backend's page.
type backendView struct {
	ID        string
	Name      string
	Nav       string
	StreamURL string
	Head      backendHead
	Chain     ui.Chain
	Tests     testsView
	Request   requestView
	Resources []resourceRow
	Jobs      []jobRow
	Facts     []fact
	Cost      *costView // nil when nothing is there any more
}

// backendHead is the part of the page that phase and job change.
type backendHead struct {
	Name        string
	Phase       ui.State
	Crumb       ui.Crumb // the list that it is on
	Environment ui.Crumb
	Team        ui.Crumb
	Created     ui.Time
	Comes       string // what its schedule does next; "" for nothing
	InvokeURL   string
	Curl        string
	Sandbox     *sandboxView // nil for a backend without an end
	JobURL      string       // of the job that holds it
	JobWords    string
	Failed      bool // the last job stopped; look at it
	LastJobURL  string
	PlanURL     string
	PlanLabel   string // "" when there is nothing to provision
	EditURL     string // "" when it may not be edited now, and so on
	SleepURL    string
	WakeURL     string
	Asleep      bool
	DestroyURL  string // "" when it may not be destroyed now
	NoticesURL  string
	AuditURL    string // "" for whom it is not
	LogsURL     string // "" when its environment hands out no access logs
	Destroyed   bool
	NewURL      string
}

type fact struct{ Label, Value string }

// resourceRow is one AWS thing.
type resourceRow struct {
	Key, Kind, Name string
	AWSID, ShortID  string
	Ownership       string
	State           ui.State
	Detail          string
}

// jobRow is one job in a backend's list.
type jobRow struct {
	URL, Label, Actor string
	State             ui.State
	Created           ui.Time
	Took              string
}

// showBackend shows one backend with all that is known of it.
func (w *Web) showBackend(c echo.Context) error {
	d, err := w.panel.Backend(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return w.backendPage(c, http.StatusOK, newBackendView(d, actorOf(c), w.now()))
}

func (w *Web) backendPage(c echo.Context, status int, v backendView) error {
	return w.pageWith(c, status, w.layoutView(c, v.Name, v.Nav), backendPage(v))
}

func newBackendView(d *panel.BackendDetail, actor model.Actor, now time.Time) backendView {
	v := backendView{
		ID: d.ID, Name: d.Name, Nav: navOf(d.Sandbox), StreamURL: streamFrom(pathBackendStream(d.ID), d.EventSeq),
		Head: newBackendHead(d, actor, now), Chain: newChain(d), Tests: newTestsView(d, actor, now),
		Request: newRequestView(d, actor), Facts: newFacts(d),
	}
	if d.Cost != nil && d.Phase != model.PhaseDestroyed {
		cost := newCostView(d.Cost, costTitle(d.Phase))
		if d.Phase == model.PhaseAsleep && cost.Asleep != "" {
			cost.Asleep = fmt.Sprintf("It sleeps now, at the rate of %s a month: %s less than awake.", d.Cost.Asleep, d.Cost.Awake-d.Cost.Asleep)
		}
		if d.Sandbox != nil {
			cost.lives(d.Cost, d.Sandbox.EndsAt.Sub(now))
		}
		v.Cost = &cost
	}
	for _, r := range d.Resources {
		v.Resources = append(v.Resources, newResourceRow(r))
	}
	for i := range d.Jobs {
		v.Jobs = append(v.Jobs, newJobRow(&d.Jobs[i], now))
	}
	return v
}

func newBackendHead(d *panel.BackendDetail, actor model.Actor, now time.Time) backendHead {
	h := backendHead{
		Name: d.Name, Phase: ui.PhaseState(d.Phase), Crumb: listCrumb(d.Sandbox),
		Environment: ui.Crumb{Label: d.Environment.Name, URL: pathEnvironment(d.Environment.ID)}, Team: ui.Crumb{Label: d.Team.Name, URL: pathTeam(d.TeamID)},
		Created: ago(d.CreatedAt, now), InvokeURL: d.InvokeURL, Destroyed: d.Phase == model.PhaseDestroyed,
		NewURL: pathBackendNew(), Failed: d.Phase == model.PhaseFailed,
	}
	h.Sandbox = newSandboxView(d.Sandbox, actor, now)
	h.Comes = comesWords(d.Spec.Schedule, d.Phase, now)
	if d.InvokeURL != "" {
		h.Curl = curlOf(http.MethodGet, d.InvokeURL)
	}
	h.NoticesURL, h.AuditURL = pathNoticesOf(d.ID), auditOf(actor, &d.Backend)
	if d.HasLogs {
		h.LogsURL = pathBackendLogs(d.ID)
	}
	if len(d.Jobs) > 0 {
		h.LastJobURL = pathJob(d.Jobs[0].ID)
	}
	h.Asleep = d.Phase == model.PhaseAsleep
	if d.ActiveJobID != "" {
		h.JobURL = pathJob(d.ActiveJobID)
		h.JobWords = "A job is at work on this backend."
		return h
	}
	if panel.May(actor, panel.ProvisionBackends, d.TeamID) && d.Phase.Allows(model.OpProvision) {
		h.PlanURL, h.PlanLabel = pathBackendPlan(d.ID, model.OpProvision), planLabel(d.Phase)
		h.EditURL = pathBackendEdit(d.ID)
		h.addRest(d)
	}
	ends := h.Sandbox != nil && h.Sandbox.EndURL != "" // a sandbox is ended, which destroys it
	if !ends && panel.May(actor, panel.DestroyBackends, d.TeamID) && d.Phase.Allows(model.OpDestroy) {
		h.DestroyURL = pathBackendPlan(d.ID, model.OpDestroy)
	}
	return h
}

// listCrumb is the list on which a backend is to be found.
func listCrumb(x *model.Sandbox) ui.Crumb {
	if x != nil {
		return ui.Crumb{Label: "Sandboxes", URL: pathSandboxes}
	}
	return ui.Crumb{Label: "Backends", URL: pathBackends}
}

// navOf is the entry of the navigation to which the pages of a backend belong.
func navOf(x *model.Sandbox) string {
	if x != nil {
		return "sandboxes"
	}
	return "backends"
}

// auditOf is the audit of one backend, "" for whom it is not.
func auditOf(actor model.Actor, b *model.Backend) string {
	if !panel.May(actor, panel.ReadAudit, b.TeamID) {
		return ""
	}
	return pathAuditOf(b.ID)
}

// addRest offers sleep or its end for what can sleep.
func (h *backendHead) addRest(d *panel.BackendDetail) {
	switch {
	case d.Spec.Source != model.SourceLaunch:
	case h.Asleep:
		h.WakeURL = pathBackendWake(d.ID)
	case d.Phase == model.PhaseReady || d.Phase == model.PhaseDegraded:
		h.SleepURL = pathBackendPlan(d.ID, model.OpSleep)
	}
}

func costTitle(p model.Phase) string {
	if p == model.PhaseRegistered {
		return "What it would cost"
	}
	return "What it costs"
}

func planLabel(p model.Phase) string {
	if p == model.PhaseRegistered {
		return "Look at the plan"
	}
	return "Plan again"
}

func newFacts(d *panel.BackendDetail) []fact {
	facts := []fact{{"Source", sourceWords(d.Spec)}}
	facts = append(facts,
		fact{"Port", fmt.Sprint(d.Spec.Port)},
		fact{"Health check", "GET " + d.Spec.HealthPath},
		fact{"Schedule", scheduleFact(d.Spec)},
		fact{"Region", d.Environment.Region},
		fact{"VPC", d.Environment.VPCID},
		fact{"Subnets", strings.Join(d.Environment.SubnetIDs, ", ")},
	)
	for _, k := range slices.Sorted(maps.Keys(d.Spec.Tags)) {
		facts = append(facts, fact{"Tag " + k, cmp.Or(d.Spec.Tags[k], "(empty)")})
	}
	return append(facts, fact{"Id", d.ID})
}

func scheduleFact(s model.Spec) string {
	if s.Schedule == nil {
		return "none, awake until put to sleep"
	}
	return scheduleWords(s.Schedule)
}

func sourceWords(s model.Spec) string {
	switch {
	case s.Source == model.SourceInstances && s.Instances != nil:
		return "Existing instances " + strings.Join(s.Instances.IDs, ", ")
	case s.Launch == nil:
		return string(s.Source)
	}
	words := fmt.Sprintf("%s of type %s, ", count(s.Launch.Count, "new instance"), s.Launch.InstanceType)
	if s.Launch.AMI == "" {
		words += "Amazon Linux 2023, "
	} else {
		words += s.Launch.AMI + ", "
	}
	if s.Launch.UserData == "" {
		return words + "sample app"
	}
	return words + "your user data"
}

func newResourceRow(r model.Resource) resourceRow {
	return resourceRow{
		Key: r.Key, Kind: string(r.Kind), Name: displayName(r), AWSID: r.AWSID, ShortID: shortID(r.AWSID),
		Ownership: ownershipWords(r), State: resourceState(r), Detail: r.Detail,
	}
}

// resourceState shows what sleeps as such.
func resourceState(r model.Resource) ui.State {
	s := ui.ResourceState(r.State)
	if r.Asleep() && r.State == model.ResourceReady {
		asleep := ui.PhaseState(model.PhaseAsleep)
		s.Word, s.Tone, s.Icon = asleep.Word, asleep.Tone, asleep.Icon
	}
	return s
}

func ownershipWords(r model.Resource) string {
	if isCheck(r.Kind) {
		return "a check, nothing in AWS"
	}
	switch r.Ownership {
	case model.OwnershipManaged:
		return "" // the rule needs no words
	case model.OwnershipShared:
		return "shared by the environment"
	case model.OwnershipReferenced:
		return "yours, never deleted"
	}
	return string(r.Ownership)
}

func newJobRow(j *model.Job, now time.Time) jobRow {
	row := jobRow{
		URL: pathJob(j.ID), Label: operationWord(j.Operation), Actor: j.Actor,
		State: ui.JobState(j.State), Created: ago(j.CreatedAt, now),
	}
	if !j.StartedAt.IsZero() {
		end := j.FinishedAt
		if end.IsZero() {
			end = now
		}
		row.Took = seconds(end.Sub(j.StartedAt))
	}
	return row
}

func operationWord(op model.Operation) string {
	switch op {
	case model.OpProvision:
		return "Provision"
	case model.OpUpdate:
		return "Update"
	case model.OpSleep:
		return "Put to sleep"
	case model.OpWake:
		return "Wake"
	case model.OpDestroy:
		return "Destroy"
	case model.OpRollBack:
		return "Roll back"
	case model.OpCleanUp:
		return "Clean up"
	}
	return string(op)
}
