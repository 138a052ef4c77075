package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// provision queues a job, which nobody takes up.
func (in *installation) provision(t *testing.T, name string) Job {
	t.Helper()
	var job Job
	if resp := in.as(t, "developer", "POST", "/api/v1/backends/"+in.register(t, name).ID+"/provision", "", &job); resp.StatusCode != 202 {
		t.Fatalf("provision: %d", resp.StatusCode)
	}
	return job
}

// TestWaitEndsWithTheJob: the answer comes when the job ends, by the hub's wake
// and well before the time that the caller would wait.
func TestWaitEndsWithTheJob(t *testing.T) {
	t.Parallel()
	in := install(t)
	job := in.provision(t, "orders")
	type answer struct {
		resp *http.Response
		body string
	}
	answered, url := make(chan answer), jobURL(job.ID) // the job is written to below
	go func() {
		c := call{method: "GET", path: url + "?wait=60s", header: map[string]string{"Authorization": "Bearer " + in.tokens["viewer"]}}
		resp, body := c.do(t, in.echo)
		answered <- answer{resp, body}
	}()
	cancelled := time.Now()
	resp := in.as(t, "developer", "POST", url+"/cancel?wait=1m", "", &job)
	if resp.StatusCode != 202 || job.State != "cancelled" || resp.Header.Get("Retry-After") != "" {
		t.Errorf("cancel: %d %v %s", resp.StatusCode, resp.Header, job.State)
	}
	got := <-answered
	var detail JobDetail
	if err := json.Unmarshal([]byte(got.body), &detail); err != nil || detail.State != "cancelled" || got.resp.Header.Get("Retry-After") != "" {
		t.Errorf("%v, %v, state %q", err, got.resp.Header, detail.State)
	}
	if took := time.Since(cancelled); took > 20*time.Second {
		t.Errorf("the answer came %s after the job had ended", took)
	}
}

func TestWaitEndsWithTime(t *testing.T) {
	t.Parallel()
	in := install(t)
	job := in.provision(t, "orders")
	var detail JobDetail
	resp := in.as(t, "viewer", "GET", jobURL(job.ID)+"?wait=20ms", "", &detail)
	if resp.StatusCode != 200 || detail.State != "queued" || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, detail.State)
	}
	for _, wait := range []string{"-1s", "1h", "soon", "1.5s", "60"} {
		call{method: "GET", path: jobURL(job.ID) + "?wait=" + wait, status: 422, code: "invalid", location: "query.wait",
			header: map[string]string{"Authorization": "Bearer " + in.tokens["viewer"]}}.checked(t, in.echo)
	}
	var problem ProblemDetails
	if resp := in.as(t, "stranger", "GET", jobURL(job.ID)+"?wait=60s", "", &problem); resp.StatusCode != 404 {
		t.Errorf("another team's job: %d", resp.StatusCode)
	}
	w := Waiting{Wait: "999999m"}
	if w.Resolve(nil); w.time != maxWait {
		t.Errorf("999999m is taken for %s", w.time)
	}
}

func (c call) checked(t *testing.T, e http.Handler) {
	t.Helper()
	resp, body := c.do(t, e)
	c.checkProblem(t, resp, body)
}

// TestWaitEndsWithTheCaller: nothing waits on for a caller that has left.
func TestWaitEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	in := install(t)
	job := in.provision(t, "orders")
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", jobURL(job.ID)+"?wait=2m", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+in.tokens["viewer"])
	ended := make(chan struct{})
	go func() {
		in.echo.ServeHTTP(httptest.NewRecorder(), r)
		close(ended)
	}()
	leave()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("the request goes on")
	}
}
