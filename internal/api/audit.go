package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// ndjsonType is the type of an export: one JSON object a line.
const ndjsonType = "application/x-ndjson"

// AuditEntry is one change or sign-in.
type AuditEntry struct {
	Seq        int64           `json:"seq" doc:"Its number, from 1 and without gaps." example:"42"`
	At         time.Time       `json:"at" doc:"When it happened."`
	ActorKind  string          `json:"actor_kind" enum:"user,token,system,nobody" doc:"Who did it."`
	ActorID    string          `json:"actor_id,omitempty" doc:"The user's or token's id."`
	ActorName  string          `json:"actor_name,omitempty" doc:"Their name then." example:"ci"`
	IP         string          `json:"ip,omitempty" doc:"The address that it came from." example:"192.0.2.7"`
	UserAgent  string          `json:"user_agent,omitempty" doc:"The program that sent it."`
	Action     string          `json:"action" doc:"What was done." example:"backend.register"`
	Noun       string          `json:"noun" doc:"What kind of thing it was done to." example:"backend"`
	TargetID   string          `json:"target_id,omitempty" doc:"The thing's id." example:"be_k3x7q2mfd5wa4nzp"`
	TargetName string          `json:"target_name,omitempty" doc:"The thing's name then." example:"orders-api"`
	TeamID     string          `json:"team_id,omitempty" doc:"The team that it belongs to." example:"team_h6c2v4yjq7sblm3d"`
	JobID      string          `json:"job_id,omitempty" doc:"The job that carries it out; its steps have the ids of the AWS requests." example:"job_4q7hmk2xv6pzd3wa"`
	Before     json.RawMessage `json:"before,omitempty" doc:"How it was, without secrets."`
	After      json.RawMessage `json:"after,omitempty" doc:"How it became, without secrets."`
	RequestID  string          `json:"request_id,omitempty" doc:"The request's id."`
	Outcome    string          `json:"outcome" enum:"done,refused,throttled" doc:"What became of it."`
	Prev       string          `json:"prev" doc:"The hash of the row before; empty for the first."`
	Hash       string          `json:"hash" doc:"The row's hash."`
}

func auditEntryOf(e *model.AuditEntry) AuditEntry {
	return AuditEntry{
		Seq: e.Seq, At: e.At, ActorKind: e.ActorKind, ActorID: e.ActorID, ActorName: e.ActorName, IP: e.IP, UserAgent: e.UserAgent,
		Action: string(e.Action), Noun: e.Noun, TargetID: e.TargetID, TargetName: e.TargetName, TeamID: e.TeamID, JobID: e.JobID,
		Before: e.Before, After: e.After, RequestID: e.RequestID, Outcome: string(e.Outcome), Prev: e.Prev, Hash: e.Hash,
	}
}

// AuditList is one page of the audit.
type AuditList struct {
	Items      []AuditEntry `json:"items" nullable:"false" doc:"The rows."`
	Next       int64        `json:"next,omitempty" doc:"The number of the last row, when there are more." example:"1204"`
	NextCursor string       `json:"next_cursor,omitempty" doc:"Ask for the next page with it as cursor; absent on the last one." example:"1204"`
}

func auditListOf(page *panel.AuditPage) AuditList {
	out := AuditList{Items: listOf(page.Entries, auditEntryOf).Items, Next: page.Next}
	if page.Next > 0 {
		out.NextCursor = strconv.FormatInt(page.Next, 10)
	}
	return out
}

type auditInput struct {
	Actor  string    `query:"actor" maxLength:"256" doc:"Only what this user or token did, by id or name."`
	Action string    `query:"action" maxLength:"64" doc:"Only this action, or all of a noun." example:"backend"`
	Target string    `query:"target" maxLength:"256" doc:"Only what was done to this, by id or name."`
	From   time.Time `query:"from" doc:"Only from this time on."`
	To     time.Time `query:"to" doc:"Only before this time."`
	Before int64     `query:"before" minimum:"0" doc:"Only rows below this number; the same as cursor where the newest come first."`
	Cursor int64     `query:"cursor" minimum:"0" doc:"next_cursor of the page before, with the same sort and filters."`
	Sort   string    `query:"sort" enum:"seq,-seq" default:"-seq" doc:"Oldest first, or, with -, newest first."`
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many at most; an export is not limited."`
	Accept string    `header:"Accept" doc:"application/x-ndjson exports all rows, one a line, oldest first."`
}

func (in *auditInput) filter() model.AuditFilter {
	return model.AuditFilter{Actor: in.Actor, Action: in.Action, Target: in.Target, From: in.From, To: in.To, OldestFirst: in.Sort == "seq"}
}

func (a *API) registerAudit(h huma.API) {
	page := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[AuditList](), true, "")
	route(a, h, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/audit", Tags: []string{"Audit"},
		Summary:     "List changes and sign-ins",
		Description: "Newest first. An owner's token sees the own team's rows, an admin's all. With Accept: application/x-ndjson the answer is an export: every row that fits, oldest first, one JSON object a line; before and limit do not count then.",
		Responses: map[string]*huma.Response{"200": {
			Description: "A page of the audit, or all of it as lines.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: page}, ndjsonType: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, a.listAudit)
}

func (a *API) listAudit(ctx context.Context, actor model.Actor, in *auditInput) (*huma.StreamResponse, error) {
	// The first page is asked for either way: a refusal must come before the
	// first byte, while it can still have a status.
	page, err := a.panel.Audit(ctx, actor, in.filter(), max(in.Before, in.Cursor), in.Limit)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		w := humaecho.Unwrap(hc).Response()
		if in.Accept != ndjsonType {
			w.Header().Set("Content-Type", "application/json")
			err = json.NewEncoder(w).Encode(auditListOf(page))
		} else {
			w.Header().Set("Content-Type", ndjsonType)
			w.Header().Set("Content-Disposition", `attachment; filename="audit.ndjson"`)
			err = a.exportAudit(ctx, actor, in, w)
		}
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "audit not sent whole", "request_id", requestIDFrom(ctx), "error", err)
		}
	}}, nil
}

// exportAudit writes all rows, each under a deadline of its own.
func (a *API) exportAudit(ctx context.Context, actor model.Actor, in *auditInput, w http.ResponseWriter) error {
	rc, lines := http.NewResponseController(w), json.NewEncoder(w)
	err := a.panel.ExportAudit(ctx, actor, in.filter(), func(e *model.AuditEntry) error {
		if err := rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("set the write deadline: %w", err)
		}
		return lines.Encode(auditEntryOf(e))
	})
	if err != nil {
		return err
	}
	if err := rc.Flush(); err != nil {
		return err
	}
	return rc.SetWriteDeadline(time.Time{}) // of the connection's next answer
}
