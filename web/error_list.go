package web

import (
	"slices"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// errorChapterView is a part of the page of errors.
type errorChapterView struct {
	Title string
	Rows  []errorRow
}

// errorRow is what one or several codes mean.
type errorRow struct {
	Codes   []errorCode
	Text    string // part of AWS's message that it takes; "" = any
	Meaning string
	Advice  string
}

// errorCode is a code and its anchor: the first row of a code has it.
type errorCode struct{ Code, Anchor string }

// listErrors shows what errors mean. Links lead to a code's anchor.
func (w *Web) listErrors(c echo.Context) error {
	return w.page(c, w.layoutView(c, "", ""), errorListPage(newErrorChapters(w.errors)))
}

func newErrorChapters(chapters []model.ErrorChapter) []errorChapterView {
	var views []errorChapterView
	var seen []string
	for _, chapter := range chapters {
		v := errorChapterView{Title: chapter.Title}
		for _, e := range chapter.Explanations {
			row := errorRow{Text: e.Text, Meaning: e.Meaning, Advice: e.Advice}
			for _, code := range e.Codes {
				c := errorCode{Code: code}
				if !slices.Contains(seen, code) {
					c.Anchor, seen = code, append(seen, code)
				}
				row.Codes = append(row.Codes, c)
			}
			v.Rows = append(v.Rows, row)
		}
		views = append(views, v)
	}
	return views
}
