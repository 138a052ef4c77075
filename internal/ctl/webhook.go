package ctl

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
)

type webhooksCmd struct {
	List       webhooksListCmd       `cmd:"" help:"List a team's webhooks."`
	Create     webhooksCreateCmd     `cmd:"" help:"Make a webhook; the secret of its signatures is printed this once."`
	Delete     webhooksDeleteCmd     `cmd:"" help:"Delete a webhook."`
	Test       webhooksTestCmd       `cmd:"" help:"Send a test to a webhook."`
	Deliveries webhooksDeliveriesCmd `cmd:"" help:"List what was sent to a webhook."`
	Redeliver  webhooksRedeliverCmd  `cmd:"" help:"Send a notice once more, or all that failed."`
}

type webhooksListCmd struct{ inTeam }

// Run prints the webhooks.
func (l *webhooksListCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := l.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/webhooks", nil, column{"NAME", "name"}, column{"FORMAT", "format"}, column{"TARGET", "target"}, column{"ON", "enabled"}, column{"FAILING SINCE", "failing_since"}, column{"ID", "id"})
}

type webhooksCreateCmd struct {
	inTeam
	Name   string   `arg:"" help:"What it is for."`
	Target string   `arg:"" name:"url" help:"Where to send to."`
	Format string   `help:"standard: JSON, signed as Standard Webhooks has it. slack: a message for Slack or Mattermost." enum:"standard,slack" default:"standard"`
	Event  []string `help:"A type of notices to send; all when left out. May be given several times." placeholder:"TYPE"`
}

// Run prints the secret alone, so that a script can take it.
func (w *webhooksCreateCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := w.open(ctx, c)
	if err != nil {
		return err
	}
	in := map[string]any{"name": w.Name, "url": w.Target, "format": w.Format}
	if len(w.Event) > 0 {
		in["events"] = w.Event
	}
	var answer map[string]any
	if err := s.call(ctx, "POST", path+"/webhooks", in, &answer); err != nil {
		return err
	}
	if answer["secret"] == nil {
		return s.done(answer, "%s is made.", w.Name)
	}
	return s.done(answer, "%v", answer["secret"])
}

// webhookRef names a webhook of a team.
type webhookRef struct {
	inTeam
	Webhook string `arg:"" help:"Name or id."`
}

func (r *webhookRef) find(ctx context.Context, c *Cmd) (*session, string, error) {
	s, path, err := r.open(ctx, c)
	if err != nil {
		return nil, "", err
	}
	w, err := s.find(ctx, path+"/webhooks", "webhook", r.Webhook)
	if err != nil {
		return nil, "", err
	}
	return s, path + "/webhooks/" + url.PathEscape(w.ID), nil
}

type webhooksDeleteCmd struct{ webhookRef }

// Run deletes it.
func (d *webhooksDeleteCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := d.find(ctx, c)
	if err != nil {
		return err
	}
	if err := s.call(ctx, "DELETE", path, nil, nil); err != nil {
		return err
	}
	return s.done(thing{Name: d.Webhook}, "%s is deleted.", d.Webhook)
}

type webhooksTestCmd struct{ webhookRef }

// Run sends the test.
func (t *webhooksTestCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.find(ctx, c)
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := s.call(ctx, "POST", path+"/test", nil, &answer); err != nil {
		return err
	}
	return s.done(answer, "The test is on its way. See what came of it with: ctl webhooks deliveries %s", t.Webhook)
}

type webhooksDeliveriesCmd struct {
	webhookRef
	State string `help:"Only deliveries in this state: pending, delivered or failed."`
	Limit int    `help:"How many of the newest." default:"50"`
}

// Run prints the deliveries.
func (d *webhooksDeliveriesCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := d.find(ctx, c)
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(d.Limit)}}
	if d.State != "" {
		query.Set("state", d.State)
	}
	return s.showPage(ctx, path+"/deliveries", query, column{"ID", "id"}, column{"TYPE", "type"}, column{"STATE", "state"}, column{"ATTEMPTS", "attempts"}, column{"STATUS", "status"}, column{"ERROR", "error"})
}

type webhooksRedeliverCmd struct {
	webhookRef
	Delivery string `arg:"" optional:"" help:"The delivery's id; all that failed when left out."`
}

// Run sends once more.
func (r *webhooksRedeliverCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := r.find(ctx, c)
	if err != nil {
		return err
	}
	if r.Delivery != "" {
		path += "/deliveries/" + url.PathEscape(r.Delivery)
	}
	var answer map[string]any
	if err := s.call(ctx, "POST", path+"/redeliver", nil, &answer); err != nil {
		return err
	}
	return s.show(answer, func(out io.Writer) error {
		if r.Delivery != "" {
			_, err = fmt.Fprintln(out, "It is sent once more.")
		} else {
			_, err = fmt.Fprintf(out, "%s notices are sent once more.\n", cell(answer, "deliveries"))
		}
		return err
	})
}

type noticesCmd struct {
	Type  string `help:"Only this type, or all of a noun, as in sandbox."`
	Limit int    `help:"How many of the newest." default:"50"`
}

// Run prints the newest notices of the teams that the token sees.
func (n *noticesCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(n.Limit)}}
	if n.Type != "" {
		query.Set("type", n.Type)
	}
	return s.showPage(ctx, "/notices", query, column{"AT", "at"}, column{"TYPE", "type"}, column{"WHAT", "title"})
}
