package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/sheet"
)

// newImport shows the empty form.
func (w *Web) newImport(c echo.Context) error {
	return w.importPage(c, http.StatusOK, importForm{Provision: true}, importResultView{})
}

// createImport checks the list, or registers it. What was sent stays in the form.
func (w *Web) createImport(c echo.Context) error {
	form, err := readImport(c)
	if err != nil {
		return w.importPage(c, http.StatusUnprocessableEntity, form, refusedImport(err))
	}
	list, err := sheet.Read([]byte(form.Text))
	if err != nil {
		return w.importPage(c, http.StatusUnprocessableEntity, form, refusedImport(err))
	}
	batch := form.batch(list)
	result, err := w.panel.RegisterBatch(c.Request().Context(), actorOf(c), batch)
	switch code := model.CodeOf(err); {
	case err == nil && !batch.DryRun:
		return redirect(c, pathBackends+backendFilter{BatchID: result.ID}.query(1))
	case err != nil && result == nil && code != model.CodeInvalid:
		return err
	case result == nil:
		return w.importPage(c, http.StatusUnprocessableEntity, form, refusedImport(err))
	}
	v := newImportResultView(list, result, form.Provision)
	status := http.StatusOK
	if v.Blocked {
		status = http.StatusUnprocessableEntity
	}
	return w.importPage(c, status, form, v)
}

// importForm is the form as it was sent.
type importForm struct {
	Text          string
	TeamID        string
	EnvironmentID string // for rows that name none
	Provision     bool
	Register      bool // and not only check
}

// readImport reads the form; a chosen file takes the place of the text.
func readImport(c echo.Context) (importForm, error) {
	values, err := c.FormParams()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return importForm{}, model.Errorf(model.CodeInvalid, "The list is larger than %d MiB. Divide it.", sheet.MaxBytes>>20)
	case err != nil:
		return importForm{}, model.Errorf(model.CodeInvalid, "The form could not be read. Send it again: %w", err)
	}
	f := importForm{
		Text: values.Get("list"), TeamID: values.Get("team_id"), EnvironmentID: values.Get("environment_id"),
		Provision: values.Get("provision") != "", Register: values.Get("action") == "register",
	}
	header, err := c.FormFile("file")
	if err != nil || header.Filename == "" {
		return f, nil // none was chosen
	}
	data, err := readFile(header)
	if err != nil {
		return f, model.Errorf(model.CodeInvalid, "The file %s could not be read. Choose it again: %w", header.Filename, err)
	}
	text, err := sheet.Text(data)
	if err != nil {
		return f, err
	}
	f.Text = text
	return f, nil
}

// readFile reads an uploaded file, a little further than is allowed at the most.
func readFile(header *multipart.FileHeader) ([]byte, error) {
	file, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	return io.ReadAll(io.LimitReader(file, sheet.MaxBytes+1))
}

func (f importForm) batch(list *sheet.List) panel.Batch {
	batch := panel.Batch{TeamID: f.TeamID, Provision: f.Provision, DryRun: !f.Register}
	for _, e := range list.Entries {
		item := panel.BatchItem{Name: e.Name, EnvironmentID: e.Environment, Spec: e.Spec, Refused: e.Refused}
		if item.EnvironmentID == "" {
			item.EnvironmentID = f.EnvironmentID
		}
		batch.Items = append(batch.Items, item)
	}
	return batch
}

// refusedImport tells what is wrong with the list as a whole.
func refusedImport(err error) importResultView {
	v := importResultView{Blocked: true, Summary: "Drawbridge could not read the list."}
	var e *model.Error
	if errors.As(err, &e) {
		v.Summary = e.Message
		for _, f := range e.Fields {
			v.Problems = append(v.Problems, f.Message)
		}
	}
	return v
}

func newImportResultView(list *sheet.List, r *panel.BatchResult, provision bool) importResultView {
	fresh, queued := r.Count(panel.OutcomeNew), r.Queued()
	wrong := r.Count(panel.OutcomeInvalid) + r.Count(panel.OutcomeConflict)
	v := importResultView{Checked: true, Blocked: wrong > 0}
	v.Summary = fmt.Sprintf("%d new, %d unchanged, %d in conflict, %d invalid.", fresh, r.Count(panel.OutcomeUnchanged),
		r.Count(panel.OutcomeConflict), r.Count(panel.OutcomeInvalid))
	switch {
	case wrong > 0:
		v.Summary += " Nothing is registered until every row is right: mend " + count(wrong, "row") + " and check again."
	case fresh == 0 && queued == 0:
		v.Summary += " There is nothing to do."
	case fresh == 0:
		v.Button = "Provision " + count(queued, "backend")
	default:
		v.Button = "Register " + count(fresh, "backend")
		if provision {
			v.Button += fmt.Sprintf(" and provision %d", queued)
		}
	}
	for i := range r.Rows {
		v.Rows = append(v.Rows, newImportRow(list, &list.Entries[i], &r.Rows[i]))
	}
	return v
}

func newImportRow(list *sheet.List, e *sheet.Entry, r *panel.BatchRow) importRow {
	row := importRow{Number: e.Row, Name: r.Name, Environment: r.EnvironmentName, Outcome: outcomeState(r.Outcome)}
	if r.Backend != nil {
		row.URL = pathBackend(r.Backend.ID)
	}
	if r.Provision {
		row.Note = "It is provisioned, too."
	}
	for _, f := range r.Fields {
		row.Errors = append(row.Errors, list.At(e, f.Path)+": "+f.Message)
	}
	return row
}
