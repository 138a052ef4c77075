package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// pageSize is how many backends a page of the list shows.
const pageSize = 50

// phases are what the list filters by, in the order of a backend's life.
var phases = []model.Phase{
	model.PhaseRegistered, model.PhaseProvisioning, model.PhaseReady, model.PhaseDegraded, model.PhaseUpdating,
	model.PhaseAsleep, model.PhaseFailed, model.PhaseRollingBack, model.PhaseDestroying, model.PhaseDestroyed,
}

// backendFilter is what the list's address says.
type backendFilter struct {
	Name, Phase, EnvironmentID, BatchID string
	TeamID                              string
	Page                                int // from 1
}

func filterOf(v url.Values) backendFilter {
	page, err := strconv.Atoi(v.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	return backendFilter{
		Name: strings.TrimSpace(v.Get("name")), Phase: v.Get("phase"), EnvironmentID: v.Get("environment_id"),
		BatchID: v.Get("batch"), TeamID: v.Get("team"), Page: page,
	}
}

// panel is the filter for one page of the size; 0 is for all pages.
func (f backendFilter) panel(size int) panel.BackendFilter {
	return panel.BackendFilter{
		Name: f.Name, Phase: model.Phase(f.Phase), EnvironmentID: f.EnvironmentID, BatchID: f.BatchID, TeamID: f.TeamID,
		Limit: size, Offset: (f.Page - 1) * size,
	}
}

// query is the filter in an address, with its question mark; "" for all.
func (f backendFilter) query(page int) string {
	v := url.Values{}
	for name, value := range map[string]string{"name": f.Name, "phase": f.Phase, "environment_id": f.EnvironmentID, "batch": f.BatchID, "team": f.TeamID} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// backendFilterView is the form above the list.
type backendFilterView struct {
	backendFilter
	Action       string
	Active       bool
	Phases       []ui.Option
	Environments []ui.Option
	Teams        []ui.Option // none when there is one
}

func newBackendFilterView(f backendFilter, environments []model.Environment, teams []model.Team) backendFilterView {
	v := backendFilterView{backendFilter: f, Action: pathBackends, Active: f.query(1) != "" || f.Page > 1}
	for _, p := range phases {
		v.Phases = append(v.Phases, ui.Option{Value: string(p), Label: ui.PhaseState(p).Word})
	}
	for _, e := range environments {
		v.Environments = append(v.Environments, ui.Option{Value: e.ID, Label: e.Name})
	}
	if len(teams) > 1 {
		for _, t := range teams {
			v.Teams = append(v.Teams, ui.Option{Value: t.ID, Label: t.Name})
		}
	}
	return v
}

// pagesView leads to the pages before and after.
type pagesView struct{ Words, PreviousURL, NextURL string }

func newPagesView(f backendFilter, all int) pagesView {
	var v pagesView
	if all <= pageSize && f.Page == 1 {
		return v
	}
	first, last := (f.Page-1)*pageSize+1, min(f.Page*pageSize, all)
	v.Words = fmt.Sprintf("%d to %d of %d", min(first, last), last, all)
	if f.Page > 1 {
		v.PreviousURL = pathBackends + f.query(f.Page-1)
	}
	if last < all {
		v.NextURL = pathBackends + f.query(f.Page+1)
	}
	return v
}

// batchView is how far an import is.
type batchView struct {
	Words      string
	Tone       string
	Ready, All int
}

func newBatchView(counts map[model.Phase]int) *batchView {
	v := &batchView{Ready: counts[model.PhaseReady], All: sum(counts), Tone: string(ui.ToneBusy)}
	v.Words = fmt.Sprintf("Imported together: %d of %s ready.", v.Ready, count(v.All, "backend"))
	switch {
	case counts[model.PhaseFailed] > 0:
		v.Tone = string(ui.ToneBad)
		v.Words += fmt.Sprintf(" %d failed; their jobs say why.", counts[model.PhaseFailed])
	case v.Ready == v.All:
		v.Tone = string(ui.ToneOK)
	case counts[model.PhaseRegistered] == v.All:
		v.Tone = string(ui.ToneIdle)
		v.Words = fmt.Sprintf("Imported together: %s registered. Nothing is provisioned yet.", count(v.All, "backend"))
	}
	return v
}

func sum(counts map[model.Phase]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// countWords is "130 backends: 100 ready, 30 provisioning".
func countWords(counts map[model.Phase]int) string {
	var parts []string
	for _, p := range phases {
		if n := counts[p]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ToLower(ui.PhaseState(p).Word)))
		}
	}
	return count(sum(counts), "backend") + ": " + strings.Join(parts, ", ")
}
