package traces_test

import (
	"net/http/httptest"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/traces"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	for endpoint, good := range map[string]bool{
		"": true, "http://127.0.0.1:4318": true, "https://collector.example/": true, "http://127.0.0.1:4318/other/traces": true,
		"127.0.0.1:4318": false, "collector": false, "ftp://collector.example": false, "http://": false, "http://a b": false,
	} {
		tracer, err := traces.New(t.Context(), traces.Options{Endpoint: endpoint})
		if good != (err == nil) {
			t.Errorf("%q: %v", endpoint, err)
		}
		if err == nil {
			if err := tracer.Shutdown(t.Context()); err != nil {
				t.Errorf("%q: %v", endpoint, err)
			}
		}
	}
}

// TestNothingIsTraced: without an endpoint spans are not made at all.
func TestNothingIsTraced(t *testing.T) {
	t.Parallel()
	tracer, err := traces.New(t.Context(), traces.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, requestEnded := tracer.Request(httptest.NewRequest("GET", "/", nil), "")
	ctx, jobEnded := tracer.Job(ctx, &model.Job{})
	ctx, stepEnded := tracer.Step(ctx, &model.Step{})
	tracer.AWSCall(ctx, traces.AWSCall{})
	stepEnded(traces.End{})
	jobEnded(traces.End{Outcome: "AccessDenied", Failed: true})
	requestEnded(500)
}
