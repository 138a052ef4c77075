package awsapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

// fakeWire answers AWS calls as a script says, one handler for each attempt;
// the last one goes on for ever.
type fakeWire struct {
	mu      sync.Mutex
	calls   []string // method and path, or the query API's action
	bodies  []string
	answers []http.HandlerFunc
}

func newWire(t *testing.T, answers ...http.HandlerFunc) (*fakeWire, string) {
	t.Helper()
	w := &fakeWire{answers: answers}
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	return w, srv.URL
}

func (f *fakeWire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	call := r.Form.Get("Action")
	if call == "" {
		call = r.Method + " " + r.URL.Path
	}
	f.calls = append(f.calls, call)
	f.bodies = append(f.bodies, r.Form.Encode()+" "+r.Header.Get("Authorization"))
	answer := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	f.mu.Unlock()
	answer(w, r)
}

func (f *fakeWire) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// gatewayError answers as API Gateway does.
func gatewayError(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "req-"+code)
		w.Header().Set("X-Amzn-Errortype", code)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":%q}`, message)
	}
}

// ec2Error answers as EC2 does.
func ec2Error(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>req-%s</RequestID></Response>`, code, message, code)
	}
}

func jsonAnswer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Requestid", "req-ok")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func xmlAnswer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write([]byte(body))
	}
}

func localEnvironment(url string) *model.Environment {
	return &model.Environment{
		Name: "test", Region: "ap-northeast-1", Endpoint: url, Credentials: model.CredentialsLocal,
		VPCID: "vpc-05100000000000001", SubnetIDs: []string{"subnet-0510000000000000a", "subnet-0510000000000000c"},
	}
}

func unpaced(string, string) []awsapi.Bucket { return nil }

func clientsFor(t *testing.T, url string, o awsapi.Options) *awsapi.Clients {
	t.Helper()
	c, err := awsapi.New(o).Clients(t.Context(), localEnvironment(url))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func count(calls []string, part string) int {
	n := 0
	for _, c := range calls {
		if strings.Contains(c, part) {
			n++
		}
	}
	return n
}
