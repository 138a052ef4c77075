// Package storetest is the conformance suite of the store, and the databases
// that it and other tests run on. Only tests import it.
package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

const (
	clusterStart = 30 * time.Second
	socketPort   = "5432" // names the socket's file; nothing listens on TCP
)

// errNoPostgres: the machine has no PostgreSQL programs.
var errNoPostgres = errors.New("initdb and postgres are neither in PATH nor in /usr/lib/postgresql")

// server is a running cluster.
type server struct {
	socket   string // the folder of its socket and of all its files
	postgres string // the program
	account  *syscall.SysProcAttr
	shell    *exec.Cmd
	life     io.Closer // the pipe that it lives by; kept here from the garbage collector
}

// cluster is started by the first test that needs it and ends with the process.
var cluster = sync.OnceValues(startCluster)

// mustRun ends a test that PostgreSQL failed.
func mustRun(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") != "true" {
		t.Skip("skipped:", err)
	}
	if err != nil {
		t.Fatal("start PostgreSQL:", err)
	}
}

// Cluster is a PostgreSQL of a test's own, which the test may stop and start.
type Cluster struct {
	DSN string

	t      testing.TB
	server *server
}

// NewCluster starts one, which is removed when the test ends.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	s, err := makeCluster()
	mustRun(t, err)
	c := &Cluster{DSN: dsn(s.socket, "postgres"), t: t, server: s}
	t.Cleanup(func() { _ = os.RemoveAll(s.socket) })
	c.Start()
	t.Cleanup(c.Stop)
	return c
}

// Start runs a stopped cluster and returns when it answers.
func (c *Cluster) Start() {
	c.t.Helper()
	if err := c.server.start(`exit 0`); err != nil {
		c.t.Fatal("start PostgreSQL:", err)
	}
}

// Stop stops it at once, as a crash would, and keeps what was committed.
func (c *Cluster) Stop() {
	_ = c.server.life.Close()
	_ = c.server.shell.Wait() // stopped already when that was not the first time
}

func dsn(socket, database string) string {
	params := url.Values{"host": {socket}, "port": {socketPort}, "user": {"postgres"}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + params.Encode()
}

// Execute runs one statement in the database.
func Execute(ctx context.Context, dsn, statement string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// startCluster makes a cluster that ends, and is removed, with this process.
func startCluster() (*server, error) {
	s, err := makeCluster()
	if err != nil {
		return nil, err
	}
	return s, s.start(`rm -rf "$dir"`)
}

// makeCluster makes the files of a cluster.
func makeCluster() (*server, error) {
	initdb, postgres, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "drawbridge-pg-") // short: a socket's path has 107 characters at most
	if err != nil {
		return nil, err
	}
	s := &server{socket: dir, postgres: postgres}
	if s.account, err = unprivileged(dir); err != nil {
		return nil, err
	}
	prepare := exec.Command(initdb, "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	prepare.Dir, prepare.SysProcAttr = dir, s.account
	if out, err := prepare.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return s, nil
}

func (s *server) data() string { return filepath.Join(s.socket, "data") }

// start runs the cluster and returns when it answers. A shell keeps it company:
// when this process ends, however it ends, the pipe to that shell closes, and
// the shell stops the cluster and does what last says.
func (s *server) start(last string) error {
	const script = `log=$1; dir=$2; shift 2
"$@" >"$log" 2>&1 </dev/null & pid=$!
cat >/dev/null
kill -QUIT $pid; wait $pid; `
	log := filepath.Join(s.socket, "log")
	s.shell = exec.Command("/bin/sh", "-c", script+last, "sh", log, s.socket, s.postgres, "-D", s.data(), "-k", s.socket, "-p", socketPort,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=200", "-c", "shared_buffers=32MB")
	s.shell.Dir, s.shell.SysProcAttr = s.socket, s.account
	var err error
	if s.life, err = s.shell.StdinPipe(); err != nil {
		return err
	}
	if err := s.shell.Start(); err != nil {
		return err
	}
	return waitReady(s.socket, log)
}

func waitReady(dir, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), clusterStart)
	defer cancel()
	for {
		err := Execute(ctx, dsn(dir, "postgres"), `SELECT 1`)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(log)
			return fmt.Errorf("postgres does not answer: %w: %s", err, bytes.TrimSpace(said))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// programs finds initdb and postgres, of the newest version where there are several.
func programs() (initdb, postgres string, err error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", "", err
	}
	search := append(filepath.SplitList(os.Getenv("PATH")), folders...)
	for i := len(search) - 1; i >= 0; i-- {
		initdb, postgres = filepath.Join(search[i], "initdb"), filepath.Join(search[i], "postgres")
		if executable(initdb) && executable(postgres) && strings.HasPrefix(initdb, "/") {
			return initdb, postgres, nil
		}
	}
	return "", "", errNoPostgres
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
