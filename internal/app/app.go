package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/api"
	"drawbridge/internal/auth"
	"drawbridge/internal/awsapi"
	"drawbridge/internal/events"
	"drawbridge/internal/jobs"
	"drawbridge/internal/metrics"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/prices"
	"drawbridge/internal/probe"
	"drawbridge/internal/provision"
	"drawbridge/internal/provision/kinds"
	"drawbridge/internal/store"
	"drawbridge/internal/traces"
	"drawbridge/internal/webhook"
	"drawbridge/web"
)

// maxIssuerBody bounds the documents and keys of an issuer of workload tokens.
const maxIssuerBody = 1 << 20

// App is a wired Drawbridge that has not begun to work; Run does.
type App struct {
	Panel *panel.Panel
	Store *store.Store
	Auth  *auth.Auth
	Sim   *Sim // nil when switched off

	cfg     Config
	logger  *slog.Logger
	parts   []part
	http    net.Listener
	routes  *echo.Echo
	handler http.Handler
	scrape  net.Listener // nil when no metrics are asked for

	webhooks *webhook.Worker
	prices   *prices.Table
	metrics  *metrics.Metrics
	traces   *traces.Tracer
	stopping atomic.Bool
}

// New opens the database, listens, and wires everything. Its errors are
// start-up lines that say what to do. After an error nothing is left open.
func New(ctx context.Context, cfg Config, logger *slog.Logger) (_ *App, err error) {
	a := &App{cfg: cfg, logger: logger}
	if err := cfg.Access.validate(); err != nil {
		return nil, err
	}
	if a.prices, err = readPrices(cfg.Prices); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	a.metrics = metrics.New(cfg.Version, a.activeJobs, a.monthlyCosts)
	if a.traces, err = traces.New(ctx, traces.Options{Endpoint: cfg.OTLP, Version: cfg.Version, Instance: holder(), Logger: logger}); err != nil {
		return nil, err
	}
	a.metrics.Sandboxes(a.countSandboxes)
	hub := events.NewHub()
	if a.Store, err = openStore(ctx, cfg, logger, hooks{hub.Wake, a.metrics.DatabaseError, hub.WakeAll, a.wakeWebhooks}); err != nil {
		return nil, err
	}
	if !cfg.Sim.Off {
		if a.Sim, err = NewSim(cfg.Sim, cfg.DataDir, logger); err != nil {
			return nil, err
		}
		cfg.Environments = append(cfg.Environments, a.Sim.Environment())
	}
	if err := seed(ctx, a.Store, cfg.Environments); err != nil {
		return nil, err
	}
	if a.Sim != nil {
		if err := seedTemplate(ctx, a.Store, a.Sim.Environment().Name); err != nil {
			return nil, fmt.Errorf("make the sample template: %w", err)
		}
	}
	if err := a.listen(); err != nil {
		return nil, err
	}
	if a.http, err = withTLS(a.http, cfg.Access, cfg.DataDir, logger); err != nil {
		return nil, err
	}
	issuers, err := ownNetworks("--issuer-networks", cfg.Access.IssuerNetworks)
	if err != nil {
		return nil, err
	}
	guarded := probe.New(probe.Options{UserAgent: "Drawbridge/" + cfg.Version, MaxBody: maxIssuerBody, Networks: issuers})
	a.Auth = auth.New(a.Store, auth.Options{
		Secure: cfg.Secure || cfg.Access.secure(), Now: a.Store.Now, Logger: logger, Issuers: guarded.HTTP(),
		NoPasswords: cfg.Access.NoPasswords,
	})
	if err := a.Auth.SeedAdmin(ctx); err != nil {
		return nil, fmt.Errorf("make the first team and admin: %w", err)
	}
	install, err := a.Store.InstallID(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the installation's id: %w", err)
	}
	sender, err := a.newSender()
	if err != nil {
		return nil, err
	}
	a.webhooks = webhook.New(webhook.Options{Store: a.Store, Sender: sender, Logger: logger, Observe: a.metrics.Attempt,
		Exclusive: a.Store.Dialect() == store.SQLite})
	a.metrics.WatchBacklog(a.backlog, a.Store.Now)
	worker := a.wirePanel(hub, install, sender)
	a.parts = a.listParts(worker, hub)
	return a, nil
}

// listen opens what the configuration asks for.
func (a *App) listen() (err error) {
	if a.http, err = listen(a.cfg.Listen, "--listen"); err != nil || a.cfg.Metrics == "" {
		return err
	}
	a.scrape, err = listen(a.cfg.Metrics, "--metrics-address")
	return err
}

func (a *App) activeJobs(ctx context.Context) ([]model.JobCount, error) {
	return a.Store.Read().ActiveJobs(ctx)
}

func (a *App) countSandboxes(ctx context.Context) (model.SandboxCounts, error) {
	return a.Store.Read().CountSandboxes(ctx)
}

// wirePanel builds what carries out jobs and, on top of it, the panel.
func (a *App) wirePanel(hub *events.Hub, install string, sender *webhook.Sender) *jobs.Worker {
	pool := awsapi.New(awsapi.Options{Logger: a.logger, InstallID: install, RateFactor: a.cfg.AWSRates,
		Guard: jobs.Held, Observe: a.observeCall})
	client := probe.New(probe.Options{UserAgent: "Drawbridge/" + a.cfg.Version + " (route test)",
		Observe: func(r model.TestRun) { a.metrics.RouteTest(r.Passed) }})
	executor := provision.NewExecutor(provision.Options{
		Kinds: kinds.Registry(pool, client), Journal: observedJournal{a.Store, a.metrics}, Logger: a.logger, StepContext: a.stepContext,
		Explain: awsapi.Explain, Trace: awsapi.Collect, Queue: queue, CancelRequested: jobs.CancelRequested, Now: a.Store.Now,
	})
	run := &engine{executor: executor, store: a.Store, pool: pool, install: install}
	worker := jobs.New(a.Store, a.workerOptions(a.traced(map[model.Operation]jobs.Handler{
		model.OpProvision: run.walk, model.OpUpdate: run.walk, model.OpSleep: run.walk, model.OpWake: run.walk,
		model.OpDestroy: run.destroy, model.OpRollBack: run.rollBack, model.OpCleanUp: run.walk,
	})))
	a.Panel = panel.New(panel.Deps{
		Store: a.Store, InstallID: install, Cloud: cloud{pool}, Worker: worker, Hub: hub, Probe: client, Logger: a.logger, Limits: a.cfg.TeamLimits, Secrets: a.Auth,
		Webhooks: sender, NoPasswords: a.cfg.Access.NoPasswords, Access: a.Auth, Activity: a.activity, Typical: executor.Typical, Prices: a.prices, Differ: executor.Diff,
		SandboxTTL: a.cfg.SandboxTTL, SandboxMaxTTL: a.cfg.SandboxMax,
	})
	return worker
}

// router answers everything that is asked over HTTP.
func (a *App) router(worker *jobs.Worker) *echo.Echo {
	e := newEcho(a.logger, a.metrics, a.cfg.Access.TrustedProxies, a.traceRequest)
	e.Use(a.countStreams)
	if a.cfg.Secure || a.cfg.Access.secure() {
		e.Pre(onlyTLS)
	}
	api.New(api.Deps{Panel: a.Panel, Auth: a.Auth, Keys: a.Store, Rate: a.cfg.APIRate, Version: a.cfg.Version, Logger: a.logger}).Register(e)
	e.Use(ownHosts(a.cfg.Listen, a.cfg.Access).check) // within the API's own, which makes a problem of what it says
	pages := web.New(web.Deps{Panel: a.Panel, Auth: a.Auth, Version: a.cfg.Version, Logger: a.logger,
		Provider: a.provider(), NoPasswords: a.cfg.Access.NoPasswords, URL: a.URL(), Errors: append(awsapi.Explanations(), api.ErrorKinds()), Now: a.Store.Now})
	pages.Register(e)
	a.Auth.Sessions.ErrorFunc = pages.SessionError(e)
	e.HTTPErrorHandler = pages.HandleError // the API answers for /api itself
	e.GET("/healthz", alive)
	e.GET("/readyz", a.ready(worker))
	return e
}

func (a *App) listParts(worker *jobs.Worker, hub *events.Hub) []part {
	a.routes = a.router(worker)
	a.handler = withSessions(a.Auth.Sessions, a.routes)
	parts := []part{{"traces", a.sendTraces}} // stopped in reverse: nothing loses what it stands on
	if a.Sim != nil {
		parts = append(parts, part{"simulated AWS", a.Sim.Run})
	}
	if a.scrape != nil {
		parts = append(parts, part{"metrics", a.serveMetrics()})
	}
	return append(parts,
		part{"listener", func(ctx context.Context) error { return a.Store.Listen(ctx, heard(worker, hub, a.wakeWebhooks)) }},
		part{"audit head", a.logAuditHead},
		part{"idempotency keys", a.pruneKeys},
		part{"sandboxes", a.reapSandboxes},
		part{"schedules", a.followSchedules},
		part{"old notices", a.pruneNotices},
		part{"webhooks", a.webhooks.Run},
		part{"http", serveHTTP(a.http, a.handler)},
		part{"worker", worker.Run}, // the first to stop: other replicas take its jobs at once
	)
}

// Run works until ctx ends or a part fails, then stops the parts in reverse
// order. Running jobs stay resumable.
func (a *App) Run(ctx context.Context) error {
	defer a.close()
	defer context.AfterFunc(ctx, func() { a.stopping.Store(true) })()
	return runParts(ctx, a.parts, a.logger)
}

// URL is where a browser finds the panel.
func (a *App) URL() string {
	switch {
	case a.cfg.Access.URL != "":
		return a.cfg.Access.URL + "/"
	case len(a.cfg.Access.ACMEHosts) > 0:
		return "https://" + a.cfg.Access.ACMEHosts[0] + "/"
	case a.cfg.Access.ownTLS():
		return "https://" + browsable(a.http.Addr()) + "/"
	}
	return "http://" + browsable(a.http.Addr()) + "/"
}

// provider is who signs people in beside the panel itself; nil for nobody.
func (a *App) provider() web.Provider {
	if a.cfg.Access.Provider == nil {
		return nil
	}
	cfg := *a.cfg.Access.Provider
	cfg.RedirectURL = a.URL() + "sign-in/callback"
	return auth.NewProvider(a.Auth, cfg)
}

// SignInLink makes a one-time link that signs the admin in; "" once an admin
// can sign in by themselves.
func (a *App) SignInLink(ctx context.Context) (string, error) {
	needed, err := a.Auth.NeedsSetUp(ctx)
	if err != nil || !needed {
		return "", err
	}
	token, err := a.Auth.NewSignInLink(ctx)
	if err != nil {
		return "", fmt.Errorf("make the one-time sign-in link: %w", err)
	}
	return a.URL() + "sign-in/" + url.PathEscape(token), nil
}

func (a *App) close() {
	for _, l := range []net.Listener{a.http, a.scrape} {
		if l != nil {
			_ = l.Close()
		}
	}
	if a.Sim != nil {
		a.Sim.Close()
	}
	if a.Store != nil {
		if err := a.Store.Close(); err != nil {
			a.logger.Error("closing the database", "error", err)
		}
	}
}
