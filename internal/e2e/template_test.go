package e2e

import (
	"database/sql"
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
	cloud    string // where its cloud was: invoke URLs have the port
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
	st.token = st.newToken("--role", "admin") // who may delete orphans
	st.backend = st.register(launch("sweep", nil))
	return st.save(tpl)
}

// save stops the server and makes its state a template; the stage is used up.
func (st *stage) save(tpl *template) *template {
	st.t.Helper()
	if err := st.terminate(); err != nil {
		st.t.Fatalf("%v\n%s", err, st.logs)
	}
	return &template{kind: tpl.kind, dir: filepath.Dir(st.dir), database: st.databaseURL(), cloud: st.cloud.url, token: st.token, backend: st.backend}
}

// restored is the panel of tpl beside the cloud of another state: what was made
// in between has no rows, as when a database is put back from a backup.
func (tpl *template) restored(t *testing.T, later *template) *template {
	t.Helper()
	mixed := *tpl
	mixed.dir = t.TempDir()
	for from, dir := range map[string]string{tpl.dir: panelDir, later.dir: cloudDir} {
		if err := os.CopyFS(filepath.Join(mixed.dir, dir), os.DirFS(filepath.Join(from, dir))); err != nil {
			t.Fatal(err)
		}
	}
	return &mixed
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
	if tpl.cloud != "" {
		moved(t, filepath.Join(dir, panelDir), url, tpl.cloud, c.url)
	}
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

// moved has a stopped panel's rows name the port that the copy of its cloud has:
// an invoke URL of AWS is the same for ever, so nothing asks for it again.
func moved(t *testing.T, dir, url, was, is string) {
	t.Helper()
	driver, outputs := "pgx", "jsonb"
	if url == "" {
		driver, outputs, url = "sqlite", "text", "file:"+filepath.Join(dir, "drawbridge.db")
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`UPDATE backends SET invoke_url = REPLACE(invoke_url, $1, $2)`,
		`UPDATE resources SET outputs = CAST(REPLACE(CAST(outputs AS text), $1, $2) AS ` + outputs + `)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement, port(was), port(is)); err != nil {
			t.Fatal(err)
		}
	}
}

// port is that of a URL, with its colon.
func port(url string) string { return url[strings.LastIndexByte(url, ':'):] }

// databaseURL is the server's --database.
func (s *server) databaseURL() string {
	for i, f := range s.flags {
		if f == "--database" {
			return s.flags[i+1]
		}
	}
	return ""
}
