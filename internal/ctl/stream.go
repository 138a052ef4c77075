package ctl

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxEvent = 4 << 20 // bytes of one event
	// silence ends a stream on which not even keep-alives come any more.
	silence = time.Minute
	// firstPause doubles up to lastPause while the panel is not reached.
	firstPause = 500 * time.Millisecond
	lastPause  = 10 * time.Second
)

var (
	errSilent = errors.New("nothing came over the stream any more")
	errClosed = errors.New("it closed the stream")
)

// cursor is how far a stream was read.
type cursor struct {
	last string           // what the panel takes the stream up after
	seen map[string]int64 // the newest event, by backend: what comes again is passed over
}

// after is where a backend's stream is taken up.
func after(backendID string, seq int64) *cursor {
	return &cursor{strconv.FormatInt(seq, 10), map[string]int64{backendID: seq}}
}

// stream hands over each event of the stream after the cursor until more says
// no. It reconnects, from where it was, for as long as ctx lasts; only a
// refusal ends it. lost is told why each time the panel goes away.
func (c *client) stream(ctx context.Context, path string, from *cursor, more func(event) (bool, error), lost func(error)) error {
	pause, told := firstPause, false
	for {
		connected, done, err := c.streamOnce(ctx, path, from, more)
		if done || refused(err) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if connected {
			pause, told = firstPause, false
		}
		if !told {
			lost(err)
			told = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// streamOnce reads one connection; done says that more wants nothing further.
func (c *client) streamOnce(ctx context.Context, path string, from *cursor, more func(event) (bool, error)) (connected, done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if from.last != "" {
		header.Set("Last-Event-Id", from.last)
	}
	resp, err := c.send(ctx, "GET", path, nil, header)
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	id := from.last
	for lines.Scan() {
		watch.Reset(silence)
		line := lines.Text()
		if line == "" { // the end of a message
			from.last = id
		} else if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = text
		} else if data, ok := strings.CutPrefix(line, "data: "); ok {
			again, err := from.take(json.RawMessage(data), more)
			if err != nil || !again {
				return true, true, err
			}
		}
	}
	if err = lines.Err(); err == nil {
		err = errClosed
	}
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		err = cause
	}
	return true, false, err
}

// take hands an event over that did not come before.
func (f *cursor) take(data json.RawMessage, more func(event) (bool, error)) (again bool, err error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return false, fmt.Errorf("read an event: %w", err)
	}
	e.raw = data
	if e.Seq <= f.seen[e.BackendID] {
		return true, nil
	}
	f.seen[e.BackendID] = e.Seq
	return more(e)
}
