package ctl

import (
	"fmt"
	"io"
	"time"
)

// lines shows progress as plain lines, for logs and pipes: one for each
// change that a reader can use, with the seconds that it took.
type lines struct {
	out  io.Writer
	said map[string]string // by step key, "" for the job
}

func newLines(out io.Writer, j *Job) *lines {
	l := &lines{out: out, said: map[string]string{}}
	for i := range j.Steps {
		l.step(&j.Steps[i])
	}
	return l
}

func (l *lines) moved(j *Job, s *step) {
	if s != nil {
		l.step(s)
		return
	}
	text := fmt.Sprintf("%s: %s", j.title(), j.State)
	if j.Why != "" && !j.ended() {
		text += " (" + j.Why + ")"
	}
	if j.ended() {
		text += fmt.Sprintf(" after %s", seconds(j.took(time.Now())))
	}
	l.say("", text)
}

func (l *lines) step(s *step) {
	switch s.State {
	case "done", "failed":
		l.say(s.Key, fmt.Sprintf("  %s: %s after %s", s.Title, s.State, seconds(s.took(time.Now()))))
		if s.State == "failed" {
			l.say(s.Key+" problem", "    "+s.Problem.words())
		}
	case "waiting":
		l.say(s.Key, fmt.Sprintf("  %s: waiting. %s", s.Title, s.Why))
	case "started":
		l.say(s.Key, fmt.Sprintf("  %s: started", s.Title))
	}
}

// say prints what was not said of the key already.
func (l *lines) say(key, text string) {
	if l.said[key] != text {
		l.said[key] = text
		fmt.Fprintln(l.out, text)
	}
}

func (l *lines) note(text string) { fmt.Fprintln(l.out, text) }
func (l *lines) close(*Job)       {}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
