package store

import (
	"context"

	"drawbridge/internal/model"
)

const eventColumns = `backend_id, seq, type, job_id, key, data, at`

func scanEvent(s scanner) (*model.Event, error) {
	var e model.Event
	err := s.Scan(&e.BackendID, &e.Seq, &e.Type, &e.JobID, &e.Key, jsonColumn{&e.Data}, millis{&e.At})
	return &e, err
}

// AppendEvent gives the event its number and saves it. The number is counted
// under the backend's row lock, so a reader that has seen n has seen all
// before it. An empty time is filled in.
func (q *Queries) AppendEvent(ctx context.Context, e *model.Event) error {
	if err := q.number(ctx, e); err != nil {
		return err
	}
	return q.insertEvent(ctx, e)
}

func (q *Queries) number(ctx context.Context, e *model.Event) error {
	newest, err := q.numbers(ctx, e.BackendID, 1)
	e.Seq = newest
	return err
}

// numbers takes the next n numbers of a backend's events and returns the last.
func (q *Queries) numbers(ctx context.Context, backendID string, n int) (newest int64, err error) {
	if q.tx == nil {
		return 0, errNoTx
	}
	_, err = found(&newest, q.row(ctx, "number event",
		`UPDATE backends SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq`,
		backendID, n).Scan(&newest), "backend", backendID)
	return newest, err
}

func (q *Queries) insertEvent(ctx context.Context, e *model.Event) error {
	if e.At.IsZero() {
		e.At = q.now()
	}
	_, err := q.exec(ctx, "insert event",
		`INSERT INTO events (`+eventColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.BackendID, e.Seq, e.Type, e.JobID, e.Key, withoutNUL(e.Data), ms(e.At))
	if err == nil {
		q.tx.newest[e.BackendID] = e.Seq
	}
	return err
}

// EventsAfter lists a backend's events with numbers above after, oldest first,
// at most limit.
func (q *Queries) EventsAfter(ctx context.Context, backendID string, after int64, limit int) ([]model.Event, error) {
	return collect(q.rows(ctx, "list events",
		`SELECT `+eventColumns+` FROM events WHERE backend_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		backendID, after, limit), scanEvent)
}

// EventQuery narrows the list of a backend's events. Empty fields narrow nothing.
type EventQuery struct {
	BackendID   string
	Type        model.EventType
	JobID       string
	After       int64 // only those above this number
	NewestFirst bool
	From        int64 // number of the event that the list goes on after; 0 = from its beginning
	Limit       int
}

// Events lists a backend's events in the order of their numbers.
func (q *Queries) Events(ctx context.Context, query EventQuery) ([]model.Event, error) {
	c := &condition{}
	c.add(`backend_id = ?`, query.BackendID)
	c.add(`seq > ?`, query.After)
	if query.From > 0 {
		c.add(`seq `+beyond(query.NewestFirst)+` ?`, query.From)
	}
	if query.Type != "" {
		c.add(`type = ?`, query.Type)
	}
	if query.JobID != "" {
		c.add(`job_id = ?`, query.JobID)
	}
	order := ` ORDER BY seq`
	if query.NewestFirst {
		order += ` DESC`
	}
	c.args = append(c.args, query.Limit)
	return collect(q.rows(ctx, "list a backend's events",
		`SELECT `+eventColumns+` FROM events WHERE `+c.where()+order+` LIMIT `+placeholders(len(c.args), 1), c.args...), scanEvent)
}

// AppendBackend appends the event that tells how the backend is now.
func (q *Queries) AppendBackend(ctx context.Context, b *model.Backend) error {
	e := &model.Event{BackendID: b.ID, Type: model.EventBackend, JobID: b.ActiveJobID}
	if err := q.number(ctx, e); err != nil {
		return err
	}
	b.EventSeq = e.Seq
	return q.appendNumbered(ctx, e, b)
}

// AppendJob appends the event that tells how the job is now. Its plan is left
// out: it does not change and is in the job itself.
func (q *Queries) AppendJob(ctx context.Context, j *model.Job) error {
	brief := *j
	brief.Plan = nil
	return q.append(ctx, &model.Event{BackendID: j.BackendID, Type: model.EventJob, JobID: j.ID}, &brief)
}

// AppendTestRun appends the event that tells of a run.
func (q *Queries) AppendTestRun(ctx context.Context, r *model.TestRun) error {
	return q.append(ctx, &model.Event{BackendID: r.BackendID, Type: model.EventTest, Key: r.Name}, r)
}

func (q *Queries) append(ctx context.Context, e *model.Event, noun any) error {
	if err := q.number(ctx, e); err != nil {
		return err
	}
	return q.appendNumbered(ctx, e, noun)
}

// telling is an event and the noun that it tells of.
type telling struct {
	event model.Event
	noun  any
}

// appendAll appends events of one backend, numbered in one statement.
func (q *Queries) appendAll(ctx context.Context, told []telling) error {
	newest, err := q.numbers(ctx, told[0].event.BackendID, len(told))
	if err != nil {
		return err
	}
	for i := range told {
		told[i].event.Seq = newest - int64(len(told)-1-i)
		if err := q.appendNumbered(ctx, &told[i].event, told[i].noun); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queries) appendNumbered(ctx context.Context, e *model.Event, noun any) error {
	text, err := jsonText(noun)
	if err != nil {
		return err
	}
	e.Data = []byte(text)
	return q.insertEvent(ctx, e)
}
