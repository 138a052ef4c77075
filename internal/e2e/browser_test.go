package e2e

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"drawbridge/internal/model"
)

// -screenshots renews the pictures of the README from the test's browser.
var screenshots = flag.String("screenshots", "", "write screenshots into this folder")

// axe is the accessibility checker axe-core 4.14.1.
//
//go:embed testdata/axe.min.js
var axe string

// browser is one tab of a real Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string // of the panel, without the last slash

	mu       sync.Mutex
	messages []string // of the console: CSP violations, script errors
	told     int      // of these
}

func startBrowser(t *testing.T, s *server) *browser {
	t.Helper()
	path := needs(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, url: "http://" + s.listen}
	// The first step starts the browser, which then lives as long as its context.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, m.String())
			b.mu.Unlock()
		}
	}()
	t.Cleanup(b.strict)
	return b
}

// strict fails the test for each breach of the pages' policy that Chromium
// reported, whatever else the test expects the console to say.
func (b *browser) strict() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if strings.Contains(m, "Content Security Policy") {
			b.t.Errorf("console: %s", m)
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience/2)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.location + "\n" + document.body.innerText`))
		b.t.Fatalf("%v, on the page\n%s", err, page)
	}
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// sees waits until the selector is on the page.
func (b *browser) sees(css string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(css)))
}

func (b *browser) click(css string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(css)))
}

// types replaces the text of a field.
func (b *browser) types(name, text string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(`[name="`+name+`"]`), text))
}

func eval[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// shoot writes a screenshot of the page as it is, when asked to.
func (b *browser) shoot(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	for scheme, width := range map[string]int64{"light": 1280, "dark": 1280, "narrow": 360} {
		b.do(b.looks(scheme), chromedp.EmulateViewport(width, 900))
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+scheme+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(b.looks("light"), chromedp.EmulateViewport(1280, 900))
}

// looks sets the preferred colour scheme; narrow is light.
func (b *browser) looks(scheme string) chromedp.Action[chromedp.Void] {
	if scheme != "dark" {
		scheme = "light"
	}
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			// Without motion a colour is at once what it will be.
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

// accessible fails the test for each violation that axe finds, light and
// dark, and for a page that is wider than a narrow screen.
func (b *browser) accessible(page string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.do(b.looks(scheme))
		eval[bool](b, axe+`;true`)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](
			`axe.run().then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.html).join(" | ")))`,
			chromedp.EvalAwaitPromise))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range found {
			b.t.Errorf("%s page, %s: %s", page, scheme, f)
		}
	}
	b.do(chromedp.EmulateViewport(360, 800))
	if wide := eval[int](b, `document.documentElement.scrollWidth`); wide > 360 {
		b.t.Errorf("%s page is %d px wide on a screen of 360", page, wide)
	}
	b.do(chromedp.EmulateViewport(1280, 900), b.looks("light"))
}

// quiet fails the test for everything that the browser complained of but what
// was expected.
func (b *browser) quiet(expected ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	expected = append(expected, "status of 422") // the browser notes the refused form
	for _, m := range b.messages {
		if !slices.ContainsFunc(expected, func(e string) bool { return strings.Contains(m, e) }) {
			b.t.Errorf("console: %s", m)
		}
	}
}

func TestTheMainJobInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	b := startBrowser(t, s)

	b.do(chromedp.Navigate(s.link))
	b.shoot("sign-in")
	b.click(`[data-testid="sign-in"]`)
	b.choosesAWayIn()
	b.shoot("backends-empty")
	b.accessible("backends, empty")

	b.open("/environments")
	b.sees(`[data-testid="environment-state"][data-state="answers"]`)
	b.shoot("environments")
	b.accessible("environments")
	b.click(`[data-testid="orphans"]`)
	b.sees(`section[data-testid="orphans"]`)
	b.shoot("orphans-none")
	b.accessible("orphans, none")

	registerInBrowser(b)
	b.shoot("plan")
	b.accessible("plan")

	b.click(`[data-testid="provision"]`)
	b.sees(`[data-step="alb"]`)
	b.shoot("job-running")
	job := strings.TrimPrefix(eval[string](b, `location.pathname`), "/jobs/")
	b.do(chromedp.Reload()) // in the middle; the stream goes on from there
	b.sees(`[data-testid="job-state"][data-state="succeeded"]`)
	b.sees(`[data-step="answer"][data-state="done"]`)
	b.shoot("job-done")
	b.accessible("job")

	testInBrowser(b, s, job)
	destroyInBrowser(b)
	rollBackInBrowser(b, s)
	b.quiet()
}

// choosesAWayIn follows the notice to whoever came by the one-time link.
func (b *browser) choosesAWayIn() {
	b.t.Helper()
	b.click(`[data-testid="no-way-in"] a`)
	b.types("password", "correct horse battery")
	b.click(`[data-testid="confirm"]`)
	b.sees(`[data-testid="backends"]`)
}

// registerInBrowser sends a wrong form, mends it and comes to the plan.
func registerInBrowser(b *browser) {
	b.t.Helper()
	b.open("/backends/new")
	b.shoot("register")
	b.accessible("register")
	b.types("name", "Orders!")
	b.types("health_path", "health")
	b.types("port", "0")
	b.click(`[data-testid="register-submit"]`)
	b.sees(`[data-testid="form-error"]`)
	for name, text := range map[string]string{"name": "Orders!", "health_path": "health", "port": "0"} {
		field := `document.querySelector('[name="` + name + `"]')`
		if got := eval[string](b, field+`.value`); got != text {
			b.t.Errorf("the text of %s became %q", name, got)
		}
		if !eval[bool](b, field+`.getAttribute("aria-invalid") === "true" && !!document.getElementById(`+field+`.getAttribute("aria-describedby").split(" ")[0])`) {
			b.t.Errorf("%s has no message beside it", name)
		}
	}
	b.shoot("register-refused")
	b.accessible("register, refused")
	b.types("name", "orders")
	b.types("health_path", "/health")
	b.types("port", "8000")
	b.click(`[data-testid="register-submit"]`)
	b.sees(`[data-testid="plan-items"]`)
}

// testInBrowser looks at the green picture and runs the route tests.
func testInBrowser(b *browser, s *server, job string) {
	b.t.Helper()
	var j model.Job
	s.want(200, "GET", "/api/v1/jobs/"+job, nil).into(b.t, &j)
	b.open("/backends/" + j.BackendID)
	b.sees(`[data-testid="phase"][data-state="ready"]`)
	for _, hop := range []string{"http-api", "vpc-link", "alb", "target-group", "instances"} {
		b.sees(`[data-hop="` + hop + `"][data-state="ready"]`)
	}
	eval[bool](b, `document.querySelector('[data-testid="run-tests"]').focus(); true`)
	b.do(chromedp.KeyEvent("\r"))
	for _, path := range []string{"/", "/service-a", "/service-b"} {
		b.sees(fmt.Sprintf(`[data-test="GET %s"][data-passed="true"]`, path))
	}
	b.do(chromedp.WaitVisible(chromedp.CSS(`[data-testid="run-tests"]:focus`))) // who has no mouse goes on from where they were
	eval[bool](b, `document.activeElement.blur(); true`)
	b.shoot("backend")
	b.accessible("backend")
	b.open("/backends")
	b.sees(`[data-testid="phase"][data-state="ready"]`)
	b.shoot("backends")
	b.accessible("backends")
	b.open("/backends/" + j.BackendID)
	b.click(`[data-testid="logs"]`)
	b.sees(`[data-testid="access-logs"] [data-log="Load balancer"]`)
	b.shoot("access-logs")
	b.accessible("access logs")
	b.open("/environments")
	b.click(`[data-testid="calls"]`)
	b.sees(`[data-testid="calls"] td`)
	b.shoot("calls")
	b.accessible("API calls")
	var teams struct{ Items []model.Team }
	s.want(200, "GET", "/api/v1/teams", nil).into(b.t, &teams)
	b.open("/teams/" + teams.Items[0].ID + "/quota")
	b.types("backends", "2")
	b.click(`[data-testid="quota-set"]`)
	b.sees(`[data-testid="quota"] progress`)
	b.shoot("quota")
	b.accessible("quota")
	b.open("/audit?action=backend.provision")
	b.click(`[data-audit="backend.provision"] summary`)
	b.shoot("audit")
	b.accessible("audit")
	b.open("/backends/" + j.BackendID)
}

// rollBackInBrowser has a provision fail, reads what its page says, and rolls it back.
func rollBackInBrowser(b *browser, s *server) {
	b.t.Helper()
	s.fault(map[string]any{"op": "apigatewayv2:CreateIntegration", "nth": 1, "do": map[string]any{
		"kind": "error", "status": 400,
		"code": "BadRequestException", "message": "Invalid integration URI specified"}})
	failed := s.ended(s.provision(s.register(launch("payments", nil))))
	b.open("/jobs/" + failed.ID)
	b.sees(`[data-testid="job-state"][data-state="failed"]`)
	b.sees(`[data-testid="retry"]`)
	b.shoot("job-failed")
	b.accessible("failed job")
	b.click(`[data-testid="roll-back"]`)
	b.sees(`[data-testid="plan-items"]`)
	b.shoot("roll-back-plan")
	b.accessible("roll back plan")
	b.click(`[data-testid="confirm-roll-back"]`)
	b.sees(`[data-testid="job-state"][data-state="succeeded"]`)
	b.shoot("rolled-back")
	b.accessible("rolled back")
}

func destroyInBrowser(b *browser) {
	b.t.Helper()
	b.click(`[data-testid="destroy"]`)
	b.sees(`[data-testid="plan-items"]`)
	b.shoot("destroy-plan")
	b.accessible("destroy plan")
	b.click(`[data-testid="confirm-destroy"]`)
	b.sees(`[data-testid="job-state"][data-state="succeeded"]`)
}
