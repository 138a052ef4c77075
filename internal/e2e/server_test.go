// Package e2e tests the whole: the real binary on free ports with a temporary
// data directory, asked over HTTP and with a real browser, killed and started
// again. It has no code of its own outside tests.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"drawbridge/internal/hostile"
)

// patience is how long a test waits for something that it is told of by a
// signal; it ends a hung test, it does not judge speed.
const patience = 4 * time.Minute

// binDir holds the binary under test; TestMain makes and removes it.
var binDir string

// binary builds the server once for the test process.
var binary = sync.OnceValues(func() (string, error) {
	return buildBinary("drawbridge", buildFlags...)
})

func buildBinary(name string, flags ...string) (string, error) {
	path := filepath.Join(binDir, name)
	out, err := exec.Command("go", slices.Concat([]string{"build"}, flags, []string{"-o", path, "drawbridge/cmd/server"})...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

func TestMain(m *testing.M) {
	if text := os.Getenv(skewedEnv); text != "" {
		if err := serveSkewed(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	var err error
	if binDir, err = os.MkdirTemp("", "drawbridge-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

// server is one running (or killed) process on a data directory.
type server struct {
	t       testing.TB
	dir     string
	bind    string // what it is told to listen on; port 0 is any that is free
	listen  string // where it listens
	sim     string
	profile string
	flags   []string
	env     []string
	token   string
	binary  func() (string, error)

	canaries *hostile.Canaries

	cmd  *exec.Cmd
	link string // one-time sign-in link; "" when it printed none
	logs *lockedBuffer
	done chan struct{} // closed when the process has ended
	err  error         // how it ended
}

// newServer prepares a server on free ports; start runs it.
func newServer(t testing.TB, profile string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), bind: freePort(t), sim: freePort(t), profile: profile, flags: flags, binary: binary, canaries: newCanaries()}
	t.Cleanup(s.watchFiles)
	return s
}

// startServer starts a new server and makes a token for it.
func startServer(t testing.TB, profile string, flags ...string) *server {
	t.Helper()
	s := newServer(t, profile, flags...)
	s.start()
	s.token = s.newToken()
	return s
}

// newToken makes an API token beside the running server; flags as "--role admin".
func (s *server) newToken(flags ...string) string {
	s.t.Helper()
	args := append([]string{"token", "create", "--data-dir", s.dir}, flags...)
	if i := slices.Index(s.flags, "--database"); i >= 0 {
		args = append(args, s.flags[i:i+2]...)
	}
	token := strings.TrimSpace(s.command(args...))
	s.canary("an API token", token)
	return token
}

// start runs the binary and returns when it has printed its line.
func (s *server) start() {
	s.t.Helper()
	path, err := s.binary()
	if err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{"serve", "--listen", s.bind, "--sim-listen", s.sim, "--data-dir", s.dir,
		"--sim-profile", s.profile, "--log-level", "debug"}, s.flags...)
	s.cmd = exec.Command(path, args...)
	s.watchLog() // the one of before
	s.logs = &lockedBuffer{}
	s.cmd.Stderr = s.logs
	s.cmd.Env = slices.Concat(os.Environ(), s.env, []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=" + awsSecret, "AWS_EC2_METADATA_DISABLED=true"})
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	s.done = make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	s.t.Cleanup(s.kill)
	at := regexp.MustCompile(`http://([^/\s]+)`).FindStringSubmatch(line)
	if readErr != nil || at == nil {
		<-s.done
		s.t.Fatalf("the server printed %q and ended with %v\n%s", line, s.err, s.logs)
	}
	if s.listen != at[1] { // the same after a restart, over which others may be asking
		s.listen = at[1]
	}
	if s.link = regexp.MustCompile(`http://\S+/sign-in/\S+`).FindString(line); s.link != "" {
		s.canary("the sign-in link", s.link[strings.LastIndexByte(s.link, '/')+1:])
	}
}

// kill ends the process at once, as a power cut would.
func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.done
}

// terminate asks the process to stop and waits until it has.
func (s *server) terminate() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-s.done
	return s.err
}

// command runs the binary with other arguments and returns what it printed.
func (s *server) command(args ...string) string {
	s.t.Helper()
	path, err := s.binary()
	if err != nil {
		s.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

// answer is a REST answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(v any) error { return json.Unmarshal(a.body, v) }

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := a.decode(v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// call sends a REST request with the server's token; body nil sends none.
func (s *server) call(method, path string, body any) answer {
	s.t.Helper()
	a, err := s.try(method, path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// try is call for a server that may die meanwhile.
func (s *server) try(method, path string, body any) (answer, error) {
	s.t.Helper()
	a, err := send(http.DefaultClient, s.request(method, path, body))
	if why := s.canaries.Find(method+" "+path, a.body); why != "" {
		s.t.Error(why)
	}
	return a, err
}

// request is a REST request with the server's token.
func (s *server) request(method, path string, body any) *http.Request {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.listen+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	return req
}

// want is call, and fails the test on another status.
func (s *server) want(status int, method, path string, body any) answer {
	s.t.Helper()
	a := s.call(method, path, body)
	if a.status != status {
		s.t.Fatalf("%s %s: %d, want %d\n%s", method, path, a.status, status, a.body)
	}
	return a
}

func do(t testing.TB, c *http.Client, req *http.Request) answer {
	t.Helper()
	a, err := send(c, req)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func send(c *http.Client, req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// local is an HTTP client for which every name is this machine, as browsers
// and curl hold it with names under .localhost.
var local = &http.Client{Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	},
}}

// get asks a URL without a token.
func get(t testing.TB, url string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, local, req)
}

// freePort is an address on which nothing listens now. Its port is below those
// that systems give away by themselves (from 32768 on), so that nothing takes
// it while the server that has it is down.
func freePort(t testing.TB) string {
	t.Helper()
	const lowest, highest, tries = 12000, 32000, 50
	var err error
	for range tries {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.N(highest-lowest))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal(err)
	return ""
}

// needs finds a program, or skips the test where a user may lack it; in CI
// it must be there.
func needs(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and CI must have it", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// lockedBuffer collects a process's log while tests read it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
