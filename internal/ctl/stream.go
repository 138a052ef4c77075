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

var errSilent = errors.New("nothing came over the stream any more")

// stream hands over each event of the stream after the cursor until more says
// no. It reconnects, from where it was, for as long as ctx lasts; only a
// refusal ends it. lost is told why each time the panel is gone.
func (c *client) stream(ctx context.Context, path string, after int64, more func(event) (bool, error), lost func(error)) error {
	pause := firstPause
	for {
		seen := after
		done, err := c.streamOnce(ctx, path, &after, more)
		if done || refused(err) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if after > seen {
			pause = firstPause
		}
		lost(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// streamOnce reads one connection; done says that more wants nothing further.
func (c *client) streamOnce(ctx context.Context, path string, after *int64, more func(event) (bool, error)) (done bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watch.Stop()
	resp, err := c.send(ctx, "GET", path, nil, http.Header{
		"Accept": {"text/event-stream"}, "Last-Event-Id": {strconv.FormatInt(*after, 10)},
	})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		watch.Reset(silence)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return false, fmt.Errorf("read an event: %w", err)
		}
		e.raw = json.RawMessage(data)
		if e.Seq <= *after {
			continue
		}
		*after = e.Seq
		if again, err := more(e); err != nil || !again {
			return true, err
		}
	}
	return false, lines.Err()
}
