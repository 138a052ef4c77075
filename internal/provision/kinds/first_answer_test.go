package kinds

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

func TestNotFromBehind(t *testing.T) {
	t.Parallel()
	const gateway, html = "application/json", "text/html"
	for _, row := range []struct {
		status            int
		contentType, body string
		server            string
		carried           bool
		why               string
	}{
		{200, "text/plain", "OK", "Werkzeug", true, ""},
		{404, html, "<h1>Not Found</h1>", "Werkzeug", true, ""},
		{403, gateway, `{"error":"sign in"}`, "app", true, ""},
		{500, html, "oops", "app", true, ""},
		{404, gateway, `{"message":"Not Found"}`, "", false, "API Gateway itself"},
		{403, gateway, `{"message":"Forbidden"}`, "", false, "API Gateway itself"},
		{429, gateway, `{"message":"Too Many Requests"}`, "", false, "API Gateway itself"},
		{503, gateway, `{"message":"Service Unavailable"}`, "", false, "does not reach the load balancer"},
		{504, html, "<center><h1>504 Gateway Time-out</h1></center>", "awselb/2.0", false, "does not reach the app"},
		{502, html, "<center><h1>502 Bad Gateway</h1></center>", "awselb/2.0", false, "does not reach the app"},
		{503, html, "starting", "gunicorn", false, "from the app"},
	} {
		header := http.Header{"Content-Type": {row.contentType}, "Server": {row.server}}
		why := notFromBehind(row.status, header, []byte(row.body))
		if (why == "") != row.carried || !strings.Contains(why, row.why) {
			t.Errorf("%d %s: %q", row.status, row.body, why)
		}
	}
}

// script answers each request of a first answer in turn.
type script struct {
	asked   []string
	answers []int // 0 = no answer
}

func (s *script) Answer(_ context.Context, _ *model.Environment, url string) (int, http.Header, []byte, error) {
	s.asked = append(s.asked, url)
	status := s.answers[len(s.asked)-1]
	if status == 0 {
		return 0, nil, nil, errors.New("connection refused")
	}
	return status, http.Header{}, nil, nil
}

func TestFirstAnswer(t *testing.T) {
	t.Parallel()
	in := provision.Inputs{Needs: map[string]*model.Resource{"stage": {AWSID: "$default", Outputs: map[string]string{"invoke_url": "https://x.example/"}}}}
	for _, row := range []struct {
		answers []int
		want    string
		asked   string
	}{
		{[]int{200}, "ready", "https://x.example/health"},
		{[]int{503, 200}, "ready", "https://x.example/health https://x.example/"},
		{[]int{503, 503}, "waits", "https://x.example/health https://x.example/"},
		{[]int{0, 0}, "waits", "https://x.example/health https://x.example/"},
	} {
		s := &script{answers: row.answers}
		obs, err := firstAnswer{prober: s}.Find(t.Context(), in, &model.Resource{Params: map[string]string{"health_path": "/health"}})
		if got := verdict(obs, err); got != row.want || strings.Join(s.asked, " ") != row.asked {
			t.Errorf("%v: %s, asked %v", row.answers, got, s.asked)
		}
	}
}
