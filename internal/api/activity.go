package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// APICall is one call that an environment answered.
type APICall struct {
	At        time.Time `json:"at" doc:"When it came."`
	Service   string    `json:"service" doc:"The AWS service." example:"elbv2"`
	Operation string    `json:"operation" doc:"The operation." example:"CreateLoadBalancer"`
	Status    int       `json:"status" doc:"The HTTP status; 0 when no answer was sent." example:"200"`
	Code      string    `json:"code,omitempty" doc:"AWS's error code." example:"DuplicateLoadBalancerName"`
	Millis    float64   `json:"millis" doc:"How long it took." example:"1.2"`
	RequestID string    `json:"request_id" doc:"AWS's request id."`
	IDs       []string  `json:"ids,omitempty" doc:"The resources that it was about."`
}

// AccessLog is one request as a hop of the data plane logged it.
type AccessLog struct {
	At        time.Time `json:"at" doc:"When it came."`
	Source    string    `json:"source" enum:"api,alb" doc:"Which hop logged it: the HTTP API's stage or the load balancer."`
	Resource  string    `json:"resource" doc:"The API's id or the load balancer's ARN." example:"a1b2c3d4e5"`
	Method    string    `json:"method" doc:"The HTTP method." example:"GET"`
	Path      string    `json:"path" doc:"The path that was asked for." example:"/service-a"`
	Status    int       `json:"status" doc:"What the hop answered." example:"200"`
	Upstream  int       `json:"upstream" doc:"What the next hop answered; 0 when it did not." example:"200"`
	Millis    float64   `json:"millis" doc:"How long it took." example:"1.2"`
	RequestID string    `json:"request_id" doc:"The hop's own request id."`
	Line      string    `json:"line" doc:"The line in AWS's format."`
}

func apiCallOf(c *model.APICall) APICall {
	return APICall{At: c.At, Service: c.Service, Operation: c.Operation, Status: c.Status, Code: c.Code, Millis: c.Millis, RequestID: c.RequestID, IDs: c.IDs}
}

func accessLogOf(l *model.AccessLog) AccessLog {
	return AccessLog{At: l.At, Source: l.Source, Resource: l.Resource, Method: l.Method, Path: l.Path, Status: l.Status,
		Upstream: l.Upstream, Millis: l.Millis, RequestID: l.RequestID, Line: l.Line}
}

// Recent is what lists of a log take. It is exported for Huma's sake.
type Recent struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same sort and filters."`
	Sort   string `query:"sort" enum:"at,-at" default:"-at" doc:"Oldest first, or, with -, newest first."`
}

func (r Recent) paging() Paging { return Paging{r.Limit, r.Cursor} }

type environmentCallsInput struct {
	ID string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Recent
	Service   string `query:"service" maxLength:"64" doc:"Only calls of this service." example:"elbv2"`
	Operation string `query:"operation" maxLength:"64" doc:"Only calls of this operation." example:"CreateLoadBalancer"`
	Status    int    `query:"status" minimum:"0" maximum:"599" doc:"Only calls that got this status." example:"200"`
}

type accessLogsInput struct {
	ID string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Recent
	Source string `query:"source" enum:"api,alb" doc:"Only what this hop logged."`
	Status int    `query:"status" minimum:"0" maximum:"599" doc:"Only requests that got this status." example:"200"`
}

// keptLogs is how many entries of a log an environment is asked for; it keeps
// no more itself.
const keptLogs = 10_000

var callOrders = orders[model.APICall]{
	"id": func(c *model.APICall) string { return c.RequestID },
	"at": func(c *model.APICall) string { return at(c.At) },
}

var accessLogOrders = orders[model.AccessLog]{
	"id": func(l *model.AccessLog) string { return l.RequestID },
	"at": func(l *model.AccessLog) string { return at(l.At) },
}

const handsOut = "404 when the environment does not hand its logs out, as AWS does not."

func (a *API) registerActivity(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "list-environment-calls", Method: http.MethodGet, Path: "/environments/{id}/calls", Tags: []string{"Environments"},
		Summary: "List the calls that an environment answered", Description: "Newest first, whoever made them; for admins. " + handsOut,
	}, a.listEnvironmentCalls)
	route(a, h, huma.Operation{
		OperationID: "list-access-logs", Method: http.MethodGet, Path: "/backends/{id}/access-logs", Tags: []string{"Backends"},
		Summary: "List the requests through a backend's chain", Description: "As its HTTP API and its load balancer logged them, newest first. " + handsOut,
	}, a.listAccessLogs)
}

func (a *API) listEnvironmentCalls(ctx context.Context, actor model.Actor, in *environmentCallsInput) (*listOutput[APICall], error) {
	list, err := a.panel.EnvironmentCalls(ctx, actor, in.ID, keptLogs)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(c *model.APICall) bool {
		return is(c.Service, in.Service) && is(c.Operation, in.Operation) && is(c.Status, in.Status)
	})
	return paged(in.paging(), in.Sort, list, callOrders, apiCallOf)
}

func (a *API) listAccessLogs(ctx context.Context, actor model.Actor, in *accessLogsInput) (*listOutput[AccessLog], error) {
	list, err := a.panel.AccessLogs(ctx, actor, in.ID, keptLogs)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(l *model.AccessLog) bool { return is(l.Source, in.Source) && is(l.Status, in.Status) })
	return paged(in.paging(), in.Sort, list, accessLogOrders, accessLogOf)
}
