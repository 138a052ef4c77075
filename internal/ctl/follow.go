package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// progress shows how a job goes on.
type progress interface {
	// moved is told of every change of the job or of one of its steps; s is
	// nil when it was the job.
	moved(j *Job, s *step)
	note(text string)
	// close leaves what there was to see.
	close(j *Job)
}

// follow shows a job until it has ended. Its error has the exit code that
// tells how it ended.
func (s *session) follow(ctx context.Context, id string) error {
	j, seq, err := s.jobAt(ctx, id)
	if err != nil && ctx.Err() != nil {
		return goesOn(ctx, "The job", id)
	}
	if err != nil {
		return err
	}
	p := s.progress(j)
	p.moved(j, nil)
	if !j.ended() {
		err = s.stream(ctx, "/backends/"+j.BackendID+"/events", after(j.BackendID, seq), func(e event) (bool, error) {
			if s.json && e.JobID == j.ID {
				if _, err := fmt.Fprintf(s.out, "%s\n", e.raw); err != nil {
					return false, err
				}
			}
			changed, err := j.take(e)
			if err == nil && changed != nil {
				p.moved(j, changed.step)
			}
			return !j.ended(), err
		}, func(err error) { p.note(fmt.Sprintf("The panel is gone (%v); asking again.", err)) })
	}
	p.close(j)
	if ctx.Err() != nil && !j.ended() {
		return goesOn(ctx, j.title(), j.ID)
	}
	if err != nil {
		return err
	}
	return ending(j)
}

// goesOn is how a wait ends that ctx ended before the job.
func goesOn(ctx context.Context, job, id string) error {
	return &Ended{stopped(ctx), fmt.Sprintf("%s goes on at the panel. Follow it again with: ctl logs %s", job, id)}
}

// jobAt reads a job, and the number of an event up to which it is whole.
func (s *session) jobAt(ctx context.Context, id string) (*Job, int64, error) {
	j := &Job{}
	path := "/jobs/" + url.PathEscape(id)
	if err := s.call(ctx, "GET", path, nil, j); err != nil {
		return nil, 0, err
	}
	b, err := s.backend(ctx, j.BackendID)
	if err != nil {
		return nil, 0, err
	}
	*j = Job{}
	return j, b.EventSeq, s.call(ctx, "GET", path, nil, j) // after the number was read
}

// change is what an event changed; step is nil when it was the job.
type change struct{ step *step }

// take brings the job to what the event says; nil when that is of another job.
func (j *Job) take(e event) (*change, error) {
	if e.JobID != j.ID {
		return nil, nil
	}
	switch e.Type {
	case "job":
		var now Job
		if err := json.Unmarshal(e.Data, &now); err != nil {
			return nil, fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		now.Steps, now.BackendName = j.Steps, j.BackendName
		*j = now
		return &change{}, nil
	case "step":
		var now step
		if err := json.Unmarshal(e.Data, &now); err != nil {
			return nil, fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		for i := range j.Steps {
			if j.Steps[i].Key == now.Key {
				j.Steps[i] = now
				return &change{&j.Steps[i]}, nil
			}
		}
	}
	return nil, nil
}

// ending tells by its exit code how the job ended.
func ending(j *Job) error {
	switch j.State {
	case "failed":
		return &Ended{ExitFailed, j.title() + " failed. " + j.Problem.words()}
	case "cancelled":
		return &Ended{ExitCancelled, j.title() + " was cancelled. Go on with: ctl jobs retry " + j.ID}
	}
	return nil
}

func (f *fault) words() string {
	if f == nil {
		return ""
	}
	return strings.TrimSpace(strings.Join([]string{f.Message, f.Meaning, f.Advice}, " "))
}

// title is the job in plain words.
func (j *Job) title() string {
	verb := map[string]string{"provision": "Provision", "destroy": "Destroy", "roll_back": "Roll back", "clean_up": "Clean up", "update": "Update", "sleep": "Put to sleep", "wake": "Wake"}[j.Operation]
	return strings.TrimSpace(verb + " " + j.BackendName)
}

// took is how long the job has been or was at work.
func (j *Job) took(now time.Time) time.Duration {
	whole := step{StartedAt: j.StartedAt, FinishedAt: j.FinishedAt}
	return whole.took(now)
}

func (s *session) progress(j *Job) progress {
	switch {
	case s.json:
		return silent{}
	case s.screen != nil:
		return newTree(s.screen)
	}
	return newLines(plain{s.out}, j)
}

// silent is for --json, where events are the progress.
type silent struct{}

func (silent) moved(*Job, *step) {}
func (silent) note(string)       {}
func (silent) close(*Job)        {}
