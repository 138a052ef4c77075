package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func open(t *testing.T, o store.Options) (*store.Store, error) {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	return store.Open(t.Context(), o)
}

// wantUnavailable checks that an operator is told what to do.
func wantUnavailable(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil || model.CodeOf(err) != model.CodeUnavailable {
		t.Fatalf("error is %v, want unavailable", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Fatalf("error %q does not say %q", err, text)
		}
	}
}

func TestOneProcessOwnsTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "drawbridge.db")
	dsn := "sqlite:" + path
	first := opened(t, store.Options{DSN: dsn})
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, second := range []string{dsn, "sqlite:" + link} {
		_, err := open(t, store.Options{DSN: second})
		wantUnavailable(t, err, path+" is in use by another Drawbridge process (pid "+strconv.Itoa(os.Getpid())+"). Stop it, or choose another --data-dir.")
	}
	errand := opened(t, store.Options{DSN: dsn, Shared: true})
	id, err := errand.InstallID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := first.InstallID(t.Context()); err != nil || again != id {
		t.Fatalf("the first process sees %q, %v; want %q", again, err, id)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	opened(t, store.Options{DSN: dsn})
}

// TestKilledOwner: kill -9 leaves no lock behind, and what was committed.
func TestKilledOwner(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("STORE_TEST_OWN"); path != "" {
		s, err := open(t, store.Options{DSN: "sqlite:" + path})
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.InstallID(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("id=" + id + "\n")
		<-t.Context().Done() // until it is killed
	}
	path := filepath.Join(t.TempDir(), "drawbridge.db")
	owner := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledOwner$")
	owner.Env = append(os.Environ(), "STORE_TEST_OWN="+path)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	for buf := make([]byte, 256); !bytes.Contains(said.Bytes(), []byte("\n")); {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("the owner said %q: %v", said.String(), err)
		}
	}
	_, err = open(t, store.Options{DSN: "sqlite:" + path})
	wantUnavailable(t, err, "(pid "+strconv.Itoa(owner.Process.Pid)+")")
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	id, err := opened(t, store.Options{DSN: "sqlite:" + path}).InstallID(t.Context())
	if err != nil || "id="+id != strings.TrimSpace(said.String()) {
		t.Fatalf("after the kill: %q, %v; the owner said %q", id, err, said.String())
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "drawbridge.db")})
	store.LimitPages(t, s)
	err := s.InTx(t.Context(), func(q *store.Queries) error {
		return q.InsertTeam(t.Context(), &model.Team{Name: strings.Repeat("x", 1<<20)})
	})
	wantUnavailable(t, err, "disk", "full")
	if teams, err := s.Read().Teams(t.Context()); err != nil || len(teams) != 0 {
		t.Fatalf("after the failure: %v, %v", teams, err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "drawbridge.db")})
	wantUnavailable(t, s.Read().InsertTeam(t.Context(), &model.Team{Name: "x"}), "read-only")
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "not yet there", "a b?c#d%20e;f.db")
	opened(t, store.Options{DSN: "sqlite:" + path})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %s, readable by others", info.Mode())
	}
}

func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	noDatabase := filepath.Join(dir, "text.db")
	if err := os.WriteFile(noDatabase, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, store.Options{DSN: "sqlite:" + noDatabase})
	wantUnavailable(t, err, "backup")
	_, err = open(t, store.Options{DSN: "sqlite:" + noDatabase + "/x.db"})
	wantUnavailable(t, err, "--data-dir")
	_, err = open(t, store.Options{DSN: "sqlite:" + dir})
	wantUnavailable(t, err, "--data-dir")
	for _, dsn := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "postgres://%zz"} {
		if _, err := open(t, store.Options{DSN: dsn}); err == nil || model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%q: error is %v, want invalid", dsn, err)
		}
	}
	_, err = open(t, store.Options{DSN: "postgres:///x?host=" + dir})
	wantUnavailable(t, err, "Check that it runs")
}

// TestNewerSchema: an older program leaves a newer one's database alone.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "drawbridge.db")
	if err := opened(t, store.Options{DSN: "sqlite:" + path}).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, store.Options{DSN: "sqlite:" + path})
	wantUnavailable(t, err, "version 99999", "newer")
}

// TestLibcVersion: modernc.org/sqlite works with the libc of its own go.mod
// and may break with any other.
func TestLibcVersion(t *testing.T) {
	t.Parallel()
	version := func(ctx context.Context, module, dir string) string {
		cmd := exec.CommandContext(ctx, "go", "list", "-mod=readonly", "-m", "-f", "{{.Version}}\n{{.Dir}}", module)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list %s: %v", module, err)
		}
		return strings.TrimSpace(string(out))
	}
	_, dir, _ := strings.Cut(version(t.Context(), "modernc.org/sqlite", "."), "\n")
	ours, _, _ := strings.Cut(version(t.Context(), "modernc.org/libc", "."), "\n")
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(gomod), "modernc.org/libc "+ours+"\n") {
		t.Errorf("go.mod has modernc.org/libc %s; the go.mod of modernc.org/sqlite wants another:\n%s", ours, gomod)
	}
}

// TestWaitingSurvivesAClockThatGoesBack: a job that waits a minute for its next
// try does not wait the hour, too, by which the clock was set back.
func TestWaitingSurvivesAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	ctx, now := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := opened(t, store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "drawbridge.db"), Now: func() time.Time { return now }})
	b := &model.Backend{TeamID: "team_1", EnvironmentID: "env_1", Name: "orders", SpecVersion: 1, Phase: model.PhaseRegistered}
	must(t, s.InTx(ctx, func(q *store.Queries) error {
		return errors.Join(q.InsertTeam(ctx, &model.Team{ID: "team_1", Name: "one"}), q.UpsertEnvironment(ctx, &model.Environment{ID: "env_1", Name: "one"}),
			q.InsertBackend(ctx, b))
	}))
	must(t, s.InTx(ctx, func(q *store.Queries) error {
		return q.InsertJob(ctx, &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpProvision})
	}))
	for _, row := range []struct {
		later time.Duration
		taken bool
	}{{0, true}, {30 * time.Second, false}, {31 * time.Second, true}, {-time.Hour, true}, {-time.Millisecond, true}, {time.Second, false}} {
		now = now.Add(row.later)
		j, err := s.ClaimJob(ctx, "a", time.Hour)
		if err != nil || (j != nil) != row.taken {
			t.Fatalf("%s later, at %s: %+v, %v", row.later, now, j, err)
		}
		if j != nil {
			must(t, s.FinishJob(ctx, j.Lease(), model.Outcome{State: model.JobWaiting, Delay: time.Minute}))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
