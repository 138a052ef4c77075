package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/model"
)

// condition collects parts of a WHERE and their arguments.
type condition struct {
	parts []string
	args  []any
}

// add appends a part in which ? stands for the argument.
func (c *condition) add(part string, arg any) {
	c.args = append(c.args, arg)
	c.parts = append(c.parts, strings.ReplaceAll(part, "?", "$"+strconv.Itoa(len(c.args))))
}

// in appends "column IN (…)". The last value is repeated up to a power of two,
// so that a few prepared statements do for lists of all lengths.
func (c *condition) in(column string, values []string) {
	if len(values) == 0 {
		c.parts = append(c.parts, `1 = 0`)
		return
	}
	full := 1
	for full < len(values) {
		full *= 2
	}
	values = append(slices.Clip(values), slices.Repeat(values[len(values)-1:], full-len(values))...)
	c.parts = append(c.parts, column+` IN (`+placeholders(len(c.args)+1, len(values))+`)`)
	c.args = append(c.args, anys(values)...)
}

// where is all parts together.
func (c *condition) where() string { return strings.Join(c.parts, ` AND `) }

// likeEscaper makes a text literal within a LIKE pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// orderBy sorts by a column, and by id, the name of that column, where that is the same.
func orderBy(column, id string, down bool) string {
	if down {
		return ` ORDER BY ` + column + ` DESC, ` + id + ` DESC`
	}
	return ` ORDER BY ` + column + `, ` + id
}

// beyond compares with the last of a page what comes after it.
func beyond(down bool) string {
	if down {
		return `<`
	}
	return `>`
}

// goesOn refuses to go on after what the backend does not have.
func (q *Queries) goesOn(ctx context.Context, table, backendID, after string) error {
	if after == "" {
		return nil
	}
	var n int
	err := q.row(ctx, "find the page's beginning", `SELECT COUNT(*) FROM `+table+` WHERE backend_id = $1 AND id = $2`, backendID, after).Scan(&n)
	if err == nil && n == 0 {
		err = model.Errorf(model.CodeInvalid, "The cursor is not one of this list. Send next_cursor of the page before, or none for the first page.")
	}
	return err
}
