package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
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

func TestSecretsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	token := s.link[strings.LastIndexByte(s.link, '/')+1:]
	get(t, s.link)
	s.want(200, "GET", "/api/v1/backends", nil)
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"API token": s.token, "sign-in token": token} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
}
