package web

import (
	"github.com/labstack/echo/v4"

	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// importView is the page that registers many backends.
type importView struct {
	importForm
	Action       string
	CancelURL    string
	TemplateURL  string
	Teams        []ui.Option
	Environments []ui.Option
	Result       importResultView
}

// importResultView tells what would become of each row.
type importResultView struct {
	Checked  bool // there are rows
	Blocked  bool
	Summary  string
	Problems []string // with the list as a whole
	Rows     []importRow
	Button   string // "" when there is nothing to register
}

// importRow is one backend of the list.
type importRow struct {
	Number      int
	Name, URL   string // URL of the backend that exists already
	Environment string
	Outcome     ui.State
	Note        string
	Errors      []string
}

func outcomeState(o panel.Outcome) ui.State {
	switch o {
	case panel.OutcomeNew:
		return ui.State{Value: string(o), Word: "New", Tone: ui.ToneOK, Icon: "check"}
	case panel.OutcomeUnchanged:
		return ui.State{Value: string(o), Word: "Unchanged", Tone: ui.ToneIdle, Icon: "circle"}
	case panel.OutcomeConflict:
		return ui.State{Value: string(o), Word: "Conflict", Tone: ui.ToneWarn, Icon: "alert"}
	}
	return ui.State{Value: string(o), Word: "Invalid", Tone: ui.ToneBad, Icon: "alert"}
}

func (w *Web) importPage(c echo.Context, status int, form importForm, result importResultView) error {
	environments, err := w.panel.Environments(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	v := importView{
		importForm: form, Action: pathBackendImport(), CancelURL: pathBackends, TemplateURL: pathBackendTemplate(), Result: result,
	}
	for _, e := range environments {
		v.Environments = append(v.Environments, ui.Option{Value: e.ID, Label: e.Name + " (" + e.Region + ")"})
	}
	if v.Teams, err = w.teamOptions(c); err != nil {
		return err
	}
	return w.pageWith(c, status, w.layoutView(c, "", "backends"), importPage(v))
}
