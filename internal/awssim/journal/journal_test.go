package journal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awssim/journal"
)

func open(t *testing.T, dir string) (*journal.Journal, []string) {
	t.Helper()
	j, rows, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, r.Kind+" "+r.ID+" "+string(r.Value))
	}
	return j, out
}

func put(kind, id, value string) journal.Change {
	return journal.Change{Kind: kind, ID: id, Value: json.RawMessage(value)}
}

func write(t *testing.T, j *journal.Journal, changes ...journal.Change) {
	t.Helper()
	n, err := j.Append(changes)
	if err == nil {
		err = j.Sync(n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func shut(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournal_LastPutWins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, rows := open(t, dir)
	if len(rows) != 0 {
		t.Errorf("a new directory has %v", rows)
	}
	write(t, j, put("b", "1", `"old"`), put("a", "2", `{"x":1}`))
	write(t, j, put("b", "1", `"new"`), put("c", "3", `1`))
	write(t, j, journal.Change{Kind: "c", ID: "3"})
	shut(t, j)
	for range 2 { // and compacting changes nothing
		j, rows = open(t, dir)
		if want := []string{`a 2 {"x":1}`, `b 1 "new"`}; !slices.Equal(rows, want) {
			t.Errorf("got %v, want %v", rows, want)
		}
		shut(t, j)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "state.jsonl"))
	if err != nil || strings.Count(string(raw), "\n") != 2 {
		t.Errorf("compacted to %q, %v", raw, err)
	}
}

func TestJournal_TornAndDamaged(t *testing.T) {
	t.Parallel()
	whole := `[{"k":"a","i":"1","v":1}]` + "\n"
	for name, row := range map[string]struct {
		text string
		rows int
		bad  string
	}{
		"torn last line":      {whole + `[{"k":"a","i":"2"`, 1, ""},
		"unfinished but good": {whole + `[{"k":"a","i":"2","v":2}]`, 1, ""}, // nobody was told that it is safe
		"damaged inside":      {whole + "???\n" + whole, 0, "line 2 is damaged"},
		"empty":               {"", 0, ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.jsonl"), []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		j, rows, err := journal.Open(dir)
		if row.bad != "" {
			if err == nil || !strings.Contains(err.Error(), row.bad) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || len(rows) != row.rows {
			t.Errorf("%s: %v, %v", name, rows, err)
			continue
		}
		shut(t, j)
	}
}

func TestJournal_OneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := open(t, dir)
	if _, _, err := journal.Open(dir); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("second owner: %v", err)
	}
	shut(t, j)
	j, _ = open(t, dir)
	shut(t, j)
}

func TestJournal_ClosedRefuses(t *testing.T) {
	t.Parallel()
	j, _ := open(t, t.TempDir())
	shut(t, j)
	n, err := j.Append([]journal.Change{put("a", "1", "1")})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Sync(n); err == nil {
		t.Error("a closed journal says that a change is safe")
	}
}

func TestJournal_ManyWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, _ := open(t, dir)
	var tasks sync.WaitGroup
	for i := range 8 {
		tasks.Go(func() {
			for k := range 20 {
				n, err := j.Append([]journal.Change{put("k", fmt.Sprintf("%d-%d", i, k), "1")})
				if err == nil {
					err = j.Sync(n)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	tasks.Wait()
	shut(t, j)
	j, rows := open(t, dir)
	if len(rows) != 160 {
		t.Errorf("%d rows, want 160", len(rows))
	}
	shut(t, j)
}
