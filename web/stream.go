package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// writeTimeout is how long a slow reader may hold up one message.
const writeTimeout = 10 * time.Second

// streamFrom is the address of a stream that goes on after a page's cursor.
func streamFrom(path string, seq int64) string {
	return path + "?after=" + strconv.FormatInt(seq, 10)
}

// cursorOf is where the browser stands: Last-Event-ID after a reconnect, else
// the cursor of the page.
func cursorOf(c echo.Context) int64 {
	for _, text := range []string{c.Request().Header.Get("Last-Event-ID"), c.QueryParam("after")} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return 0
}

// live is one open connection to a page.
type live struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	ctx context.Context
}

// stream opens a connection and calls run until the request's context ends (the
// browser left, or the server stops) or run fails. Errors before the first byte become an error answer.
func (w *Web) stream(c echo.Context, run func(l *live) error) error {
	leave, ok := w.streams.Take(actorOf(c).ID)
	if !ok {
		// 204 ends the attempt quietly: the page stays as it is, without life.
		return c.NoContent(http.StatusNoContent)
	}
	defer leave()
	ctx := c.Request().Context()
	err := run(&live{w: c.Response(), rc: http.NewResponseController(c.Response()), ctx: ctx})
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if c.Response().Committed && model.CodeOf(err) == model.CodeUnauthorized {
		return nil // the session has ended; what the browser asks next is refused
	}
	if c.Response().Committed {
		w.log.WarnContext(ctx, "stream ended", "path", c.Path(), "error", err)
	}
	return err
}

// open sends the headers.
func (l *live) open() error {
	h := l.w.Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	l.w.WriteHeader(http.StatusOK)
	return l.write(": open\n\n")
}

// send renders parts into one message. seq is its id; 0 sends none.
func (l *live) send(seq int64, parts ...templ.Component) error {
	var html bytes.Buffer
	for _, p := range parts {
		if err := p.Render(l.ctx, &html); err != nil {
			return fmt.Errorf("render stream: %w", err)
		}
	}
	var message strings.Builder
	if seq > 0 {
		fmt.Fprintf(&message, "id: %d\n", seq)
	}
	for line := range strings.Lines(html.String()) {
		message.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	message.WriteString("\n")
	return l.write(message.String())
}

// idle keeps proxies from closing a quiet connection.
func (l *live) idle() error { return l.write(": idle\n\n") }

// write sends text under a deadline of its own. That is lifted afterwards: the
// end of the stream, and the connection's next answer, come long after it.
func (l *live) write(text string) error {
	_ = l.rc.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has deadlines
	if _, err := l.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	if err := l.rc.Flush(); err != nil {
		return fmt.Errorf("flush stream: %w", err)
	}
	_ = l.rc.SetWriteDeadline(time.Time{})
	return nil
}

// partial wraps a part of a page as a replacement of the element with that id.
func partial(id string, content templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Partial(id).Render(templ.WithChildren(ctx, content), w)
	})
}
