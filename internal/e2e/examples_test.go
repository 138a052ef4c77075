package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"drawbridge/internal/auth/authtest"
)

const examples = "../../examples"

// bash runs a program of the examples as CI does, prints what it printed and
// wants its exit code. It returns standard output.
func bash(t testing.TB, code int, dir string, env map[string]string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), needs(t, "bash"), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	printed := strings.TrimSpace(out.String() + errs.String())
	t.Logf("$ %s\n%s", strings.Join(args[max(0, len(args)-3):], " "), printed)
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("it ended with %d, want %d", got, code)
	}
	return out.String()
}

// hub stands for GitHub: it hands out the program, ID tokens for a running
// workflow, and a pull request's comments.
type hub struct {
	*httptest.Server
	t       *testing.T
	issuer  *authtest.Issuer
	program string
	mu      sync.Mutex
	posted  []string
}

const (
	runToken  = "canaryOfTheRunnersRequestToken"
	hookToken = "canaryOfTheJobsGitHubToken"
)

func newHub(t *testing.T, issuer *authtest.Issuer, program string) *hub {
	t.Helper()
	h := &hub{t: t, issuer: issuer, program: program}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /program", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, h.program) })
	mux.HandleFunc("GET /token", h.idToken)
	mux.HandleFunc("/comments", h.comments)
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// idToken answers as https://docs.github.com/actions has it for a job that may
// write id-token.
func (h *hub) idToken(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "bearer "+runToken || r.URL.Query().Get("api-version") != "2.0" {
		h.t.Errorf("an ID token was asked for with %v %s", r.Header, r.URL)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": h.issuer.IDToken(map[string]any{
		"aud": r.URL.Query().Get("audience"), "sub": "repo:acme/shop:pull_request", "repository": "acme/shop",
	})})
}

func (h *hub) comments(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+hookToken {
		h.t.Errorf("comments were asked for with %v", r.Header)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Method == http.MethodPost {
		var comment struct{ Body string }
		if err := json.NewDecoder(r.Body).Decode(&comment); err != nil {
			h.t.Errorf("the comment: %v", err)
		}
		h.posted = append(h.posted, comment.Body)
		w.WriteHeader(http.StatusCreated)
	}
	list := []map[string]string{}
	for _, text := range h.posted {
		list = append(list, map[string]string{"body": text})
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(list)
}

// workflow is what is read of a workflow file of GitHub Actions.
type workflow struct {
	Jobs map[string]struct {
		Env   map[string]string
		Steps []struct {
			Name, ID, If, Run, Uses string
			Env                     map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// runWorkflow runs the steps of the example's job as GitHub's runner does, and
// prints each. values are those of the expressions in the file.
func runWorkflow(t *testing.T, values map[string]string, env map[string]string) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(examples, "github-actions", "sandbox.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var wf workflow
	if err := yaml.Unmarshal(file, &wf); err != nil {
		t.Fatal(err)
	}
	expand := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(e string) string {
			name := expression.FindStringSubmatch(e)[1]
			v, known := values[name]
			if !known {
				t.Fatalf("nobody knows the value of %s", name)
			}
			return v
		})
	}
	job, dir := wf.Jobs["sandbox"], t.TempDir()
	env = maps.Clone(env)
	env["RUNNER_TEMP"] = filepath.Join(dir, "temp")
	for _, name := range []string{"GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT"} {
		env[name] = filepath.Join(dir, name)
	}
	for name, v := range job.Env {
		env[name] = expand(v)
	}
	ran := 0
	for _, step := range job.Steps {
		if step.If != "" && !holds(t, step.If, values) {
			t.Logf("-- %s: left out", step.Name)
			continue
		}
		if step.Uses != "" || expression.MatchString(step.Run) {
			t.Fatalf("%s: steps run scripts, and take nothing from expressions into them", step.Name)
		}
		own := maps.Clone(env)
		for name, v := range step.Env {
			own[name] = expand(v)
		}
		t.Logf("-- %s", step.Name)
		bash(t, 0, dir, own, "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
		takeFiles(t, env, values, step.ID)
		ran++
	}
	if ran < 2 {
		t.Errorf("%d steps were run", ran)
	}
}

// holds evaluates the two conditions that the file uses.
func holds(t *testing.T, condition string, values map[string]string) bool {
	t.Helper()
	m := regexp.MustCompile(`^(\S+) (==|!=) '(\w+)'$`).FindStringSubmatch(condition)
	if m == nil {
		t.Fatalf("nobody knows whether %q holds", condition)
	}
	return (values[m[1]] == m[3]) == (m[2] == "==")
}

// takeFiles reads what a step left for the next ones.
func takeFiles(t *testing.T, env, values map[string]string, id string) {
	t.Helper()
	for _, name := range []string{"GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT"} {
		data, _ := os.ReadFile(env[name]) // most steps leave none
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSuffix(line, "\n")
			key, v, _ := strings.Cut(line, "=")
			switch name {
			case "GITHUB_ENV":
				env[key] = v
			case "GITHUB_OUTPUT":
				values["steps."+id+".outputs."+key] = v
			default:
				env["PATH"] = line + ":" + os.Getenv("PATH")
			}
		}
		_ = os.Remove(env[name])
	}
}

// TestExampleGitHubActions runs the steps of the workflow for a pull request's
// life: opened, pushed to, closed, closed again. No secret is stored: the ID
// token of the workflow is all that the panel gets.
func TestExampleGitHubActions(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	issuer := authtest.New(t)
	s := startServer(t, "instant", "--issuer-networks", "127.0.0.0/8")
	before := s.counts()
	sh := newShell(s)
	sh.env[1] = "DRAWBRIDGE_TOKEN=" + strings.TrimSpace(s.command("token", "create", "--data-dir", s.dir, "--role", "owner"))
	panel := "http://" + s.listen
	out, _ := sh.ctl(0, "trusts", "create", "pull-requests", "--issuer", issuer.URL, "--claim", "repository=acme/shop")
	t.Logf("$ drawbridge ctl trusts create pull-requests --claim repository=acme/shop\n%s", out)
	h := newHub(t, issuer, sh.path)
	on := func(action string) {
		t.Helper()
		t.Logf("==== the pull request is %s", action)
		runWorkflow(t, map[string]string{
			"vars.DRAWBRIDGE_URL": panel, "vars.DRAWBRIDGE_PROGRAM": h.URL + "/program", "github.token": hookToken,
			"github.event.action": action, "github.event.pull_request.number": "42", "github.event.pull_request.comments_url": h.URL + "/comments",
		}, map[string]string{
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": runToken, "ACTIONS_ID_TOKEN_REQUEST_URL": h.URL + "/token?api-version=2.0",
			"GITHUB_HEAD_REF": "feature/Login $(id) `x`", "GITHUB_REPOSITORY": "acme/shop", "CI": "true",
		})
	}
	on("opened")
	if len(h.posted) != 1 {
		t.Fatalf("comments: %q", h.posted)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(h.posted[0])
	if a := get(t, url+"service-a"); a.status != http.StatusOK {
		t.Errorf("%s: %d %s", url, a.status, a.body)
	}
	on("synchronize")
	if len(h.posted) != 1 || s.only("feature-login-id-x") == "" {
		t.Errorf("comments: %q", h.posted)
	}
	on("closed")
	if got := s.counts(); got != before {
		t.Errorf("after the end there is %+v, before there was %+v", got, before)
	}
	on("closed")
}

// TestExampleScript runs the script for any CI system through a branch's life.
func TestExampleScript(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	s := startServer(t, "instant")
	before := s.counts()
	env := map[string]string{"DRAWBRIDGE_URL": "http://" + s.listen, "DRAWBRIDGE_TOKEN": s.token}
	script := func(code int, args ...string) string {
		t.Helper()
		return strings.TrimSpace(bash(t, code, filepath.Join(examples, "script"), env, append([]string{"sandbox.sh"}, args...)...))
	}
	const branch = `feature/"quotes" & $(id)`
	url := script(0, "up", "pr-7", branch)
	if a := get(t, url+"service-b"); a.status != http.StatusOK {
		t.Errorf("%s: %d %s", url, a.status, a.body)
	}
	if again := script(0, "up", "pr-7", branch); again != url {
		t.Errorf("asked again: %s, want %s", again, url)
	}
	if ends := script(0, "extend", "pr-7"); !strings.Contains(ends, "T") {
		t.Errorf("it ends at %q", ends)
	}
	script(0, "down", "pr-7")
	script(0, "down", "pr-7")
	script(0, "down", "never & was")
	script(64, "fly", "pr-7")
	env["DRAWBRIDGE_TOKEN"] = "wrong"
	script(1, "up", "pr-8")
	s.gone()
	if got := s.counts(); got != before {
		t.Errorf("after the end there is %+v, before there was %+v", got, before)
	}
}

// gone follows what is being destroyed until it is.
func (s *server) gone() {
	s.t.Helper()
	var l struct {
		Items []struct {
			ID string `json:"id"`
		}
	}
	s.want(200, "GET", "/api/v1/backends?phase=destroying", nil).into(s.t, &l)
	for _, b := range l.Items {
		for _, j := range s.jobsOf(b.ID) {
			if j.Operation == "destroy" {
				s.succeeded(j)
			}
		}
	}
}

// TestExampleBackend runs the commands for a repository with a backend.yaml.
func TestExampleBackend(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.counts()
	path, err := s.binary()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"DRAWBRIDGE_URL": "http://" + s.listen, "DRAWBRIDGE_TOKEN": s.token, "DRAWBRIDGE": path}
	run := func(code int, action string) string {
		t.Helper()
		return bash(t, code, filepath.Join(examples, "backend"), env, "apply.sh", action)
	}
	says(t, run(2, "plan"), "+ orders-api: would be registered and provisioned")
	says(t, run(0, "apply"), "Provision orders-api: succeeded", "passed  GET /service-a")
	says(t, run(0, "plan"), "= orders-api: nothing to do")
	says(t, run(0, "apply"), "nothing to do")
	run(0, "destroy")
	run(64, "fly")
	if got := s.counts(); got != before {
		t.Errorf("after the end there is %+v, before there was %+v", got, before)
	}
}
