package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// startRaised starts a server on an account whose limits AWS has raised: thirty
// VPC links take more than the ten of a new account, and more than four a minute.
func startRaised(t *testing.T) *server {
	t.Helper()
	s := startServer(t, "instant", "--aws-rates", "1000")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+s.sim+"/_awssim/switches", strings.NewReader(`{"quotas":10}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := do(t, local, req); a.status >= http.StatusMultipleChoices {
		t.Fatalf("raise the quotas: %d %s", a.status, a.body)
	}
	return s
}

// batch is a batch of n new backends.
func batch(n int, change map[string]any) map[string]any {
	var list []map[string]any
	for i := range n {
		list = append(list, launch(fmt.Sprintf("app-%d", i), nil))
	}
	body := map[string]any{"backends": list}
	for k, v := range change {
		body[k] = v
	}
	return body
}

type batchAnswer struct {
	ID                                        string
	DryRun                                    bool `json:"dry_run"`
	New, Unchanged, Conflict, Invalid, Queued int
	Items                                     []struct {
		Name, Outcome string
		BackendID     string `json:"backend_id"`
		JobID         string `json:"job_id"`
	}
}

// TestABatchOfThirty is looked at, registered and provisioned by one call, and
// sent again without an effect; all of its backends become ready.
func TestABatchOfThirty(t *testing.T) {
	t.Parallel()
	s := startRaised(t)
	var dry, done, again batchAnswer
	s.want(http.StatusOK, "POST", "/api/v1/backends:batch", batch(30, map[string]any{"dry_run": true, "provision": true})).into(t, &dry)
	if !dry.DryRun || dry.New != 30 || dry.Queued != 30 || dry.ID != "" {
		t.Errorf("dry run %+v", dry)
	}
	start := time.Now()
	s.want(http.StatusOK, "POST", "/api/v1/backends:batch", batch(30, map[string]any{"provision": true})).into(t, &done)
	t.Logf("30 backends were registered and queued in %v", time.Since(start).Round(time.Millisecond))
	if done.New != 30 || done.Queued != 30 || done.ID == "" {
		t.Fatalf("batch %+v", done)
	}
	s.want(http.StatusOK, "POST", "/api/v1/backends:batch", batch(30, map[string]any{"provision": true})).into(t, &again)
	if again.Unchanged != 30 || again.Queued != 0 {
		t.Errorf("again %+v", again)
	}
	for _, item := range done.Items {
		s.succeeded(model.Job{ID: item.JobID, BackendID: item.BackendID})
	}
	t.Logf("30 chains were ready after %v", time.Since(start).Round(time.Millisecond))
	var page struct {
		Items []model.Backend
		Next  string `json:"next_cursor"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/backends?phase=ready&limit=20&batch_id="+done.ID, nil).into(t, &page)
	if len(page.Items) != 20 || page.Next == "" {
		t.Fatalf("first page: %d, cursor %q", len(page.Items), page.Next)
	}
	s.want(http.StatusOK, "GET", "/api/v1/backends?phase=ready&limit=20&batch_id="+done.ID+"&cursor="+page.Next, nil).into(t, &page)
	if len(page.Items) != 10 {
		t.Errorf("second page: %d", len(page.Items))
	}
}

// TestABatchAnswersQuickly registers and queues a hundred in one request.
func TestABatchAnswersQuickly(t *testing.T) {
	t.Parallel()
	s := startServer(t, "real")
	start := time.Now()
	var done batchAnswer
	s.want(http.StatusOK, "POST", "/api/v1/backends:batch", batch(100, map[string]any{"provision": true})).into(t, &done)
	if done.Queued != 100 {
		t.Fatalf("batch %+v", done)
	}
	t.Logf("100 backends were registered and queued in %v", time.Since(start).Round(time.Millisecond))
	var page struct {
		Items []struct {
			Name     string
			Position int `json:"queue_position"`
		}
	}
	s.want(http.StatusOK, "GET", "/api/v1/backends?batch_id="+done.ID, nil).into(t, &page)
	places := map[int]bool{}
	for _, b := range page.Items {
		places[b.Position] = true
	}
	// The worker carries 64 out at once; the rest are in a row without a gap.
	for place := 1; place < len(places); place++ {
		if !places[place] {
			t.Errorf("nobody is number %d in the queue of %d", place, len(places)-1)
		}
	}
	if len(page.Items) != 100 {
		t.Errorf("the list has %d", len(page.Items))
	}
}

// TestImportInABrowser mends two wrong rows, imports three backends and sees
// them become ready.
func TestImportInABrowser(t *testing.T) {
	t.Parallel()
	s := startRaised(t)
	b := startBrowser(t, s)
	b.open(strings.TrimPrefix(s.link, b.url))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.click(`[data-testid="import"]`)
	b.sees(`[data-testid="import-check"]`)
	b.shoot("import")
	b.accessible("import")

	const wrong = "name,port,health_path\norders,8000,/health\nbilling,80a,/health\nshipping,8000,health\n"
	b.types("list", wrong)
	b.click(`[data-testid="import-check"]`)
	b.sees(`tr[data-row="4"][data-outcome="invalid"]`)
	if got := eval[string](b, `document.querySelector('tr[data-row="4"]').innerText`); !strings.Contains(got, "row 4, column health_path: ") {
		t.Errorf("row 4 says %q", got)
	}
	if got := eval[string](b, `document.querySelector('[name="list"]').value`); got != wrong {
		t.Errorf("the text became %q", got)
	}
	b.shoot("import-refused")
	b.accessible("import, refused")

	b.types("list", strings.NewReplacer("80a", "8000", ",health\n", ",/health\n").Replace(wrong))
	b.click(`[data-testid="import-check"]`)
	b.sees(`[data-testid="import-register"]`)
	b.shoot("import-checked")
	b.accessible("import, checked")
	b.click(`[data-testid="import-register"]`)
	b.sees(`[data-testid="batch"]`)
	b.shoot("import-progress")
	b.sees(`[data-testid="batch"][data-ready="3"]`) // by the stream, without a reload
	b.shoot("import-ready")
	b.accessible("imported")
	b.quiet()
}

// TestAQuotaErrorInABrowser reads a failed step as a person would.
func TestAQuotaErrorInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.fault(map[string]any{"op": "elbv2:CreateLoadBalancer", "nth": 1, "do": map[string]any{
		"kind": "error", "status": 400, "code": "TooManyLoadBalancers", "message": "The maximum number of load balancers has been reached."}})
	job := s.ended(s.provision(s.register(launch("orders", nil))))
	b := startBrowser(t, s)
	b.open(strings.TrimPrefix(s.link, b.url))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.open("/jobs/" + job.ID)
	b.sees(`[data-testid="problem"]`)
	b.shoot("error-quota")
	b.accessible("job, failed")
	b.click(`[data-testid="error-help"]`)
	b.sees(`#TooManyLoadBalancers`)
	b.shoot("error-help")
	b.accessible("errors")
	b.quiet()
}
