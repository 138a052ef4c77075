package web

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/sheet"
)

// exportBackends sends the filtered list, all pages of it, as a file that the
// import takes.
func (w *Web) exportBackends(c echo.Context) error {
	f := filterOf(c.QueryParams())
	f.Page = 1
	list, err := w.panel.Backends(c.Request().Context(), actorOf(c), f.panel(0))
	if err != nil {
		return err
	}
	entries := make([]sheet.Entry, len(list))
	for i, b := range list {
		entries[i] = sheet.Entry{Name: b.Name, Environment: b.EnvironmentName, Spec: b.Spec}
	}
	var out bytes.Buffer
	switch format := c.Param("format"); format {
	case "csv":
		err = sheet.WriteCSV(&out, entries)
	case "json":
		err = sheet.WriteJSON(&out, entries)
	default:
		return model.Errorf(model.CodeNotFound, "There is no export as %q; take csv or json.", format)
	}
	if err != nil {
		return err
	}
	return attachment(c, "backends."+c.Param("format"), out.Bytes())
}

// sendTemplate sends a CSV file to fill in.
func (w *Web) sendTemplate(c echo.Context) error {
	return attachment(c, "template.csv", []byte(sheet.Template()))
}

// attachment sends a file to save; its name ends in csv or json.
func attachment(c echo.Context, name string, data []byte) error {
	kind := "text/csv; charset=utf-8"
	if bytes.HasSuffix([]byte(name), []byte(".json")) {
		kind = echo.MIMEApplicationJSON
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return c.Blob(http.StatusOK, kind, data)
}
