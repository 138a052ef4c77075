package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// maxJobs is how many jobs the page lists, as panel does.
const maxJobs = 20

// streamBackend keeps a backend's page true. The state is read once; what
// changed since the page's cursor goes out as one message, each later event
// is applied to the state and renews the parts that show it.
func (w *Web) streamBackend(c echo.Context) error {
	actor, cursor := actorOf(c), cursorOf(c)
	return w.stream(c, func(l *live) error {
		d, err := w.panel.Backend(l.ctx, actor, c.Param("id"))
		if err != nil {
			return err
		}
		if err := l.open(); err != nil {
			return err
		}
		if d.EventSeq != cursor {
			if err := l.send(d.EventSeq, w.backendParts(d, actor, allParts)...); err != nil {
				return err
			}
		}
		apply := func(e model.Event) error {
			changed, err := applyToBackend(d, e)
			if err != nil || changed == 0 {
				return err
			}
			return l.send(e.Seq, w.backendParts(d, actor, changed)...)
		}
		counts := w.counting(func() *model.Sandbox { return d.Sandbox })
		idle := func() error {
			if !counts() {
				return l.idle()
			}
			return l.send(0, w.backendParts(d, actor, partHead)...)
		}
		return w.panel.StreamEvents(l.ctx, actor, d.ID, d.EventSeq, apply, idle)
	})
}

// part names the parts of a backend's page that are renewed apart.
type part int

const (
	partHead part = 1 << iota
	partChain
	partTests
	partRequest
	partResources
	partJobs

	// allParts leaves out the request form: somebody may be typing in it.
	allParts = partHead | partChain | partTests | partResources | partJobs
)

func (w *Web) backendParts(d *panel.BackendDetail, actor model.Actor, which part) []templ.Component {
	v := newBackendView(d, actor, w.now())
	var parts []templ.Component
	add := func(p part, id string, content templ.Component) {
		if which&p != 0 {
			parts = append(parts, partial(id, content))
		}
	}
	add(partHead, "backend-head", backendHeadSection(v.Head))
	add(partChain, "chain", ui.ChainPicture(v.Chain))
	add(partTests, "tests", testsSection(v.Tests))
	add(partRequest, "request", requestSection(v.Request))
	add(partResources, "resources", resourcesSection(v.Resources))
	add(partJobs, "jobs", jobsSection(v.Jobs))
	return parts
}

// applyToBackend brings the state forward by one event and tells what changed.
func applyToBackend(d *panel.BackendDetail, e model.Event) (part, error) {
	switch e.Type {
	case model.EventBackend:
		var b model.Backend
		if err := decode(e, &b); err != nil {
			return 0, err
		}
		hadURL := d.InvokeURL
		d.Backend = b
		if hadURL != b.InvokeURL {
			return partHead | partChain | partTests | partRequest, nil
		}
		return partHead | partChain, nil
	case model.EventResource:
		var r model.Resource
		if err := decode(e, &r); err != nil {
			return 0, err
		}
		d.Resources = upsert(d.Resources, r, func(x model.Resource) bool { return x.Key == r.Key })
		return partChain | partResources, nil
	case model.EventJob:
		var j model.Job
		if err := decode(e, &j); err != nil {
			return 0, err
		}
		applyJob(d, j)
		return partHead | partJobs, nil
	case model.EventSandbox:
		var x model.Sandbox
		if err := decode(e, &x); err != nil {
			return 0, err
		}
		d.Sandbox = &x
		return partHead, nil
	case model.EventTest:
		var run model.TestRun
		if err := decode(e, &run); err != nil {
			return 0, err
		}
		d.Runs = upsert(d.Runs, run, func(x model.TestRun) bool { return x.Name == run.Name })
		return partTests, nil
	}
	return 0, nil
}

// applyJob puts a new job first, since jobs are listed newest first.
func applyJob(d *panel.BackendDetail, j model.Job) {
	if i := slices.IndexFunc(d.Jobs, func(x model.Job) bool { return x.ID == j.ID }); i >= 0 {
		d.Jobs[i] = j
	} else {
		d.Jobs = slices.Insert(d.Jobs, 0, j)
		d.Jobs = d.Jobs[:min(len(d.Jobs), maxJobs)]
	}
}

func upsert[T any](all []T, item T, same func(T) bool) []T {
	if i := slices.IndexFunc(all, same); i >= 0 {
		all[i] = item
		return all
	}
	return append(all, item)
}

func decode(e model.Event, into any) error {
	if err := json.Unmarshal(e.Data, into); err != nil {
		return fmt.Errorf("read event %d of %s: %w", e.Seq, e.BackendID, err)
	}
	return nil
}

// streamBackends keeps the list true.
func (w *Web) streamBackends(c echo.Context) error {
	return w.streamList(c, func() (templ.Component, error) {
		v, err := w.backendList(c)
		return partial("backends", backendList(v)), err
	})
}

// streamList keeps a list of backends true, as look shows it. It sends the
// whole list when something differs from what it sent last: after each change,
// and when it was quiet.
func (w *Web) streamList(c echo.Context, look func() (templ.Component, error)) error {
	return w.stream(c, func(l *live) error {
		var last []byte
		renew := func() error {
			list, err := look()
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := list.Render(l.ctx, &b); err != nil {
				return fmt.Errorf("render list: %w", err)
			}
			if bytes.Equal(b.Bytes(), last) {
				return l.idle()
			}
			last = b.Bytes()
			return l.send(0, list)
		}
		if err := l.open(); err != nil {
			return err
		}
		if err := renew(); err != nil {
			return err
		}
		return w.panel.StreamBackends(l.ctx, actorOf(c), func([]string) error { return renew() }, renew)
	})
}
