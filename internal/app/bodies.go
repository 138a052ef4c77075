package app

import (
	"io"
	"net/http"
	"time"
)

// How much of a header is read, and how long a body may take to come: whoever
// sends a byte a minute must not keep a connection for ever, whether or not
// anybody reads what they send.
const (
	maxHeader = 64 << 10
	bodyTime  = time.Minute
)

// inTime gives each request's body a deadline, which is lifted when the whole of it has
// come: net/http's own ReadTimeout would end event streams and waits, too.
func inTime(h http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 { // over HTTP/2, such a body is another than http.NoBody
			h.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Now().Add(most)) // not every writer has deadlines
		r.Body = &timedBody{r.Body, rc}
		h.ServeHTTP(w, r)
	})
}

// timedBody lifts the deadline of its connection at its end.
type timedBody struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { //nolint:errorlint // a reader's contract
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}
