package ctl

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// redraw is how often seconds move on a terminal.
const redraw = 200 * time.Millisecond

// tree shows the job and its steps below it, in place, on a terminal.
type tree struct {
	out  *os.File
	stop chan struct{}
	done chan struct{}

	mu    sync.Mutex
	job   Job // a copy: the ticker reads it
	extra string
	drawn int // lines on the screen now
}

func newTree(out *os.File) *tree {
	t := &tree{out: out, stop: make(chan struct{}), done: make(chan struct{})}
	go t.tick()
	return t
}

func (t *tree) tick() {
	defer close(t.done)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			t.mu.Lock()
			t.draw(false)
			t.mu.Unlock()
		}
	}
}

func (t *tree) moved(j *Job, _ *step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.job, t.extra = *j, ""
	t.job.Steps = append([]step(nil), j.Steps...)
	t.draw(false)
}

func (t *tree) note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.extra = text
}

// close stops the seconds and leaves the whole tree.
func (t *tree) close(*Job) {
	close(t.stop)
	<-t.done
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draw(true)
}

// draw replaces what it drew before. Only what fits is drawn, for what has
// scrolled away cannot be replaced; the last time it is all of it.
func (t *tree) draw(whole bool) {
	width, height, err := term.GetSize(int(t.out.Fd()))
	if err != nil || width == 0 {
		width, height = 80, 24
	}
	rows := treeRows(&t.job, t.extra, time.Now())
	if !whole && len(rows) > height-1 {
		rows = window(rows, t.job.Steps, height-1)
	}
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	b.WriteString("\x1b[J")
	for _, row := range rows {
		b.WriteString(cut(row, width-1) + "\n")
	}
	t.drawn = len(rows)
	fmt.Fprint(t.out, b.String())
}

// treeRows are the job and its steps in plain words.
func treeRows(j *Job, extra string, now time.Time) []string {
	head := fmt.Sprintf("%s %s: %s, %s", mark(j.State), j.title(), j.State, seconds(j.took(now)))
	if j.Why != "" && !j.ended() {
		head += " (" + j.Why + ")"
	}
	rows := []string{head}
	for i := range j.Steps {
		s := &j.Steps[i]
		branch := "├─"
		if i == len(j.Steps)-1 {
			branch = "└─"
		}
		row := fmt.Sprintf("%s %s %s", branch, mark(s.State), s.Title)
		if s.State != "pending" && s.State != "skipped" {
			row += "  " + seconds(s.took(now))
		}
		if s.State == "waiting" && s.Why != "" {
			row += "  " + s.Why
		}
		rows = append(rows, row)
	}
	if extra != "" {
		rows = append(rows, extra)
	}
	for i := range rows {
		rows[i] = oneLine(rows[i])
	}
	return rows
}

// window keeps the head and the rows around the first step that is at work.
func window(rows []string, steps []step, height int) []string {
	first := len(steps)
	for i, s := range steps {
		if s.State != "done" && s.State != "skipped" {
			first = i
			break
		}
	}
	keep := max(1, height-1)
	from := min(first+1, len(rows)-keep)
	return append([]string{rows[0]}, rows[from:from+keep]...)
}

func mark(state string) string {
	switch state {
	case "done", "succeeded":
		return "✓"
	case "failed":
		return "✗"
	case "started", "running", "waiting":
		return "●"
	case "skipped", "cancelled":
		return "–"
	}
	return "·"
}

// cut shortens a row to what fits, so that it never wraps.
func cut(row string, width int) string {
	r := []rune(row)
	if len(r) <= width || width < 1 {
		return row
	}
	return string(r[:width-1]) + "…"
}
