package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// shell is where a person works: a home of their own and the binary.
type shell struct {
	t    testing.TB
	path string
	home string
	env  []string
}

// newShell is signed in to the server by environment.
func newShell(s *server) *shell {
	s.t.Helper()
	sh := &shell{t: s.t, home: s.t.TempDir(), env: []string{"DRAWBRIDGE_URL=http://" + s.listen, "DRAWBRIDGE_TOKEN=" + s.token}}
	var err error
	if sh.path, err = s.binary(); err != nil {
		s.t.Fatal(err)
	}
	return sh
}

func (sh *shell) cmd(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(sh.t.Context(), sh.path, append([]string{"ctl"}, args...)...)
	cmd.Dir = sh.home
	cmd.Env = append([]string{"HOME=" + sh.home, "XDG_CONFIG_HOME=" + sh.home, "PATH=" + os.Getenv("PATH"), "TERM=xterm"}, sh.env...)
	return cmd
}

// ctl runs a command and wants its exit code; it returns both outputs.
func (sh *shell) ctl(code int, args ...string) (stdout, stderr string) {
	sh.t.Helper()
	cmd := sh.cmd(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		sh.t.Fatalf("ctl %q ended with %d, want %d\n%s%s", args, got, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// says wants each text in s.
func says(t testing.TB, s string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(s, text) {
			t.Errorf("%q is not in\n%s", text, s)
		}
	}
}

// TestCtlLifeOfABackend goes from login to destroy with nothing but ctl.
func TestCtlLifeOfABackend(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	sh.env = nil
	_, errs := sh.ctl(1, "backends", "list")
	says(t, errs, "ctl login --url")
	login := sh.cmd("login", "--url", "http://"+s.listen+"/")
	login.Stdin = strings.NewReader(s.token + "\n")
	if out, err := login.CombinedOutput(); err != nil {
		t.Fatalf("login: %v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(sh.home, "drawbridge", "ctl.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the login's file: %v, %v; want 0600", info, err)
	}
	_, errs = sh.ctl(1, "--url", "http://127.0.0.1:1", "backends", "list")
	says(t, errs, "there is no token for http://127.0.0.1:1") // that of one panel does not go to another

	b := s.register(launch("orders-api", nil))
	out, _ := sh.ctl(0, "provision", "orders-api", "--wait")
	says(t, out, "An internal load balancer", ": done after ", "Provision orders-api: succeeded after")
	out, _ = sh.ctl(0, "backends", "list")
	says(t, out, "orders-api  ready", b.ID)
	out, _ = sh.ctl(0, "backends", "get", "orders-api")
	says(t, out, "Invoke URL", "sg-", "A target group", "$28.44 a month in ap-northeast-1")
	out, _ = sh.ctl(0, "tests", "run", "orders-api")
	says(t, out, "passed  GET /service-a")
	out, _ = sh.ctl(0, "--json", "jobs", "list", b.ID)
	var jobs struct{ Items []model.Job }
	if err := json.Unmarshal([]byte(out), &jobs); err != nil || len(jobs.Items) != 1 || jobs.Items[0].State != model.JobSucceeded {
		t.Fatalf("%v in %s", err, out)
	}
	out, _ = sh.ctl(0, "jobs", "get", jobs.Items[0].ID)
	says(t, out, "✓ Provision orders-api: succeeded", "└─ ✓ A request through the invoke URL")
	out, _ = sh.ctl(0, "destroy", "orders-api", "--wait")
	says(t, out, "Destroy orders-api: succeeded")
	_, errs = sh.ctl(1, "backends", "get", "orders-api")
	says(t, errs, `there is no backend "orders-api"`)
	sh.ctl(80, "provision")
}

// TestCtlTellsHowAJobEnded lets a job fail, goes on and rolls it back: each
// end has its exit code and words.
func TestCtlTellsHowAJobEnded(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	s.register(launch("faulty", nil))
	full := map[string]any{"op": "elbv2:CreateLoadBalancer", "nth": 1, "when": "before", "do": map[string]any{"kind": "error", "status": 400,
		"code": "TooManyLoadBalancers", "message": "The maximum number of load balancers has been reached."}}
	s.fault(full)
	out, errs := sh.ctl(3, "provision", "faulty", "--wait")
	says(t, out, ": failed after", "Provision faulty: failed")
	says(t, errs, "Provision faulty failed.", "as its quota allows (50 by default)")
	j := s.jobsOf(s.only("faulty"))[0]
	sh.ctl(3, "logs", j.ID)
	out, _ = sh.ctl(0, "jobs", "retry", j.ID, "--wait")
	says(t, out, "Provision faulty: succeeded")

	s.register(launch("undone", nil))
	s.fault(full)
	sh.ctl(3, "provision", "undone", "--wait")
	out, _ = sh.ctl(0, "jobs", "rollback", s.jobsOf(s.only("undone"))[0].ID, "--wait")
	says(t, out, "Roll back undone: succeeded")
}

// TestCtlCancels has a job cancelled that AWS lets wait for minutes.
func TestCtlCancels(t *testing.T) {
	t.Parallel()
	s := startServer(t, "real")
	sh := newShell(s)
	held := s.provision(s.register(launch("held", nil)))
	_, errs := sh.ctl(1, "provision", "held")
	says(t, errs, "ctl logs "+held.ID)
	_, errs = sh.ctl(4, "jobs", "cancel", held.ID, "--wait")
	says(t, errs, "Provision held was cancelled.", "ctl jobs retry "+held.ID)

	// A roll back of a job at work cancels it first, and is followed too.
	gone := s.provision(s.register(launch("gone", nil)))
	out, _ := sh.ctl(0, "jobs", "rollback", gone.ID, "--wait")
	says(t, out, "Provision gone: cancelled", "Roll back gone: succeeded")
}

// TestCtlFollowsOverAKill kills the server under a followed job and starts it
// again: the follower misses nothing and ends as the job does.
func TestCtlFollowsOverAKill(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	s.bind = s.listen
	sh := newShell(s)
	j := s.provision(s.register(launch("killed", nil)))
	cmd := sh.cmd("--json", "logs", j.ID)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	events := json.NewDecoder(out)
	var first model.Event
	if err := events.Decode(&first); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s.start()
	last := first
	for {
		var e model.Event
		if err := events.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Seq <= last.Seq {
			t.Errorf("event %d came after %d", e.Seq, last.Seq)
		}
		last = e
	}
	if err := cmd.Wait(); err != nil || last.Type != model.EventJob || !strings.Contains(string(last.Data), `"succeeded"`) {
		t.Errorf("%v; the last event is %s", err, last.Data)
	}
}

// TestCtlOnATerminal wants a tree on a terminal, drawn in place.
func TestCtlOnATerminal(t *testing.T) {
	t.Parallel()
	script := needs(t, "script")
	s := startServer(t, "instant")
	sh := newShell(s)
	s.register(launch("shown", nil))
	cmd := sh.cmd()
	cmd.Path, cmd.Args = script, []string{"script", "-qec", sh.path + " ctl provision shown --wait", "/dev/null"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	says(t, string(out), "\x1b[J", "✓ Provision shown: succeeded", "├─ ✓ ", "└─ ✓ A request through the invoke URL")
}

// TestCtlCompletion asks the real shell what it would offer.
func TestCtlCompletion(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	bash := needs(t, "bash")
	script, _ := sh.ctl(0, "completion", "bash")
	fish, _ := exec.LookPath("fish") // where there is one
	forFish, _ := sh.ctl(0, "completion", "fish")
	for typed, want := range map[string][]string{
		"drawbridge ctl jobs re":                  {"retry"},
		"drawbridge ctl provision orders-api --w": {"--wait"},
		"drawbridge ctl b":                        {"backends"},
		"drawbridge ctl sandbox ex":               {"extend"},
		"drawbridge ctl apply --d":                {"--dry-run"},
	} {
		words := strings.Fields(typed)
		out, err := exec.Command(bash, "-c", script+"\nCOMP_WORDS=("+typed+"); COMP_CWORD="+string(rune('0'+len(words)-1))+"; _drawbridge; echo \"${COMPREPLY[@]}\"").CombinedOutput()
		if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", typed, got, err, want)
		}
		if fish == "" {
			continue
		}
		asked := exec.CommandContext(t.Context(), fish, "--no-config", "-c", forFish+"\ncomplete -C '"+typed+"'")
		asked.Env = sh.cmd().Env
		asked.Dir = t.TempDir() // no file to offer
		out, err = asked.Output()
		if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, want) {
			t.Errorf("fish: %s: %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, shell := range []string{"zsh", "fish"} {
		out, _ := sh.ctl(0, "completion", shell)
		says(t, out, "rollback", "sandbox", "--dry-run", "complete")
	}
}

// only is the id of the backend of that name.
func (s *server) only(name string) string {
	s.t.Helper()
	var l struct{ Items []model.Backend }
	s.want(200, "GET", "/api/v1/backends?name="+name, nil).into(s.t, &l)
	if len(l.Items) != 1 {
		s.t.Fatalf("%d backends are called %s", len(l.Items), name)
	}
	return l.Items[0].ID
}

func (s *server) jobsOf(backendID string) []model.Job {
	s.t.Helper()
	var l struct{ Items []model.Job }
	s.want(200, "GET", "/api/v1/backends/"+backendID+"/jobs", nil).into(s.t, &l)
	return l.Items
}

// BenchmarkCtl is from the start of the process to its first byte, with the
// panel's answer between; the budget is 50 ms.
func BenchmarkCtl(b *testing.B) {
	s := startServer(b, "instant")
	sh := newShell(s)
	var total time.Duration
	for b.Loop() {
		cmd := sh.cmd("backends", "list", "--json")
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			b.Fatal(err)
		}
		total += time.Since(began)
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total.Milliseconds())/float64(b.N), "ms/first-byte")
}
