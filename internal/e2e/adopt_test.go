package e2e

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"drawbridge/internal/model"
)

// loses makes the stopped server forget the backend's resource, as a database
// that was restored from an older backup does.
func (s *server) loses(b model.Backend, key string) {
	s.t.Helper()
	s.kill()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "drawbridge.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), `DELETE FROM resources WHERE backend_id = $1 AND key = $2`, b.ID, key); err != nil {
		s.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// TestALostResourceIsAdopted in a browser: it is shown as an orphan, becomes
// its backend's again by a click, the next provisioning makes no second one,
// and destroying leaves nothing.
func TestALostResourceIsAdopted(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.counts()
	back := s.register(launch("orders", nil))
	s.succeeded(s.provision(back))
	made := s.counts()
	alb := s.resources(back)["alb"].AWSID
	s.litter(back, "be_lost2345") // another backend's, which can only be deleted
	s.loses(back, "alb")

	b := startBrowser(t, s)
	b.open(strings.TrimPrefix(s.link, b.url))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.open("/environments/" + back.EnvironmentID + "/orphans")
	b.sees(`[data-orphan="` + alb + `"] [data-testid="adopt-orphan"]`)
	if n := eval[int](b, `document.querySelectorAll('[data-testid="adopt-orphan"]').length`); n != 1 {
		t.Errorf("%d orphans can be adopted, want the balancer alone", n)
	}
	b.shoot("orphans")
	b.accessible("orphans")
	b.click(`[data-testid="adopt-orphan"]`)
	b.sees(`tr[data-resource="alb"][data-state="pending"]`)
	if got := s.resources(back)["alb"]; got.AWSID != alb || got.State != model.ResourcePending || got.MadeBy != "" {
		t.Errorf("adopted: %+v", got)
	}
	b.open("/environments/" + back.EnvironmentID + "/orphans")
	b.sees(`[data-testid="delete-all"]`)
	if n := eval[int](b, `document.querySelectorAll('[data-testid="adopt-orphan"]').length`); n != 0 {
		t.Errorf("%d orphans can still be adopted", n)
	}
	b.quiet()

	s.succeeded(s.provision(back))
	s.token = strings.TrimSpace(s.command("token", "create", "--data-dir", s.dir, "--role", "admin"))
	var done cleanedUp
	s.want(http.StatusAccepted, "POST", "/api/v1/environments/"+back.EnvironmentID+"/orphans:delete", map[string]any{"all": true}).into(t, &done)
	for _, j := range done.Jobs {
		s.succeeded(j)
	}
	if got := s.counts(); got != made {
		t.Errorf("provisioned again:\n%+v, want\n%+v", got, made)
	}
	s.succeeded(s.destroy(back))
	if got := s.counts(); got != before {
		t.Errorf("left\n%+v, want\n%+v", got, before)
	}
}
