package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// crashBinary is the server with crash points in its commits, and without the
// race detector: a sweep starts it a thousand times.
var crashBinary = sync.OnceValues(func() (string, error) {
	return buildBinary("drawbridge-crashpoints", "-tags", "crashpoints")
})

// crashFileVar is how a binary with crash points is told where to die.
const crashFileVar = "DRAWBRIDGE_CRASH_FILE"

func TestTheProductHasNoCrashPoints(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		build func() (string, error)
		want  bool
	}{"product": {binary, false}, "binary for the sweeps": {crashBinary, true}} {
		path, err := row.build()
		if err != nil {
			t.Fatal(err)
		}
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(code), crashFileVar); got != row.want {
			t.Errorf("the %s has crash points: %t", name, got)
		}
	}
}

// database is one of the two kinds.
type database string

const (
	onSQLite   database = "SQLite"
	onPostgres database = "PostgreSQL"
)

// stage is a panel and its simulated AWS in some state.
type stage struct {
	*server
	cloud   *cloud
	backend model.Backend
}

// template is a state to start from, as often as wanted.
type template struct {
	kind     database
	dir      string // of the panel and of the cloud
	database string // of PostgreSQL
	token    string
	backend  model.Backend
}

const (
	panelDir = "panel"
	cloudDir = "cloud"
)

// registered makes the first state: a panel with one backend that is known and
// no more.
func registered(t *testing.T, kind database) *template {
	t.Helper()
	tpl := &template{kind: kind, dir: t.TempDir()}
	if kind == onPostgres {
		tpl.database = storetest.Postgres(t)
	}
	for _, dir := range []string{panelDir, cloudDir} {
		if err := os.Mkdir(filepath.Join(tpl.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	st := tpl.stand(t, tpl.dir, tpl.database)
	st.token = st.newToken()
	st.backend = st.register(launch("sweep", nil))
	return st.save(tpl)
}

// save stops the server and makes its state a template; the stage is used up.
func (st *stage) save(tpl *template) *template {
	st.t.Helper()
	if err := st.terminate(); err != nil {
		st.t.Fatalf("%v\n%s", err, st.logs)
	}
	return &template{kind: tpl.kind, dir: filepath.Dir(st.dir), database: st.databaseURL(), token: st.token, backend: st.backend}
}

// open starts a server on a copy of the template.
func (tpl *template) open(t *testing.T) *stage {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tpl.dir)); err != nil {
		t.Fatal(err)
	}
	url := ""
	if tpl.kind == onPostgres {
		url = storetest.PostgresCopy(t, tpl.database)
	}
	return tpl.stand(t, dir, url)
}

// lease is short enough on PostgreSQL for a sweep: there a killed server's
// jobs wait until it has run out.
const lease = "2s"

// stand starts a server on a state.
func (tpl *template) stand(t *testing.T, dir, url string) *stage {
	t.Helper()
	c := openCloud(t, filepath.Join(dir, cloudDir), awssim.Instant)
	flags := c.flags()
	if url != "" {
		flags = append(flags, "--database", url, "--lease", lease)
	}
	s := &server{t: t, dir: filepath.Join(dir, panelDir), bind: "127.0.0.1:0", sim: "127.0.0.1:0", profile: "instant", flags: flags,
		token: tpl.token, binary: crashBinary, canaries: newCanaries()}
	s.env = []string{crashFileVar + "=" + filepath.Join(s.dir, "crash")}
	s.start()
	return &stage{server: s, cloud: c, backend: tpl.backend}
}

// databaseURL is the server's --database.
func (s *server) databaseURL() string {
	for i, f := range s.flags {
		if f == "--database" {
			return s.flags[i+1]
		}
	}
	return ""
}
