package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// TestStreamIsServerSentEvents reads a stream over a real connection: each
// message arrives while the answer is still open.
func TestStreamIsServerSentEvents(t *testing.T) {
	t.Parallel()
	next := make(chan model.Event)
	e := echo.New()
	h := humaecho.New(e, huma.DefaultConfig("test", "1"))
	huma.Get(h, "/stream", func(context.Context, *noInput) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			s, err := openStream(hc)
			if err != nil {
				t.Error(err)
			}
			for ev := range next {
				if err := s.event(ev); err != nil {
					t.Error(err)
				}
			}
			if err := s.keepAlive(); err != nil {
				t.Error(err)
			}
		}}, nil
	})
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	if got := message(t, lines); got["retry"] != "1000" {
		t.Errorf("first message %v", got)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for seq, text := range []string{"", "two\nlines: é\u2028 </script>"} {
		data, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		next <- model.Event{BackendID: "be_1", Seq: int64(seq) + 1, Type: model.EventStep, JobID: "job_1", Key: "alb", Data: data, At: at}
		got := message(t, lines)
		if got["id"] != []string{"1", "2"}[seq] || got["event"] != "step" {
			t.Errorf("message %v", got)
		}
		var back Event
		if err := json.Unmarshal([]byte(got["data"]), &back); err != nil {
			t.Fatal(err)
		}
		var inner map[string]string
		if err := json.Unmarshal(back.Data, &inner); err != nil || inner["text"] != text || back.Key != "alb" || !back.At.Equal(at) {
			t.Errorf("event %+v, data %v, %v", back, inner, err)
		}
	}
	close(next)
	if got := message(t, lines); got[""] != "keep-alive" {
		t.Errorf("keep-alive %v", got)
	}
}

// message reads one message up to its empty line.
func message(t *testing.T, lines *bufio.Scanner) map[string]string {
	t.Helper()
	out := map[string]string{}
	for lines.Scan() {
		if lines.Text() == "" {
			return out
		}
		name, value, ok := strings.Cut(lines.Text(), ": ")
		if !ok || out[name] != "" {
			t.Fatalf("line %q", lines.Text())
		}
		out[name] = value
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return nil
}

// TestAMessageLeavesNoDeadline: a stream that ends in a quiet time ends whole,
// and its connection serves what comes next.
func TestAMessageLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s := &stream{w: w, rc: http.NewResponseController(w)}
	if err := s.keepAlive(); err != nil || len(w.set) != 2 || w.set[0].IsZero() || !w.set[1].IsZero() {
		t.Errorf("the deadlines were %v, %v", w.set, err)
	}
}

// deadlines notes those that are set for its connection.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (w *deadlines) SetWriteDeadline(at time.Time) error {
	w.set = append(w.set, at)
	return nil
}
