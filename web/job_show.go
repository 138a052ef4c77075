package web

import (
	"cmp"
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// jobView is a job's page: its head and its waterfall.
type jobView struct {
	ID         string
	Title      string
	BackendURL string
	Backend    string
	Crumb      ui.Crumb // the list that the backend is on
	Notices    string   // addresses of what else is told of the backend
	Audit      string   // "" for whom it is not
	StreamURL  string
	Head       jobHead
	Steps      []stepRow
}

// jobHead is the part of the page that the job's own state changes.
type jobHead struct {
	State     ui.State
	Actor     string
	Created   ui.Time
	Elapsed   string
	Progress  string // "7 of 14 steps done"
	Done, All int
	Why       string
	Problem   *ui.Problem
	InvokeURL string // when the chain is ready
	Sandbox   *sandboxView
	Left      string // "About 1 min 50 s left."; "" when nobody can say
	UntilMS   int64  // when it is likely to be done, as NowMS; -1 for none
	NowMS     int64  // milliseconds since the origin, as the page was made
	Live      bool   // the clock ticks
	Ended     bool
	URL       string // of this page
	Cancel    jobButton
	Retry     jobButton
	RollBack  jobButton
	Destroy   jobButton
	Orphans   jobButton // the page of what was left behind
	Stopping  string    // that cancel was asked for, and what follows
	Related   *jobLink
	Next      string
	NextURL   string
}

// jobButton is something to press: offered with a URL, shown disabled with
// why, or not shown at all.
type jobButton struct {
	URL       string
	Why       string
	HolderURL string // of the job that stands in the way
}

// Shown tells whether there is anything to show.
func (b jobButton) Shown() bool { return b.URL != "" || b.Why != "" }

// jobLink leads to a job that has to do with this one.
type jobLink struct{ Words, Label, URL string }

// stepRow is one line of the waterfall.
type stepRow struct {
	Key        string
	Title      string
	Kind       string
	State      ui.State
	StartMS    int64 // since the origin; -1 when it has not started
	EndMS      int64 // -1 while it runs
	Bar        bar
	Elapsed    string
	Typical    string
	Left       string // as the head's
	UntilMS    int64
	Why        string
	AWSID      string
	ShortID    string
	RequestIDs []string
	Attempt    string // "third try"; "" for the first
	Problem    *ui.Problem
	Brief      string // of a problem that the head tells in full
}

// bar is a step's place on the job's span, in thousandths of it.
type bar struct{ X, Width int }

// showJob shows a job as it is; the stream goes on from there.
func (w *Web) showJob(c echo.Context) error {
	d, err := w.panel.Job(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	v := newJobView(d, actorOf(c), w.now())
	return w.page(c, w.layoutView(c, v.Title, navOf(d.Sandbox)), jobPage(v))
}

// cancelJob asks a job to stop before its next change in AWS.
func (w *Web) cancelJob(c echo.Context) error {
	job, err := w.panel.CancelJob(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}

// retryJob lets a failed or cancelled job go on from where it stopped.
func (w *Web) retryJob(c echo.Context) error {
	job, err := w.panel.RetryJob(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}

func newJobView(d *panel.JobDetail, actor model.Actor, now time.Time) jobView {
	d = withPlannedSteps(d)
	v := jobView{
		ID: d.ID, Title: operationWord(d.Operation) + " " + d.Backend.Name,
		Backend: d.Backend.Name, BackendURL: pathBackend(d.BackendID), Crumb: listCrumb(d.Sandbox),
		Notices: pathNoticesOf(d.BackendID), Audit: auditOf(actor, &d.Backend),
		StreamURL: streamFrom(pathJobStream(d.ID), d.Backend.EventSeq),
		Head:      newJobHead(d, actor, now),
	}
	for i := range d.Steps {
		row := newStepRow(d, &d.Steps[i], now)
		if row.Problem != nil && v.Head.Problem != nil {
			row.Brief, row.Problem = row.Problem.Code+": "+row.Problem.Message, nil
		}
		v.Steps = append(v.Steps, row)
	}
	return v
}

// withPlannedSteps shows a queued job's plan as steps to come.
func withPlannedSteps(d *panel.JobDetail) *panel.JobDetail {
	if len(d.Steps) > 0 || d.Plan == nil {
		return d
	}
	shown := *d
	for i, item := range d.Plan.Items {
		shown.Steps = append(shown.Steps, model.Step{
			JobID: d.ID, Key: item.Key, Kind: item.Kind, Action: item.Action,
			Title: itemTitle(item), Position: i, State: model.StepPending,
		})
	}
	return &shown
}

func newJobHead(d *panel.JobDetail, actor model.Actor, now time.Time) jobHead {
	from, to := span(d, now)
	h := jobHead{
		State: ui.JobState(d.State), Actor: d.Actor, Created: ago(d.CreatedAt, now), Why: d.Why,
		Elapsed: seconds(to.Sub(from)), NowMS: to.Sub(from).Milliseconds(), Live: !d.State.Ended() && !d.StartedAt.IsZero(),
		Ended: d.State.Ended(), URL: pathJob(d.ID),
		Stopping: stoppingWords(d), Related: relatedJob(d), All: len(d.Steps), Sandbox: newSandboxView(d.Sandbox, actor, now),
	}
	for _, s := range d.Steps {
		if s.State == model.StepDone || s.State == model.StepSkipped {
			h.Done++
		}
	}
	h.Left, h.UntilMS = left(d.ExpectedAt(now), from, now)
	h.Progress = fmt.Sprintf("%d of %d steps done", h.Done, h.All)
	if d.Problem != nil {
		h.Problem = jobProblem(d)
	}
	h.addButtons(d, actor)
	if d.State == model.JobSucceeded {
		h.Next, h.NextURL = "Go to the backend", pathBackend(d.BackendID)
		switch d.Operation {
		case model.OpProvision, model.OpUpdate, model.OpWake:
			h.InvokeURL = d.Backend.InvokeURL
		}
	}
	return h
}

// span is the time that the waterfall covers: from the first thing that
// happened to the end, or to now.
func span(d *panel.JobDetail, now time.Time) (from, to time.Time) {
	from, to = d.StartedAt, now
	if from.IsZero() {
		from = d.CreatedAt
	}
	for _, s := range d.Steps {
		if !s.StartedAt.IsZero() && s.StartedAt.Before(from) {
			from = s.StartedAt
		}
	}
	if d.State.Ended() && !d.FinishedAt.IsZero() {
		to = d.FinishedAt
	}
	if to.Before(from) {
		to = from
	}
	return from, to
}

func newStepRow(d *panel.JobDetail, s *model.Step, now time.Time) stepRow {
	from, to := span(d, now)
	row := stepRow{
		Key: s.Key, Title: s.Title, Kind: string(s.Kind), State: ui.StepState(s.State), Why: s.Why,
		AWSID: s.AWSID, ShortID: shortID(s.AWSID), RequestIDs: s.RequestIDs, StartMS: -1, EndMS: -1, UntilMS: -1,
	}
	if s.State == model.StepWaiting && !d.State.Ended() {
		row.Left, row.UntilMS = left(s.ExpectedAt, from, now)
	}
	if t := d.Typical[string(s.Kind)+" "+string(s.Action)]; t > 0 {
		row.Typical = "typically " + seconds(time.Duration(t*float64(time.Second)))
	}
	if s.Attempt > 1 {
		row.Attempt = fmt.Sprintf("try %d", s.Attempt)
	}
	if s.Problem != nil {
		row.Problem = newProblem("This step failed", s.Problem)
	}
	if s.StartedAt.IsZero() {
		return row
	}
	end := to
	row.StartMS = s.StartedAt.Sub(from).Milliseconds()
	if !s.FinishedAt.IsZero() {
		end = s.FinishedAt
		row.EndMS = end.Sub(from).Milliseconds()
	} else if d.State.Ended() {
		row.EndMS = to.Sub(from).Milliseconds()
	}
	row.Elapsed = seconds(end.Sub(s.StartedAt))
	row.Bar = newBar(s.StartedAt.Sub(from), end.Sub(from), to.Sub(from))
	return row
}

// left says how long it is until something is likely to be done, and when that
// is in milliseconds from the origin.
func left(at, origin, now time.Time) (words string, ms int64) {
	if at.IsZero() {
		return "", -1
	}
	return leftWords(at.Sub(now)), at.Sub(origin).Milliseconds()
}

// leftWords is also in app.js, which counts on from here.
func leftWords(d time.Duration) string {
	switch s := int(d.Round(time.Second) / time.Second); {
	case s < 1:
		return "Any moment now."
	case s < 60:
		return fmt.Sprintf("About %d s left.", s)
	case s < 600:
		return fmt.Sprintf("About %d min %02d s left.", s/60, s%60)
	default:
		return fmt.Sprintf("About %d min left.", (s+30)/60)
	}
}

// minBar keeps a step that took no time visible.
const minBar = 4

func newBar(start, end, all time.Duration) bar {
	if all <= 0 {
		return bar{0, minBar}
	}
	at := func(d time.Duration) int { return int(min(max(d, 0), all) * 1000 / all) }
	b := bar{X: at(start)}
	b.Width = max(at(end)-b.X, minBar)
	b.X = min(b.X, 1000-b.Width)
	return b
}

// jobProblem tells why the job stopped in the words of the step that failed,
// where the job's own say less.
func jobProblem(d *panel.JobDetail) *ui.Problem {
	p := newProblem("The job stopped", d.Problem)
	p.Past = d.Next != nil
	for _, s := range d.Steps {
		if s.State != model.StepFailed || s.Problem == nil {
			continue
		}
		p.Title = "The job stopped at this step: " + s.Title
		p.Code, p.Message = s.Problem.Code, s.Problem.Message
		p.Call, p.HelpURL = callWords(s.Problem), s.Problem.Help
		p.RequestID = cmp.Or(p.RequestID, s.Problem.RequestID)
		p.Meaning = cmp.Or(p.Meaning, s.Problem.Meaning)
		p.Exists = cmp.Or(p.Exists, s.Problem.Exists)
		p.Advice = cmp.Or(p.Advice, s.Problem.Advice)
		break
	}
	return p
}

func newProblem(title string, p *model.Problem) *ui.Problem {
	return &ui.Problem{
		Title: title, Code: p.Code, Message: p.Message, Meaning: p.Meaning, Call: callWords(p),
		Exists: p.Exists, Advice: p.Advice, RequestID: p.RequestID, HelpURL: p.Help,
	}
}

// callWords names the AWS call that a problem is about, "" when there was none.
func callWords(p *model.Problem) string {
	if p.Operation == "" {
		return ""
	}
	if p.Status == 0 {
		return p.Service + ", " + p.Operation
	}
	return fmt.Sprintf("%s, %s, HTTP status %d", p.Service, p.Operation, p.Status)
}
