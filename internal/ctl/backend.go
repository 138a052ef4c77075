package ctl

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
)

type backendsCmd struct {
	List backendsListCmd `cmd:"" help:"List backends."`
	Get  backendsGetCmd  `cmd:"" help:"Show one backend with what it has in AWS."`
}

type backendsListCmd struct {
	Destroyed bool   `help:"Include destroyed ones."`
	Name      string `help:"Only those whose name contains this."`
	Phase     string `help:"Only those in this phase, as in ready."`
}

// Run prints all pages of the list.
func (l *backendsListCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {"1000"}}
	for key, value := range map[string]string{"name": l.Name, "phase": l.Phase} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if l.Destroyed {
		query.Set("destroyed", "true")
	}
	all, err := s.backends(ctx, query)
	if err != nil {
		return err
	}
	return s.show(list[Backend]{all}, func(out io.Writer) error {
		w := table(out)
		fmt.Fprintln(w, "NAME\tPHASE\tINVOKE URL\tID")
		for _, b := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", b.Name, b.Phase, cmp.Or(b.InvokeURL, "-"), b.ID)
		}
		return w.Flush()
	})
}

type backendsGetCmd struct {
	Backend string `arg:"" help:"Name or id."`
}

// Run prints the backend and its resources.
func (g *backendsGetCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, g.Backend)
	if err != nil {
		return err
	}
	if b, err = s.backend(ctx, b.ID); err != nil { // the list has no resources
		return err
	}
	return s.show(b, func(out io.Writer) error {
		w := table(out)
		fmt.Fprintf(w, "Name\t%s\nId\t%s\nPhase\t%s\nInvoke URL\t%s\nJob\t%s\nCost\t%s\n", b.Name, b.ID, b.Phase, cmp.Or(b.InvokeURL, "-"), cmp.Or(b.ActiveJob, "-"), b.Cost.words())
		for _, r := range b.Resources {
			fmt.Fprintf(w, "%s\t%s\t%s\n", r.Title, r.State, cmp.Or(r.AWSID, "-"))
		}
		return w.Flush()
	})
}

type provisionCmd struct {
	Backend string `arg:"" help:"Name or id."`
	waiting
}

// Run begins a provision.
func (p *provisionCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onBackend(ctx, p.waiting, p.Backend, "POST", "/provision")
}

type sleepCmd struct {
	Backend string `arg:"" help:"Name or id."`
	waiting
}

// Run stops the backend's instances.
func (s *sleepCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onBackend(ctx, s.waiting, s.Backend, "POST", "/sleep")
}

type wakeCmd struct {
	Backend string `arg:"" help:"Name or id."`
	waiting
}

// Run starts them again.
func (w *wakeCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onBackend(ctx, w.waiting, w.Backend, "POST", "/wake")
}

type destroyCmd struct {
	Backend string `arg:"" help:"Name or id."`
	waiting
}

// Run begins a destroy.
func (d *destroyCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onBackend(ctx, d.waiting, d.Backend, "DELETE", "")
}

// onBackend begins a job on the backend that was named.
func (c *Cmd) onBackend(ctx context.Context, w waiting, ref, method, path string) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, ref)
	if err != nil {
		return err
	}
	return s.begin(ctx, w, method, "/backends/"+b.ID+path)
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 4, 2, ' ', 0) }
