package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// planView is the page that shows what a job would do.
type planView struct {
	Backend    string
	BackendURL string
	Title      string
	Lead       string
	Items      []planRow
	Still      []planRow // what stays as it is, beside what does not
	Findings   []findingView
	ApplyURL   string // "" when the actor may not, or must not, apply it
	ApplyLabel string
	Variant    string // of the button
	TestID     string
	Why        string // why it cannot be applied
	Cost       *costView
	Takes      string      // how long it is likely to take; "" when nobody can say
	Form       backendForm // what the plan was made from, to be sent again; see Edit
	EditURL    string
	Edit       int // the version of the spec that is edited; 0 when none is
}

// below is the same button under a long plan.
func (v planView) below() planView {
	v.TestID += "-below"
	return v
}

// planRow is one resource of the plan.
type planRow struct {
	Number  int
	Key     string
	Title   string
	Name    string
	Kind    string
	Action  ui.State
	Needs   string
	Reasons []string
	AWSID   string
}

// findingView is something that was seen before anything was made.
type findingView struct {
	Severity ui.State
	Message  string
	Advice   string
}

// planBackend shows what would be made, or with ?operation=destroy deleted.
func (w *Web) planBackend(c echo.Context) error {
	op := model.Operation(c.QueryParam("operation"))
	switch op {
	case "":
		op = model.OpProvision
	case model.OpProvision, model.OpSleep, model.OpWake, model.OpDestroy:
	default:
		return model.Errorf(model.CodeInvalid, "%q is not an operation; use %s, %s, %s or %s.", op, model.OpProvision, model.OpSleep, model.OpWake, model.OpDestroy)
	}
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	b, err := w.panel.Backend(ctx, actor, id)
	if err != nil {
		return err
	}
	plan, err := w.panel.Plan(ctx, actor, id, op)
	if err != nil {
		return err
	}
	v := newPlanView(&b.Backend, plan, actor)
	return w.page(c, w.layoutView(c, v.Title+" of "+b.Name, "backends"), planPage(v))
}

func newPlanView(b *model.Backend, p *model.Plan, actor model.Actor) planView {
	v := planView{Backend: b.Name, BackendURL: pathBackend(b.ID), Cost: planCost(p)}
	actions := map[model.Action]int{}
	// Of a check, which is nothing in AWS, there is nothing to let go.
	items := slices.DeleteFunc(slices.Clone(p.Items), func(item model.PlanItem) bool {
		return isCheck(item.Kind) && (item.Action == model.ActionLetGo || item.Action == model.ActionUse)
	})
	for i, item := range items {
		item.Needs = slices.DeleteFunc(slices.Clone(item.Needs), func(n model.Need) bool {
			return !slices.ContainsFunc(items, func(other model.PlanItem) bool { return other.Key == n.Key })
		})
		actions[item.Action]++
		row := planRow{
			Key: item.Key, Title: itemTitle(item), Name: itemName(item), Kind: string(item.Kind),
			Action: ui.ActionState(item.Action), Needs: needsWords(item.Needs, i),
			Reasons: item.Reasons, AWSID: item.AWSID,
		}
		if item.Action == model.ActionKeep {
			v.Still = append(v.Still, row)
		} else {
			v.Items = append(v.Items, row)
		}
	}
	if len(v.Items) == 0 {
		v.Items, v.Still = v.Still, nil // the page is no less for a plan that does nothing
	}
	for i := range v.Items {
		v.Items[i].Number = i + 1
	}
	v.Takes = takesWords(p)
	for _, f := range p.Findings {
		v.Findings = append(v.Findings, findingView{ui.SeverityState(f.Severity), f.Message, f.Advice})
	}
	v.describe(p.Operation, len(p.Items), actions)
	v.decide(b, p, actor)
	return v
}

// takesWords says how long the plan is likely to take.
func takesWords(p *model.Plan) string {
	if p.Expected < time.Second || p.Blocked() {
		return ""
	}
	d := p.Expected.Round(time.Second)
	if d >= 10*time.Minute {
		d = d.Round(time.Minute)
	}
	words := fmt.Sprintf("%d s", int(d.Seconds())) // a guess has no tenths
	if d >= time.Minute {
		words = seconds(d)
	}
	return "It is likely to take about " + words + "."
}

// isCheck tells whether the kind is a question that is asked, and nothing in AWS.
func isCheck(k model.ResourceKind) bool { return strings.HasPrefix(string(k), "http.") }

func (v *planView) describe(op model.Operation, all int, actions map[model.Action]int) {
	if op == model.OpRollBack {
		v.Title = "Roll back plan"
		v.Lead = rollBackWords(actions[model.ActionDelete], actions[model.ActionKeep])
		v.ApplyLabel, v.Variant, v.TestID = "Roll back", "destructive", "confirm-roll-back"
		return
	}
	if op == model.OpDestroy {
		v.Title = "Destroy plan"
		v.Lead = fmt.Sprintf("%s will be deleted, in this order. What is yours or shared stays as it is. The invoke URL stops answering with the first step.", count(actions[model.ActionDelete], "resource"))
		v.ApplyLabel, v.Variant, v.TestID = "Destroy "+v.Backend, "destructive", "confirm-destroy"
		return
	}
	v.Variant = "primary"
	switch op {
	case model.OpUpdate:
		v.Title, v.Lead = "Update plan", updateWords(actions)
		v.ApplyLabel, v.TestID = "Apply", "apply-update"
	case model.OpSleep:
		v.Title, v.ApplyLabel, v.TestID = "Sleep plan", "Put "+v.Backend+" to sleep", "confirm-sleep"
		v.Lead = "The targets leave when their last requests have ended, then the instances are stopped. All else stays: the invoke URL is the same afterwards, and answers 503 until the backend wakes."
	case model.OpWake:
		v.Title, v.ApplyLabel, v.TestID = "Wake plan", "Wake "+v.Backend, "confirm-wake"
		v.Lead = "The instances are started, join when they are healthy, and the first answer is asked for. The invoke URL is the same as before."
	default:
		v.Title = "Plan"
		v.Lead = planWords(all, actions[model.ActionKeep]) + " Steps that do not need each other run at once."
		v.ApplyLabel, v.TestID = "Provision", "provision"
	}
}

// updateWords says what an update does, and that nothing is interrupted.
func updateWords(actions map[model.Action]int) string {
	var parts []string
	for _, one := range []struct {
		action model.Action
		words  string
	}{
		{model.ActionCreate, "made"}, {model.ActionUpdate, "changed in place"}, {model.ActionReplace, "replaced"},
		{model.ActionDelete, "deleted"}, {model.ActionLetGo, "let go"},
	} {
		if n := actions[one.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, one.words))
		}
	}
	if len(parts) == 0 {
		return "Nothing changes in AWS."
	}
	return fmt.Sprintf("%s; %d stay as they are. What is new answers before what is old leaves, and the invoke URL stays.",
		strings.Join(parts, ", "), actions[model.ActionKeep])
}

func rollBackWords(deleted, kept int) string {
	words := "Nothing exists that this job made: there is nothing to delete."
	if deleted > 0 {
		words = count(deleted, "resource") + " that this job made will be deleted, in this order."
	}
	if kept > 0 {
		words += " What is older or was found stays as it is."
	}
	return words
}

func stillLabel(n int) string {
	if n == 1 {
		return "1 thing stays as it is"
	}
	return fmt.Sprintf("%d things stay as they are", n)
}

func planWords(all, kept int) string {
	if kept == 0 {
		return count(all, "step") + ". Nothing has been made yet."
	}
	return fmt.Sprintf("%s. What exists already (%d of them) is kept as it is.", count(all, "step"), kept)
}

// decide offers the button, or says why there is none.
func (v *planView) decide(b *model.Backend, p *model.Plan, actor model.Actor) {
	need, url := panel.ProvisionBackends, pathBackendProvision(b.ID)
	switch p.Operation {
	case model.OpSleep:
		url = pathBackendSleep(b.ID)
	case model.OpWake:
		url = pathBackendWake(b.ID)
	case model.OpDestroy:
		need, url = panel.DestroyBackends, pathBackendDestroy(b.ID)
	}
	switch {
	case b.ActiveJobID != "":
		v.Why = "A job holds this backend now; wait for its end or cancel it."
	case p.Blocked():
		v.Why = "Mend what is marked above first; then look at the plan again."
	case !panel.May(actor, need, b.TeamID):
		v.Why = fmt.Sprintf("This needs the role %s; yours is %s.", need.Role(), actor.RoleIn(b.TeamID))
	case !b.Phase.Allows(p.Operation):
		v.Why = fmt.Sprintf("A backend that is %s cannot be changed so.", strings.ToLower(ui.PhaseState(b.Phase).Word))
	default:
		v.ApplyURL = url
	}
}

func itemTitle(item model.PlanItem) string {
	if item.Title != "" {
		return item.Title
	}
	return itemName(item)
}

func itemName(item model.PlanItem) string {
	if item.Name != "" {
		return item.Name
	}
	return item.Key
}

// needsWords names what an item waits for; before is how many stand above it.
func needsWords(needs []model.Need, before int) string {
	if len(needs) == before && before > 4 {
		return "everything else"
	}
	words := make([]string, 0, len(needs))
	for _, n := range needs {
		words = append(words, n.Key)
	}
	return strings.Join(words, ", ")
}

// provisionBackend starts the job and shows it.
func (w *Web) provisionBackend(c echo.Context) error {
	job, err := w.panel.Provision(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}

// destroyBackend starts the job and shows it.
func (w *Web) destroyBackend(c echo.Context) error {
	job, err := w.panel.Destroy(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}
