package ctl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"
)

type eventsCmd struct {
	inTeam
	Backend []string      `arg:"" optional:"" help:"Name or id. With --follow there may be several; all that you see when left out."`
	Follow  bool          `short:"f" help:"Go on with new ones as they happen, over lost connections, until stopped."`
	Type    []string      `help:"Only what tells of this: backend, job, step, resource, test or sandbox. May be given several times." enum:"backend,job,step,resource,test,sandbox"`
	After   int64         `help:"Of one backend: begin after the event of this number."`
	Since   time.Duration `help:"Of several backends, with --follow: begin so long ago, as in 10m." placeholder:"DURATION"`
}

// Validate refuses flags that do not go together.
func (e *eventsCmd) Validate() error {
	switch one := len(e.Backend) == 1; {
	case !one && !e.Follow:
		return errors.New("name one backend for its history, or follow several, or all, with --follow")
	case !one && e.After != 0:
		return errors.New("numbers are those of one backend's events; where several are followed, say --since")
	case one && e.Since != 0:
		return errors.New("one backend's events have numbers; say --after")
	case e.Since < 0:
		return errors.New("--since is how long ago, as in 10m")
	}
	return nil
}

// Run prints a backend's history and goes on with it, or follows several.
func (e *eventsCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	names, err := e.backends(ctx, s)
	if err != nil {
		return err
	}
	if len(e.Backend) == 1 {
		for id := range names {
			err = e.history(ctx, s, id)
		}
	} else {
		err = e.all(ctx, s, names)
	}
	if ctx.Err() != nil && e.Follow { // it was stopped, as it was meant to be
		return nil
	}
	return err
}

// backends are the names of those that were named, by id.
func (e *eventsCmd) backends(ctx context.Context, s *session) (map[string]string, error) {
	names := map[string]string{}
	for _, ref := range e.Backend {
		b, err := s.backend(ctx, ref)
		if err != nil {
			return nil, err
		}
		names[b.ID] = b.Name
	}
	return names, nil
}

// wants tells whether the event is of a type that was asked for.
func (e *eventsCmd) wants(x *event) bool { return len(e.Type) == 0 || slices.Contains(e.Type, x.Type) }

// history prints what has happened to a backend, and goes on with it.
func (e *eventsCmd) history(ctx context.Context, s *session, id string) error {
	query := url.Values{"after": {strconv.FormatInt(e.After, 10)}, "limit": {"1000"}}
	items, err := s.pages(ctx, "/backends/"+id+"/events/list", query)
	if err != nil {
		return err
	}
	wanted := []json.RawMessage{}
	from := after(id, e.After)
	show := func(x event) (bool, error) { return true, s.printEvent(&x, strconv.FormatInt(x.Seq, 10)) }
	for _, item := range items {
		_, err := from.take(item, func(x event) (bool, error) {
			if !e.wants(&x) {
				return true, nil
			}
			if s.json && !e.Follow {
				wanted = append(wanted, item)
				return true, nil
			}
			return show(x)
		})
		if err != nil {
			return err
		}
	}
	if !e.Follow {
		if !s.json {
			return nil
		}
		return s.show(list[json.RawMessage]{wanted}, nil)
	}
	from.last = strconv.FormatInt(from.seen[id], 10)
	return s.stream(ctx, "/backends/"+id+"/events", from, func(x event) (bool, error) {
		if !e.wants(&x) {
			return true, nil
		}
		return show(x)
	}, lostPanel)
}

// all follows several backends over the one stream that has the events of all.
func (e *eventsCmd) all(ctx context.Context, s *session, names map[string]string) error {
	query := url.Values{}
	if e.Team != "" {
		t, err := s.team(ctx, e.Team)
		if err != nil {
			return err
		}
		query.Set("team_id", t.ID)
	}
	from, begin := &cursor{seen: map[string]int64{}}, time.Time{}
	if e.Since > 0 {
		begin = time.Now().Add(-e.Since)
		from.last = strconv.FormatInt(begin.UnixMilli(), 10)
	}
	path := "/events"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	named := len(names) > 0
	return s.stream(ctx, path, from, func(x event) (bool, error) {
		if _, ok := names[x.BackendID]; named && !ok || !e.wants(&x) || x.At.Before(begin) {
			return true, nil
		}
		name := ""
		if !s.json {
			name = fmt.Sprintf("%-20s", s.nameOf(ctx, names, x.BackendID)) // as long as a name may be
		}
		return true, s.printEvent(&x, name)
	}, lostPanel)
}

// lostPanel tells that the panel went away, beside what was asked for.
func lostPanel(why error) { aside("The panel is gone (%v); asking again.", why) }

// nameOf is the backend's name, asked for once; its id where it is not to be had.
func (s *session) nameOf(ctx context.Context, names map[string]string, id string) string {
	if name, known := names[id]; known {
		return name
	}
	var b Backend
	if err := s.call(ctx, "GET", "/backends/"+url.PathEscape(id), nil, &b); err != nil {
		return id // the next event asks again
	}
	names[id] = b.Name
	return b.Name
}

// printEvent prints one line for an event, with its number or its backend in
// front.
func (s *session) printEvent(e *event, front string) error {
	if s.json {
		_, err := fmt.Fprintf(s.out, "%s\n", e.raw)
		return err
	}
	return eventLine(s.out, e, front)
}

func eventLine(out io.Writer, e *event, front string) error {
	var data struct {
		Title, Name, State, Phase, Operation, Why string
		Passed                                    *bool
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	what := cmp.Or(data.Title, data.Operation, data.Name, e.Key, "-")
	state := cmp.Or(data.State, data.Phase, "-")
	if data.Passed != nil {
		state = map[bool]string{true: "passed", false: "did not pass"}[*data.Passed]
	}
	text := fmt.Sprintf("%5s  %s  %-8s  %s: %s", front, e.At.Local().Format(time.DateTime), e.Type, oneLine(what), state)
	if data.Why != "" {
		text += " (" + oneLine(data.Why) + ")"
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
