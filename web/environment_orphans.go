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
}

// orphansView is the page of an environment's orphans.
type orphansView struct {
	Ours, Foreign []orphanRow
}

// listOrphans asks the environment and shows what nothing accounts for.
func (w *Web) listOrphans(c echo.Context) error {
	list, err := w.panel.Orphans(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return w.page(c, w.layoutView(c, "", "environments"), environmentOrphansPage(newOrphansView(list, w.now())))
}

func newOrphansView(list []model.Orphan, now time.Time) orphansView {
	var v orphansView
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
		v.Ours = append(v.Ours, row)
	}
	return v
}

// orphansLabel is what the link to the page says: how many there were.
func orphansLabel(e *model.Environment) string {
	if e.OrphansAt.IsZero() {
		return "Look for orphans"
	}
	return fmt.Sprintf("Orphans (%d)", e.Orphans)
}
