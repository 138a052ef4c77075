// Package sheet reads and writes lists of backends as CSV and JSON, as people
// keep them in spreadsheets and editors. What it writes, it reads again.
package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"drawbridge/internal/model"
)

// Limits of a list.
const (
	MaxBytes = 4 << 20
	MaxRows  = 1000
)

// Entry is one backend of a list.
type Entry struct {
	Row         int    // as spreadsheets count (the header is row 1), or the entry's place in JSON, from 1
	Name        string // the backend's
	Environment string // name or id; "" = the only one
	Spec        model.Spec
	Refused     []model.Field // what cannot be read, by the paths that package panel uses
}

// List is what was read.
type List struct {
	JSON    bool // it was JSON, so that rows are entries and columns are fields
	Entries []Entry
}

// Read reads CSV or JSON. What is wrong with the whole is a CodeInvalid error;
// what is wrong with one entry is in the entry.
func Read(data []byte) (*List, error) {
	text, err := Text(data)
	if err != nil {
		return nil, err
	}
	list := &List{JSON: strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")}
	if list.JSON {
		list.Entries, err = readJSON(text)
	} else {
		list.Entries, err = readCSV(text)
	}
	switch {
	case err != nil:
		return nil, err
	case len(list.Entries) == 0:
		return nil, model.Errorf(model.CodeInvalid, "The list holds no backend: there is nothing below its header. Write one backend on each row.")
	case len(list.Entries) > MaxRows:
		return nil, model.Errorf(model.CodeInvalid, "The list holds %d backends; %d can be imported at once. Divide it.", len(list.Entries), MaxRows)
	}
	return list, nil
}

// Text is what data says, without a byte order mark and the space around it. What
// is no UTF-8 text, too large or empty is a CodeInvalid error.
func Text(data []byte) (string, error) {
	if len(data) > MaxBytes {
		return "", model.Errorf(model.CodeInvalid, "The list is larger than %d MiB. Divide it.", MaxBytes>>20)
	}
	utf16 := bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) || bytes.IndexByte(data, 0) >= 0
	if utf16 {
		return "", model.Errorf(model.CodeInvalid, "The file is not UTF-8 but UTF-16 or a binary file, such as a workbook. In Excel, save it as “CSV UTF-8 (Comma delimited)”.")
	}
	if !utf8.Valid(data) {
		return "", model.Errorf(model.CodeInvalid, "The file is not UTF-8. Save it as “CSV UTF-8”, or with the encoding UTF-8 in an editor.")
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if strings.TrimSpace(text) == "" {
		return "", model.Errorf(model.CodeInvalid, "The list is empty. Paste it, or choose a file; the template shows its form.")
	}
	return strings.TrimSpace(text), nil
}

// refuse records that a value cannot be read.
func (e *Entry) refuse(path, format string, args ...any) {
	e.Refused = append(e.Refused, model.Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// At is where a refusal belongs in the user's list: "row 7, column health_path".
func (l *List) At(e *Entry, path string) string {
	place := fmt.Sprintf("row %d", e.Row)
	if l.JSON {
		place = fmt.Sprintf("entry %d", e.Row)
	}
	name := path
	if !l.JSON {
		name = columnOf(path)
	}
	switch {
	case name == "":
		return place
	case l.JSON:
		return place + ", field " + name
	}
	return place + ", column " + name
}

// nearest is the known name that is least unlike the given one, "" when none is near.
func nearest(name string, known []string) string {
	best, least := "", len(name)/2+2
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, before+cost)
		}
	}
	return row[len(b)]
}

// didYouMean is the end of a sentence about an unknown name.
func didYouMean(name string, known []string) string {
	if n := nearest(name, known); n != "" {
		return "; did you mean " + n + "?"
	}
	return ". Known are " + strings.Join(known, ", ") + "."
}
