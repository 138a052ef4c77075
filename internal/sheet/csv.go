package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"drawbridge/internal/model"
)

// readCSV reads a header and one entry on each row. Commas, semicolons and
// tabs divide cells, whichever the header uses.
func readCSV(text string) ([]Entry, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = divider(text), -1
	cells, err := r.Read()
	if err != nil {
		return nil, brokenCSV(err)
	}
	header, err := readHeader(cells)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for row := 2; ; row++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, brokenCSV(err)
		}
		if blank(cells) {
			continue
		}
		entries = append(entries, readRow(row, header, cells))
	}
}

func brokenCSV(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return model.Errorf(model.CodeInvalid, "The CSV cannot be read at line %d, character %d: %w. A cell with a quotation mark, a line break or a divider stands in quotation marks, with those within it doubled.", parse.Line, parse.Column, parse.Err)
	}
	return model.Errorf(model.CodeInvalid, "The CSV cannot be read: %w", err)
}

// divider is what divides the header's cells most often.
func divider(text string) rune {
	header, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, d := range []rune{';', '\t'} {
		if strings.Count(header, string(d)) > strings.Count(header, string(best)) {
			best = d
		}
	}
	return best
}

// readHeader finds the column of each cell.
func readHeader(cells []string) ([]column, error) {
	all := columns()
	var header []column
	var v model.Invalid
	for _, cell := range cells {
		name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(cell)))
		if name == "environment_id" {
			name = "environment"
		}
		i := slices.IndexFunc(all, func(c column) bool { return c.name == name })
		switch {
		case i < 0:
			v.Add("", "There is no column %q%s", cell, didYouMean(name, columnNames()))
			header = append(header, column{})
		case slices.ContainsFunc(header, func(c column) bool { return c.name == name }):
			v.Add("", "The column %s stands there twice.", name)
		default:
			header = append(header, all[i])
		}
	}
	if !slices.ContainsFunc(header, func(c column) bool { return c.name == "name" }) {
		v.Add("", "The first row names the columns, and there must be one called name. The template shows all of them.")
	}
	if err := v.Err(); err != nil {
		return nil, &model.Error{Code: model.CodeInvalid, Message: "The header is not right, so nothing else was read.", Fields: fieldsOf(err)}
	}
	return header, nil
}

func fieldsOf(err error) []model.Field {
	var e *model.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

func readRow(row int, header []column, cells []string) Entry {
	e := Entry{Row: row, Spec: model.Spec{Port: model.DefaultPort}}
	if len(cells) > len(header) {
		e.refuse("", "The row has %d cells and the header names %d. Put a cell that holds a divider in quotation marks.", len(cells), len(header))
	}
	for i, c := range header {
		if i >= len(cells) {
			break
		}
		if text := unguard(strings.TrimSpace(cells[i])); text != "" {
			c.set(&e, text)
		}
	}
	if e.Spec.Source == "" && e.Spec.Instances != nil && e.Spec.Launch == nil {
		e.Spec.Source = model.SourceInstances
	}
	return e
}

// WriteCSV writes entries as Read reads them.
func WriteCSV(w io.Writer, entries []Entry) error {
	out := csv.NewWriter(w)
	if err := out.Write(columnNames()); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	for i := range entries {
		var cells []string
		for _, c := range columns() {
			cells = append(cells, guard(c.get(&entries[i])))
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("write row %d: %w", i+2, err)
		}
	}
	out.Flush()
	return out.Error()
}

// Template is a CSV file with every column and one row to overwrite.
func Template() string {
	var samples []string
	for _, c := range columns() {
		samples = append(samples, c.sample)
	}
	return strings.Join(columnNames(), ",") + "\r\n" + strings.Join(samples, ",") + "\r\n"
}

// formula begins a cell that a spreadsheet would carry out.
const formula = "=+-@\t\r"

// guard keeps spreadsheets from carrying a cell out, by an apostrophe before it.
func guard(cell string) string {
	if cell != "" && (strings.ContainsRune(formula, rune(cell[0])) || cell[0] == '\'') {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && (strings.ContainsRune(formula, rune(cell[1])) || cell[1] == '\'') {
		return cell[1:]
	}
	return cell
}
