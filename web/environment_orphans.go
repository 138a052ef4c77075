package web

import (
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// orphanRow is a thing that nothing accounts for.
type orphanRow struct {
	Type       string
	ID         string
	ShortID    string
	Name       string
	Why        string
	Backend    string
	BackendURL string // "" when this installation does not know it
	Key        string
	Age        *ui.Time
	JobURL     string // of the job that deletes it now
	DeleteURL  string // "" when it cannot be asked for
	AdoptURL   string // "" when nothing can take it
}

// orphansView is the page of an environment's orphans.
type orphansView struct {
	Crumbs        []ui.Crumb
	Ours, Foreign []orphanRow
	DeleteURL     string
	Deletable     int // of ours, those that no job deletes yet
}

// listOrphans asks the environment and shows what nothing accounts for.
func (w *Web) listOrphans(c echo.Context) error {
	list, err := w.panel.Orphans(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	name, err := w.environmentName(c)
	if err != nil {
		return err
	}
	v := newOrphansView(c.Param("id"), list, w.now())
	v.Crumbs = environmentCrumbs(c.Param("id"), name)
	return w.page(c, w.layoutView(c, "Orphans in "+name, "environments"), environmentOrphansPage(v))
}

func newOrphansView(environmentID string, list []model.Orphan, now time.Time) orphansView {
	v := orphansView{DeleteURL: pathOrphansDelete(environmentID)}
	for _, o := range list {
		row := orphanRow{Type: o.Type, ID: o.ID, ShortID: shortID(o.ID), Name: o.Name, Why: o.Why, Backend: o.BackendID, Key: o.Key}
		if !o.CreatedAt.IsZero() {
			at := ago(o.CreatedAt, now)
			row.Age = &at
		}
		if o.Foreign {
			v.Foreign = append(v.Foreign, row)
			continue
		}
		row.BackendURL = pathBackend(o.BackendID)
		if o.JobID != "" {
			row.JobURL = pathJob(o.JobID)
		} else {
			row.DeleteURL = v.DeleteURL
			v.Deletable++
			if o.Adoptable {
				row.AdoptURL = pathOrphanAdopt(environmentID)
			}
		}
		v.Ours = append(v.Ours, row)
	}
	return v
}

// deleteOrphans queues the deletion of one or of all, and shows the job, or
// the orphans when there are several.
func (w *Web) deleteOrphans(c echo.Context) error {
	var ids []string
	if id := c.FormValue("id"); id != "" {
		ids = []string{id}
	}
	done, err := w.panel.DeleteOrphans(c.Request().Context(), actorOf(c), c.Param("id"), ids, c.FormValue("all") != "")
	if err != nil {
		return err
	}
	if len(done.Jobs) == 1 {
		return redirect(c, pathJob(done.Jobs[0].ID))
	}
	return redirect(c, pathEnvironmentOrphans(c.Param("id")))
}

// adoptOrphan gives an orphan back to its backend and shows that.
func (w *Web) adoptOrphan(c echo.Context) error {
	r, err := w.panel.AdoptOrphan(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathBackend(r.BackendID))
}

// orphansLabel is what the link to the page says: how many there were.
func orphansLabel(e *model.Environment) string {
	if e.OrphansAt.IsZero() {
		return "Look for orphans"
	}
	return fmt.Sprintf("Orphans (%d)", e.Orphans)
}
