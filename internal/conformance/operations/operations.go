// Package operations keeps the table of operations and clients in
// docs/simulator.md true: each client's test hands in what it has called, and
// fails when its column says something else.
package operations

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awssim"
)

// UpdateVariable in the environment makes tests write their columns anew. A
// test that has done so fails all the same: see `make operations`.
const UpdateVariable = "UPDATE_OPERATIONS"

const yes = "yes"

// Columns of the table, after service and operation.
var columns = []string{"AWS CLI", "boto3", "Go SDK", "Terraform", "panel"}

// writing keeps the tests of one package from writing at once.
var writing sync.Mutex

// Check compares a client's column with its calls that AWS would have carried
// out, and the table's rows with what the simulator serves.
func Check(t testing.TB, column string, calls []awssim.Call) {
	t.Helper()
	called := map[awssim.Operation]bool{}
	for _, c := range calls {
		if c.Status >= 200 && c.Status < 300 {
			called[awssim.Operation{Service: c.Service, Name: c.Operation}] = true
		}
	}
	writing.Lock()
	defer writing.Unlock()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	page, err := read(string(raw))
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	wrong := page.differences(column, called)
	if len(wrong) == 0 {
		return
	}
	if os.Getenv(UpdateVariable) == "" {
		t.Errorf("the table of operations in docs/simulator.md is stale; run make operations:\n%s", strings.Join(wrong, "\n"))
		return
	}
	page.set(column, called)
	if err := os.WriteFile(document, []byte(page.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Errorf("the column %s in docs/simulator.md was written anew", column)
}

// document is seen from the package under test: each of them lies three folders
// deep, as this one does.
const document = "../../../docs/simulator.md"

// page is the document around the table, and the table.
type page struct {
	before, after string
	cells         map[awssim.Operation]map[string]bool // by column
}

const heading = "| service | operation |"

// read finds the table by its heading; it ends at the first line that is no row.
func read(text string) (page, error) {
	at := strings.Index(text, heading)
	if at < 0 {
		return page{}, fmt.Errorf("there is no table that begins with %q", heading)
	}
	p := page{before: text[:at], cells: map[awssim.Operation]map[string]bool{}}
	rest := text[at:]
	for n := 0; strings.HasPrefix(rest, "|"); n++ {
		row, after, _ := strings.Cut(rest, "\n")
		rest = after
		if n < 2 {
			continue // heading and rule
		}
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 2+len(columns) {
			return page{}, fmt.Errorf("the row %q has not %d cells", row, 2+len(columns))
		}
		op := awssim.Operation{Service: strings.TrimSpace(cells[0]), Name: strings.TrimSpace(cells[1])}
		p.cells[op] = map[string]bool{}
		for i, c := range columns {
			p.cells[op][c] = strings.TrimSpace(cells[2+i]) == yes
		}
	}
	p.after = rest
	return p, nil
}

// differences says where the table is wrong.
func (p page) differences(column string, called map[awssim.Operation]bool) []string {
	var out []string
	served := map[awssim.Operation]bool{}
	for _, op := range awssim.Operations() {
		served[op] = true
		row, ok := p.cells[op]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s %s is served and has no row", op.Service, op.Name))
		case called[op] != row[column]:
			out = append(out, fmt.Sprintf("%s %s: %s called it: %v", op.Service, op.Name, column, called[op]))
		}
	}
	for op := range p.cells {
		if !served[op] {
			out = append(out, fmt.Sprintf("%s %s has a row and is not served", op.Service, op.Name))
		}
	}
	slices.Sort(out)
	return out
}

func (p page) set(column string, called map[awssim.Operation]bool) {
	for _, op := range awssim.Operations() {
		if p.cells[op] == nil {
			p.cells[op] = map[string]bool{}
		}
		p.cells[op][column] = called[op]
	}
}

// String is the document with a row for each operation that is served.
func (p page) String() string {
	var b strings.Builder
	b.WriteString(p.before + heading + " " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", 2+len(columns)) + "|\n")
	ops := awssim.Operations()
	slices.SortFunc(ops, func(a, b awssim.Operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
	})
	for _, op := range ops {
		fmt.Fprintf(&b, "| %s | %s |", op.Service, op.Name)
		for _, c := range columns {
			cell := ""
			if p.cells[op][c] {
				cell = yes
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	b.WriteString(p.after)
	return b.String()
}
