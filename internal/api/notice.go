package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Notice is something that a team should hear of.
type Notice struct {
	ID        string            `json:"id" doc:"Its id; also the webhook-id of what is sent of it." example:"ntc_m3kx7q2fd5wa4nzp"`
	TeamID    string            `json:"team_id" doc:"The team that it is for." example:"team_h6c2v4yjq7sblm3d"`
	Type      string            `json:"type" doc:"What it tells of; docs/webhooks.md lists all." example:"backend.ready"`
	BackendID string            `json:"backend_id,omitempty" doc:"The backend that it is about." example:"be_k3x7q2mfd5wa4nzp"`
	JobID     string            `json:"job_id,omitempty" doc:"The job that it is about." example:"job_4q7hmk2xv6pzd3wa"`
	Title     string            `json:"title" doc:"What happened, in a line." example:"orders-api is ready"`
	Text      string            `json:"text" doc:"More of it, in sentences." example:"The job \"provision\" that ada asked for succeeded after 3m12s."`
	Data      map[string]string `json:"data" doc:"What programs want to know: backend_name, phase, invoke_url, operation and others by type."`
	At        time.Time         `json:"at" doc:"When it happened."`
}

func noticeOf(n *model.Notice) Notice {
	return Notice{
		ID: n.ID, TeamID: n.TeamID, Type: string(n.Type), BackendID: n.BackendID, JobID: n.JobID, Title: n.Title, Text: n.Text, Data: n.Data, At: n.At,
	}
}

type noticesInput struct {
	TeamID  string `query:"team_id" doc:"Only this team's." example:"team_h6c2v4yjq7sblm3d"`
	Type    string `query:"type" maxLength:"64" doc:"Only this type, or all of a noun." example:"backend"`
	Backend string `query:"backend" maxLength:"64" doc:"Only those about this backend, by id or name." example:"orders-api"`
	JobID   string `query:"job_id" doc:"Only those about this job." example:"job_4q7hmk2xv6pzd3wa"`
	ByTime
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before, with the same sort and filters." example:"ntc_m3kx7q2fd5wa4nzp"`
}

// noticePage is one page of notices.
type noticePage struct {
	Items      []Notice `json:"items" nullable:"false" doc:"What was asked for."`
	NextCursor string   `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last one." example:"ntc_m3kx7q2fd5wa4nzp"`
}

func (a *API) registerNotices(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "list-notices", Method: http.MethodGet, Path: "/notices", Tags: []string{"Notices"},
		Summary: "List notices", Description: "What the token's teams should have heard of: jobs that ended, backends that changed, sandboxes that end. Newest first, page by page, of the last 90 days.",
	}, func(ctx context.Context, actor model.Actor, in *noticesInput) (*output[noticePage], error) {
		list, err := a.panel.Notices(ctx, actor, panel.NoticeFilter{
			TeamID: in.TeamID, Type: in.Type, Backend: in.Backend, JobID: in.JobID, OldestFirst: in.Sort == "created_at", After: in.Cursor, Limit: in.Limit + 1,
		})
		if err != nil {
			return nil, err
		}
		list, next := more(list, in.Limit, func(n *model.Notice) string { return n.ID })
		return &output[noticePage]{noticePage{listOf(list, noticeOf).Items, next}}, nil
	})
}
