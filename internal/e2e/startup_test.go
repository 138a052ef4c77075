package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refused runs the binary, which must not start, and returns what it said.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v\n%s", err, said.String())
	}
	_, line, _ := strings.Cut(said.String(), "drawbridge: ") // behind the log
	return line
}

func TestStartIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want []string // parts of the one line
	}{
		"second process on the same data": {
			[]string{"--data-dir", s.dir, "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0"},
			[]string{"is in use by another Drawbridge process", "--data-dir"}},
		"port taken": {
			[]string{"--data-dir", t.TempDir(), "--listen", taken.Addr().String(), "--sim-listen", "127.0.0.1:0"},
			[]string{taken.Addr().String(), "--listen"}},
		"simulator's port taken": {
			[]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--sim-listen", taken.Addr().String()},
			[]string{taken.Addr().String(), "--sim-listen"}},
		"data directory is a file": {
			[]string{"--data-dir", file, "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0"},
			[]string{file, "--data-dir"}},
		"simulator open to the network": {
			[]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--sim-listen", "0.0.0.0:0"},
			[]string{"loopback", "--sim-remote"}},
		"one subnet": {
			[]string{"--data-dir", t.TempDir(), "--aws-region", "ap-northeast-1", "--aws-vpc", "vpc-0a1b2c3d4e5f67890", "--aws-subnets", "subnet-0a1b2c3d4e5f67890"},
			[]string{"subnet_ids", "--aws-"}},
		"no such database": {
			[]string{"--database", "postgres://nobody@127.0.0.1:1/none", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--sim-listen", "127.0.0.1:0"},
			[]string{"database"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := refused(t, append([]string{"serve"}, tc.args...)...)
			for _, part := range tc.want {
				if !strings.Contains(said, part) {
					t.Errorf("it said %q, without %q", said, part)
				}
			}
		})
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	demo := exec.Command(path, "demo", "--json", "--profile", "instant")
	demo.Stderr = &errs
	out, err := demo.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs.String())
	}
	var report struct {
		InvokeURL string `json:"invoke_url"`
		Clean     bool   `json:"clean"`
		Steps     []struct{ State string }
		Answers   []struct {
			Path   string
			Status int
			Body   string
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if !report.Clean || len(report.Answers) != 3 || len(report.Steps) < 30 {
		t.Errorf("report %+v", report)
	}
	for i, want := range []string{"Hello from the Home page!", "This is Service A!", "This is Service B!"} {
		if a := report.Answers[i]; a.Status != 200 || !strings.HasPrefix(a.Body, want) {
			t.Errorf("answer %+v, want %s", a, want)
		}
	}
}

// TestSetUpLink: the server prints a link at every start until an admin has a way
// in of their own, and never after. A link works once, and not after an hour.
func TestSetUpLink(t *testing.T) {
	t.Parallel()
	s := newServer(t, "instant")
	s.start()
	first := s.link
	b := newVisitor(t)
	if to := b.redeem(first); to != "/" {
		t.Fatalf("the first link led to %q", to)
	}
	if to := newVisitor(t).redeem(first); to != "" {
		t.Errorf("used again, it led to %q", to)
	}
	s.restart()
	second := s.link
	if second == "" || second == first {
		t.Fatalf("after a restart without an admin's password: %q", second)
	}
	b.choosePassword("http://"+s.listen, setUpPassword)
	s.canary("the admin's password", setUpPassword)
	if to := newVisitor(t).redeem(second); to != "" {
		t.Errorf("with the set-up closed, an unused link led to %q", to)
	}
	s.restart()
	if s.link != "" {
		t.Errorf("with an admin who has a password it printed %s", s.link)
	}
	if to := newVisitor(t).post("http://"+s.listen, "/sign-in", url.Values{"login": {"admin"}, "password": {setUpPassword}}); to != "/" {
		t.Errorf("the admin's password led to %q", to)
	}
}

// TestSetUpLinkIsLate: a link of the true clock's now, opened an hour later by the
// server's own clock.
func TestSetUpLinkIsLate(t *testing.T) {
	t.Parallel()
	s, c := newServer(t, "instant"), newCloud(t)
	s.start()
	link := s.link
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	s.skew(c, "", time.Hour+time.Minute)
	s.start()
	if to := newVisitor(t).redeem(link); to != "" {
		t.Errorf("after an hour it led to %q", to)
	}
	if to := newVisitor(t).redeem(s.link); to != "/" {
		t.Errorf("the restart's own link led to %q", to)
	}
}

const setUpPassword = "canary of a good password"

// visitor is a browser without pages.
type visitor struct {
	t *testing.T
	*http.Client
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return visitor{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// post sends a form and returns where it led; "" for nowhere.
func (v visitor) post(server, path string, form url.Values) string {
	v.t.Helper()
	resp, err := v.PostForm(server+path, form)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Location")
}

// redeem opens a sign-in link and presses its button.
func (v visitor) redeem(link string) string {
	v.t.Helper()
	server, token, _ := strings.Cut(link, "/sign-in/")
	return v.post(server, "/sign-in", url.Values{"token": {token}})
}

func (v visitor) choosePassword(server, password string) {
	v.t.Helper()
	if to := v.post(server, "/account/password", url.Values{"password": {password}}); to != "/account?saved=1" {
		v.t.Fatalf("the password led to %q", to)
	}
}

// restart stops the server as an operator does, and starts it again.
func (s *server) restart() {
	s.t.Helper()
	if err := s.terminate(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}
