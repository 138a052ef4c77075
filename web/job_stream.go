package web

import (
	"slices"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// streamJob keeps a job's page true, in the way of streamBackend. The ids of
// its messages are the backend's event numbers, so a reconnect misses nothing.
func (w *Web) streamJob(c echo.Context) error {
	actor, cursor := actorOf(c), cursorOf(c)
	return w.stream(c, func(l *live) error {
		d, err := w.panel.Job(l.ctx, actor, c.Param("id"))
		if err != nil {
			return err
		}
		if err := l.open(); err != nil {
			return err
		}
		from := d.Backend.EventSeq
		if from != cursor {
			if err := l.send(from, w.jobParts(d, actor, "")...); err != nil {
				return err
			}
		}
		apply := func(e model.Event) error {
			renew, changed, err := applyToJob(d, e)
			if err != nil || !changed {
				return err
			}
			if renew == "" { // what can be asked of the job may be something else now
				now, err := w.panel.Job(l.ctx, actor, d.ID)
				if err != nil {
					return err
				}
				d.Actions, d.RolledBackBy, d.Next = now.Actions, now.RolledBackBy, now.Next
				if len(d.Steps) == 0 {
					d.Steps = now.Steps // planned only now
				}
			}
			return l.send(e.Seq, w.jobParts(d, actor, renew)...)
		}
		counts := w.counting(func() *model.Sandbox { return d.Sandbox })
		idle := func() error {
			if !counts() {
				return l.idle()
			}
			return l.send(0, w.jobParts(d, actor, "")[0])
		}
		return w.panel.StreamEvents(l.ctx, actor, d.BackendID, from, apply, idle)
	})
}

// jobParts are the head and the row of one step; step "" renews all rows.
func (w *Web) jobParts(d *panel.JobDetail, actor model.Actor, step string) []templ.Component {
	v := newJobView(d, actor, w.now())
	parts := []templ.Component{partial("job-head", jobHeadSection(v.Head))}
	i := slices.IndexFunc(v.Steps, func(r stepRow) bool { return r.Key == step })
	if i < 0 {
		return append(parts, partial("steps", stepsSection(v.Steps)))
	}
	return append(parts, partial("step-"+step, stepItem(v.Steps[i])))
}

// applyToJob brings the state forward by one event. step is the row to renew,
// "" for all of them.
func applyToJob(d *panel.JobDetail, e model.Event) (step string, changed bool, err error) {
	switch e.Type {
	case model.EventJob:
		var j model.Job
		if err := decode(e, &j); err != nil || j.ID != d.ID {
			return "", false, err
		}
		if j.Plan == nil {
			j.Plan = d.Plan
		}
		d.Job = j
		return "", true, nil
	case model.EventStep:
		var s model.Step
		if err := decode(e, &s); err != nil || s.JobID != d.ID {
			return "", false, err
		}
		known := slices.ContainsFunc(d.Steps, func(x model.Step) bool { return x.Key == s.Key })
		d.Steps = upsert(d.Steps, s, func(x model.Step) bool { return x.Key == s.Key })
		if !known {
			slices.SortStableFunc(d.Steps, func(a, b model.Step) int { return a.Position - b.Position })
			return "", true, nil
		}
		return s.Key, true, nil
	case model.EventSandbox:
		var x model.Sandbox
		if err := decode(e, &x); err != nil {
			return "", false, err
		}
		d.Sandbox = &x
		return "", true, nil
	case model.EventBackend:
		var b model.Backend
		if err := decode(e, &b); err != nil {
			return "", false, err
		}
		urlCame := d.Backend.InvokeURL != b.InvokeURL || d.Backend.ActiveJobID != b.ActiveJobID
		d.Backend = b
		return "", urlCame, nil
	}
	return "", false, nil
}
