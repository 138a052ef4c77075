package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// DemoOptions say how Demo runs.
type DemoOptions struct {
	DataDir  string // temporary; the caller removes it
	Profile  string // the simulator's
	Keep     bool   // leave panel and chain running until ctx ends
	Version  string
	Out      io.Writer
	Logger   *slog.Logger
	OnReport func(*DemoReport) error // called once all is known
}

// DemoReport is what demo --json prints.
type DemoReport struct {
	Backend          string       `json:"backend"`
	InvokeURL        string       `json:"invoke_url"`
	MonthlyUSD       model.USD    `json:"monthly_usd"` // what it would cost in AWS
	Steps            []DemoStep   `json:"steps"`
	Answers          []DemoAnswer `json:"answers"`
	ProvisionSeconds float64      `json:"provision_seconds"`
	DestroySeconds   float64      `json:"destroy_seconds"`
	Seconds          float64      `json:"seconds"` // all of it, from start to end
	Clean            bool         `json:"clean"`   // the simulated AWS is as it was before
	PeakRSSMiB       float64      `json:"peak_rss_mib"`
	PanelURL         string       `json:"panel_url,omitempty"`    // with --keep
	SignInLink       string       `json:"sign_in_link,omitempty"` // with --keep
}

// DemoStep is one step of a job as it ended.
type DemoStep struct {
	Job     model.Operation `json:"job"`
	Key     string          `json:"key"`
	Title   string          `json:"title"`
	State   model.StepState `json:"state"`
	Seconds float64         `json:"seconds"`
	AWSID   string          `json:"aws_id,omitempty"`
}

// DemoAnswer is what came back through the invoke URL.
type DemoAnswer struct {
	Path   string  `json:"path"`
	Status int     `json:"status"`
	Body   string  `json:"body"`
	Millis float64 `json:"millis"`
	Passed bool    `json:"passed"`
}

// demoActor is who the demo's jobs were asked for by.
var demoActor = model.Actor{ID: "demo", Name: "demo", Admin: true}

// Demo runs a whole Drawbridge with a simulated AWS on free ports and takes
// the article's backend from registration to destruction through it.
func Demo(ctx context.Context, o DemoOptions) error {
	start := time.Now()
	a, err := New(ctx, Config{
		Listen: "127.0.0.1:0", DataDir: o.DataDir, Version: o.Version,
		Sim: SimConfig{Listen: "127.0.0.1:0", Profile: o.Profile},
	}, o.Logger)
	if err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(runCtx) }()

	d := &demo{app: a, out: o.Out, report: &DemoReport{}}
	err = d.run(runCtx, o.Keep)
	if err == nil {
		d.report.Seconds = time.Since(start).Seconds()
		d.report.PeakRSSMiB = peakRSSMiB()
		err = o.OnReport(d.report)
	}
	if err == nil && o.Keep {
		fmt.Fprintf(o.Out, "\nThe chain stays up. Panel: %s  sign in once with %s\nCtrl-C ends it.\n", d.report.PanelURL, d.report.SignInLink)
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, <-ended)
}

type demo struct {
	app    *App
	out    io.Writer
	report *DemoReport
}

func (d *demo) run(ctx context.Context, keep bool) error {
	before := d.app.Sim.Snapshot()
	b, err := d.app.Panel.RegisterBackend(ctx, demoActor, panel.Registration{
		Name: "test", Spec: model.Spec{Source: model.SourceLaunch, Port: model.DefaultPort},
	})
	if err != nil {
		return err
	}
	d.report.Backend = b.ID
	fmt.Fprintf(d.out, "Registered the backend %s: one new instance, port %d, health path %s\n", b.Name, b.Spec.Port, b.Spec.HealthPath)

	plan, err := d.app.Panel.Plan(ctx, demoActor, b.ID, model.OpProvision)
	if err != nil {
		return err
	}
	d.report.MonthlyUSD = plan.Cost.Monthly
	fmt.Fprintf(d.out, "In AWS it would cost %s a month in %s at list prices, without traffic.\n\n", plan.Cost.Monthly, plan.Cost.Region)
	job, err := d.app.Panel.Provision(ctx, demoActor, b.ID)
	if err != nil {
		return err
	}
	if d.report.ProvisionSeconds, err = d.follow(ctx, job); err != nil {
		return err
	}
	if err := d.call(ctx, b.ID); err != nil {
		return err
	}
	if keep {
		d.report.PanelURL = d.app.URL()
		d.report.SignInLink, err = d.app.SignInLink(ctx)
		return err
	}
	if job, err = d.app.Panel.Destroy(ctx, demoActor, b.ID); err != nil {
		return err
	}
	if d.report.DestroySeconds, err = d.follow(ctx, job); err != nil {
		return err
	}
	return d.compare(before, d.app.Sim.Snapshot())
}

// errJobEnded ends the stream that follow reads.
var errJobEnded = errors.New("the job ended")

// follow prints the job's steps as they end and returns how long it took.
func (d *demo) follow(ctx context.Context, job *model.Job) (float64, error) {
	fmt.Fprintf(d.out, "%s\n", strings.ToUpper(string(job.Operation[:1]))+string(job.Operation[1:]))
	start := time.Now()
	var last model.Job
	err := d.app.Panel.StreamEvents(ctx, demoActor, job.BackendID, 0, func(e model.Event) error {
		if e.JobID != job.ID {
			return nil
		}
		switch e.Type {
		case model.EventStep:
			return d.step(job.Operation, e)
		case model.EventJob:
			if err := json.Unmarshal(e.Data, &last); err != nil {
				return fmt.Errorf("read event %d: %w", e.Seq, err)
			}
			if last.State.Ended() {
				return errJobEnded
			}
		}
		return nil
	}, nil)
	if !errors.Is(err, errJobEnded) {
		return 0, fmt.Errorf("follow job %s: %w", job.ID, err)
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(d.out, "  %s after %.1f s\n\n", last.State, seconds)
	if last.State != model.JobSucceeded {
		return seconds, fmt.Errorf("job %s %s: %w", job.ID, last.State, last.Problem)
	}
	return seconds, nil
}

func (d *demo) step(op model.Operation, e model.Event) error {
	var s model.Step
	if err := json.Unmarshal(e.Data, &s); err != nil {
		return fmt.Errorf("read event %d: %w", e.Seq, err)
	}
	if !s.State.Ended() {
		return nil
	}
	seconds := s.FinishedAt.Sub(s.StartedAt).Seconds()
	d.report.Steps = append(d.report.Steps, DemoStep{Job: op, Key: s.Key, Title: s.Title, State: s.State, Seconds: seconds, AWSID: s.AWSID})
	fmt.Fprintf(d.out, "  %-7s %5.1f s  %-14s %s\n", s.State, seconds, s.Key, s.AWSID)
	return nil
}

// call sends the article's three requests through the invoke URL.
func (d *demo) call(ctx context.Context, backendID string) error {
	detail, err := d.app.Panel.Backend(ctx, demoActor, backendID)
	if err != nil {
		return err
	}
	d.report.InvokeURL = detail.InvokeURL
	runs, err := d.app.Panel.RunTests(ctx, demoActor, backendID, nil)
	if err != nil {
		return err
	}
	for _, r := range runs {
		fmt.Fprintf(d.out, "$ curl -i %s\n%s %d  (%.1f ms)\n%s\n", r.URL, r.Proto, r.Status, r.Millis, r.Body)
		path := strings.TrimPrefix(r.URL, strings.TrimSuffix(detail.InvokeURL, "/"))
		d.report.Answers = append(d.report.Answers, DemoAnswer{Path: path, Status: r.Status, Body: r.Body, Millis: r.Millis, Passed: r.Passed})
		if !r.Passed {
			return fmt.Errorf("route test %s: %s", r.Name, r.Reason)
		}
	}
	return nil
}

// compare demands that the simulated AWS is as it was before.
func (d *demo) compare(before, after awssim.Snapshot) error {
	d.report.Clean = before == after
	if !d.report.Clean {
		return fmt.Errorf("the simulated AWS is not as before: %+v, then %+v", before, after)
	}
	fmt.Fprintln(d.out, "The simulated AWS is as it was before.")
	return nil
}
