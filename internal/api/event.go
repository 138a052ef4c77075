package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Event is one entry of a backend's history.
type Event struct {
	BackendID string          `json:"backend_id" doc:"The backend." example:"be_k3x7q2mfd5wa4nzp"`
	Seq       int64           `json:"seq" doc:"Its number within the backend, from 1 and without gaps." example:"42"`
	Type      string          `json:"type" enum:"backend,job,step,resource,test,sandbox" doc:"What it tells of."`
	JobID     string          `json:"job_id,omitempty" doc:"The job that caused it." example:"job_4q7hmk2xv6pzd3wa"`
	Key       string          `json:"key,omitempty" doc:"The step's or resource's key." example:"alb"`
	Data      json.RawMessage `json:"data" doc:"The thing as it was then."`
	At        time.Time       `json:"at" doc:"When it happened."`
}

func eventOf(e *model.Event) Event {
	return Event{BackendID: e.BackendID, Seq: e.Seq, Type: string(e.Type), JobID: e.JobID, Key: e.Key, Data: e.Data, At: e.At}
}

// writeTimeout ends a stream whose reader has stopped reading.
const writeTimeout = 10 * time.Second

type streamInput struct {
	ID          string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	After       int64  `query:"after" minimum:"0" doc:"Start with the event after this number; 0 for all."`
	LastEventID int64  `header:"Last-Event-ID" minimum:"0" doc:"The number of the newest event that was received; browsers send it when they reconnect. It wins over after."`
}

type eventsInput struct {
	ID     string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	After  int64  `query:"after" minimum:"0" doc:"Only events above this number: what has happened since."`
	Cursor int64  `query:"cursor" minimum:"0" doc:"next_cursor of the page before, with the same sort and filters: the number of its last event."`
	Sort   string `query:"sort" enum:"seq,-seq" default:"seq" doc:"Oldest first, or, with -, newest first."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many at most."`
	Type   string `query:"type" enum:"backend,job,step,resource,test,sandbox" doc:"Only events that tell of this."`
	JobID  string `query:"job_id" maxLength:"64" doc:"Only events of this job." example:"job_4q7hmk2xv6pzd3wa"`
}

func (a *API) registerEvents(h huma.API) {
	tags := []string{"Backends"}
	route(a, h, huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/backends/{id}/events", Tags: tags,
		Summary:     "Follow a backend's events",
		Description: "Server-sent events: first those after the cursor, then each new one as it happens. The id of a message is the event's number, its name the event's type, its data the event as in the list. Reconnect with Last-Event-ID to miss none. The stream ends when the token does.",
		Responses: map[string]*huma.Response{"200": {
			Description: "A stream that stays open.",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}, Example: streamExample}},
		}},
	}, a.streamEvents)
	route(a, h, huma.Operation{
		OperationID: "stream-all-events", Method: http.MethodGet, Path: "/events", Tags: tags,
		Summary:     "Follow the events of all backends",
		Description: "Server-sent events of every backend that the token sees, or of one team's: from now on, or from where Last-Event-ID says. An id stands by itself after events and tells how far everything was sent. Taken up there, none is missed; events of the minute before come again, and backend_id with seq tells them. The stream ends when the token does.",
		Responses: map[string]*huma.Response{"200": {
			Description: "A stream that stays open.",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}, Example: allStreamExample}},
		}},
	}, a.streamAllEvents)
	route(a, h, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/backends/{id}/events/list", Tags: tags,
		Summary: "List a backend's events", Description: "Oldest first, page by page. Ask with after set to the last number that you have for what has happened since.",
	}, a.listEvents)
}

const streamExample = "id: 42\nevent: step\ndata: {\"backend_id\":\"be_k3x7q2mfd5wa4nzp\",\"seq\":42,\"type\":\"step\",\"key\":\"alb\",\"data\":{},\"at\":\"2026-01-02T03:04:05Z\"}\n\n"

const allStreamExample = "event: step\ndata: {\"backend_id\":\"be_k3x7q2mfd5wa4nzp\",\"seq\":42,\"type\":\"step\",\"key\":\"alb\",\"data\":{},\"at\":\"2026-01-02T03:04:05Z\"}\n\nid: 1767323045000\n\n"

type allEventsInput struct {
	TeamID      string `query:"team_id" maxLength:"64" doc:"Only events of this team's backends." example:"team_h6c2v4yjq7sblm3d"`
	LastEventID int64  `header:"Last-Event-ID" minimum:"0" maximum:"253402300799999" doc:"The newest id that was received; browsers send it when they reconnect."`
}

func (a *API) streamAllEvents(ctx context.Context, actor model.Actor, in *allEventsInput) (*huma.StreamResponse, error) {
	f := panel.AllEvents{TeamID: in.TeamID}
	if in.LastEventID > 0 {
		f.Since = time.UnixMilli(in.LastEventID)
	}
	// A refusal must come before the first byte, while it can still have a status.
	if _, err := a.panel.Backends(ctx, actor, panel.BackendFilter{TeamID: in.TeamID, Limit: 1}); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		s, err := openStream(hc)
		if err == nil {
			f.Send, f.Mark, f.Idle = s.unnumbered, s.mark, s.keepAlive
			err = a.panel.StreamAllEvents(ctx, actor, f)
		}
		if err != nil && ctx.Err() == nil && model.CodeOf(err) != model.CodeUnauthorized {
			a.log.WarnContext(ctx, "stream of all events ended", "request_id", requestIDFrom(ctx), "error", err)
		}
	}}, nil
}

func (a *API) listEvents(ctx context.Context, actor model.Actor, in *eventsInput) (*listOutput[Event], error) {
	list, err := a.panel.Events(ctx, actor, in.ID, panel.EventFilter{
		Type: model.EventType(in.Type), JobID: in.JobID, After: in.After,
		NewestFirst: in.Sort == "-seq", From: in.Cursor, Limit: in.Limit + 1, // one more tells whether there is another page
	})
	if err != nil {
		return nil, err
	}
	list, next := more(list, in.Limit, func(e *model.Event) string { return strconv.FormatInt(e.Seq, 10) })
	return &listOutput[Event]{List[Event]{listOf(list, eventOf).Items, next}}, nil
}

func (a *API) streamEvents(ctx context.Context, actor model.Actor, in *streamInput) (*huma.StreamResponse, error) {
	after := in.After
	if in.LastEventID > 0 {
		after = in.LastEventID
	}
	// A refusal must come before the first byte, while it can still have a status.
	if _, err := a.panel.Events(ctx, actor, in.ID, panel.EventFilter{Limit: 1}); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		s, err := openStream(hc)
		if err == nil {
			err = a.panel.StreamEvents(ctx, actor, in.ID, after, s.event, s.keepAlive)
		}
		if err != nil && ctx.Err() == nil && model.CodeOf(err) != model.CodeUnauthorized {
			a.log.WarnContext(ctx, "event stream ended", "request_id", requestIDFrom(ctx), "backend", in.ID, "error", err)
		}
	}}, nil
}

// stream writes server-sent events, each flushed and under a deadline of its own.
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// openStream sends the header at once, so that a reader knows that it is
// connected before anything happens.
func openStream(hc huma.Context) (*stream, error) {
	w := humaecho.Unwrap(hc).Response()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	s := &stream{w: w, rc: http.NewResponseController(w)}
	return s, s.write("retry: 1000\n\n")
}

func (s *stream) event(e model.Event) error {
	return s.message(fmt.Sprintf("id: %d\n", e.Seq), &e)
}

// unnumbered is event where its number says nothing about other backends'.
func (s *stream) unnumbered(e model.Event) error { return s.message("", &e) }

func (s *stream) message(id string, e *model.Event) error {
	data, err := json.Marshal(eventOf(e))
	if err != nil {
		return fmt.Errorf("write event %d: %w", e.Seq, err)
	}
	return s.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, e.Type, data))
}

// mark sets what a reader sends as Last-Event-ID, and is no message by itself.
func (s *stream) mark(at time.Time) error { return s.write(fmt.Sprintf("id: %d\n\n", at.UnixMilli())) }

func (s *stream) keepAlive() error { return s.write(": keep-alive\n\n") }

// write sends text under a deadline of its own. That is lifted afterwards: the
// end of the stream, and the connection's next answer, come long after it.
func (s *stream) write(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("set the write deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write to the stream: %w", err)
	}
	if err := s.rc.Flush(); err != nil {
		return fmt.Errorf("flush the stream: %w", err)
	}
	if err := s.rc.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift the write deadline: %w", err)
	}
	return nil
}
