package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
)

type eventsCmd struct {
	Backend string `arg:"" help:"Name or id."`
	Follow  bool   `short:"f" help:"Go on with new ones as they happen, over lost connections, until stopped."`
	After   int64  `help:"Begin after the event of this number."`
}

// Run prints a backend's history, and goes on with it.
func (e *eventsCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, e.Backend)
	if err != nil {
		return err
	}
	items, err := s.pages(ctx, "/backends/"+b.ID+"/events/list", url.Values{"after": {fmt.Sprint(e.After)}, "limit": {"1000"}})
	if err != nil {
		return err
	}
	if !e.Follow {
		return s.show(list[json.RawMessage]{items}, func(out io.Writer) error {
			for _, item := range items {
				if err := s.printEvent(item); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, item := range items {
		if err := s.printEvent(item); err != nil {
			return err
		}
		var read event
		if err := json.Unmarshal(item, &read); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		e.After = read.Seq
	}
	err = s.stream(ctx, "/backends/"+b.ID+"/events", e.After, func(e event) (bool, error) { return true, s.printEvent(e.raw) },
		func(err error) { aside("The panel is gone (%v); asking again.", err) })
	if ctx.Err() != nil { // it was stopped, as it was meant to be
		return nil
	}
	return err
}

// printEvent prints one line for an event.
func (s *session) printEvent(raw json.RawMessage) error {
	if s.json {
		_, err := fmt.Fprintf(s.out, "%s\n", raw)
		return err
	}
	var e struct {
		Seq  int64
		Type string
		Key  string
		At   string
		Data struct {
			Title, Name, State, Phase, Operation, Why string
			Passed                                    *bool
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	what := firstOf(e.Data.Title, e.Data.Operation, e.Data.Name, e.Key)
	state := firstOf(e.Data.State, e.Data.Phase)
	if e.Data.Passed != nil {
		state = map[bool]string{true: "passed", false: "did not pass"}[*e.Data.Passed]
	}
	text := fmt.Sprintf("%5d  %s  %-8s  %s: %s", e.Seq, cell(map[string]any{"at": e.At}, "at"), e.Type, oneLine(what), state)
	if e.Data.Why != "" {
		text += " (" + oneLine(e.Data.Why) + ")"
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return "-"
}
