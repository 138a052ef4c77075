// Package api is the REST door to the panel: /api/v1, described by OpenAPI 3.1
// at /api/v1/openapi.json and shown at /api/docs. It authenticates bearer
// tokens, maps wire types to model and model errors to problem+json, and
// decides nothing itself: every rule is in panel.
package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Base is the path below which the API's first version lives.
const Base = "/api/v1"

// maxBody limits a request's body.
const maxBody = 1 << 20

// Authenticator knows API tokens.
type Authenticator interface {
	// TokenActor returns who bears the token, or an error with
	// model.CodeUnauthorized when it is unknown, expired or revoked.
	TokenActor(ctx context.Context, bearer string) (model.Actor, error)
}

// Deps are what an API needs.
type Deps struct {
	Panel   *panel.Panel
	Auth    Authenticator
	Keys    Keys
	Rate    int    // requests a minute that a caller may send to this server; 0 = no limit
	Open    int    // streams and waits that a caller may have open at this server; 0 = defaultOpen
	Version string // of the program; told to token bearers only
	Logger  *slog.Logger
}

// API serves the REST interface.
type API struct {
	panel   *panel.Panel
	auth    Authenticator
	keys    Keys
	rates   *rates
	open    *model.Seats
	version string
	log     *slog.Logger
}

// New returns an API; Register mounts it.
func New(d Deps) *API {
	return &API{panel: d.Panel, auth: d.Auth, keys: d.Keys, rates: newRates(d.Rate), open: model.NewSeats(cmp.Or(d.Open, defaultOpen)), version: d.Version, log: d.Logger}
}

// Register mounts the API, its description and its documentation page on e.
// Everything under /api answers errors as problem+json, whatever went wrong.
func (a *API) Register(e *echo.Echo) {
	e.Use(a.guard)
	plain := humaecho.NewWithGroup(e, e.Group(Base), a.config())
	h := huma.NewAPI(a.config(), literalColons{plain.Adapter()})
	h.UseMiddleware(a.authenticate, a.limitRate, a.limitOpen, a.idempotent)
	a.registerBackends(h)
	a.registerBatches(h)
	a.registerJobs(h)
	a.registerSandboxes(h)
	a.registerSandboxTemplates(h)
	a.registerEvents(h)
	a.registerRouteTests(h)
	a.registerEnvironments(h)
	a.registerOrphans(h)
	a.registerActivity(h)
	a.registerTeams(h)
	a.registerMembers(h)
	a.registerInvitations(h)
	a.registerTokens(h)
	a.registerTrusts(h)
	a.registerUsers(h)
	a.registerAudit(h)
	a.registerQuotas(h)
	a.registerNotices(h)
	a.registerWebhooks(h)
	a.registerDeliveries(h)
	a.registerCosts(h)

	// Huma registers its own error type for every operation; ours replaced it.
	schemas := h.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	addExamples(h.OpenAPI())
	document := sync.OnceValues(func() ([]byte, error) {
		return json.MarshalIndent(h.OpenAPI(), "", "  ")
	})
	e.GET(Base+"/openapi.json", func(c echo.Context) error {
		b, err := document()
		if err != nil {
			return fmt.Errorf("write the OpenAPI document: %w", err)
		}
		return c.Blob(http.StatusOK, "application/openapi+json", b)
	})
	registerSchema(e)
	registerDocs(e)
}

const description = `Drawbridge puts a private app behind an AWS HTTP API: it makes the security groups, the internal load balancer, the VPC link, the HTTP API and everything between them, watches them come up and deletes them again.

Send an API token with each request: ` + "`Authorization: Bearer <token>`" + `; ` + "`server token create`" + ` makes one. Work that takes time is a job: the answer is 202 with the job's address in ` + "`Location`" + `; with ` + "`?wait=60s`" + ` it comes when the job has ended or that time has passed. Errors are problem+json (RFC 9457); ` + "`errors[].location`" + ` names the field, as in ` + "`body.spec.port`" + `, and ` + "`type`" + ` leads to the page that explains the kind of problem. ` + "`RateLimit`" + ` tells how many requests the token may still send at once.`

func (a *API) config() huma.Config {
	c := huma.DefaultConfig("Drawbridge", "1")
	c.Info.Description = description
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Servers = []*huma.Server{{URL: Base}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "An API token of a team."},
	}
	c.Security = []map[string][]string{{"token": {}}}
	c.Tags = []*huma.Tag{
		{Name: "Backends", Description: "A team's HTTP app and its chain in AWS."},
		{Name: "Jobs", Description: "Tracked runs of one operation on one backend."},
		{Name: "Sandboxes", Description: "Backends that end by themselves, and what they are made from."},
		{Name: "Route tests", Description: "Requests sent through the invoke URL."},
		{Name: "Environments", Description: "Places to provision in: one account, Region and VPC each."},
		{Name: "Teams", Description: "Who owns backends, and who may act for them."},
		{Name: "Users", Description: "Everybody who has an account."},
		{Name: "Costs", Description: "What chains cost a month, at list prices."},
		{Name: "Notices", Description: "What teams should hear of."},
		{Name: "Webhooks", Description: "Where notices are sent to, and what came of it."},
		{Name: "Audit", Description: "Who changed what, and who signed in."},
	}
	// The description, the docs page and the schemas are served by us: one
	// document, made once, under our own content security policy.
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{a.transform}
	return c
}

// route registers one operation. It adds what all have in common and turns
// the errors of fn into problems.
func route[I, O any](a *API, h huma.API, op huma.Operation, fn func(context.Context, model.Actor, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	if op.Method == http.MethodPost {
		op.Parameters = append(op.Parameters, keyParam())
	}
	problem := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ProblemDetails](), true, "")
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range errorStatuses(op) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{problemType: {Schema: problem}},
		}
	}
	need, known := needs[op.OperationID]
	known = known && need.Known()
	huma.Register(h, op, func(ctx context.Context, in *I) (*O, error) {
		if !known {
			return nil, a.problem(ctx, model.Errorf(model.CodeForbidden, "Nobody may do this: there is no rule for %s.", op.OperationID))
		}
		out, err := fn(ctx, actorFrom(ctx), in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
}

// conditional are the operations that look at If-Match.
var conditional = []string{"put-backend", "set-quota", "set-member-role", "update-sandbox-template", "change-webhook"}

// errorStatuses lists the statuses of an operation's errors for its description.
func errorStatuses(op huma.Operation) []int {
	out := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if slices.Contains(conditional, op.OperationID) {
		out = append(out, http.StatusPreconditionFailed)
	}
	if op.Method != http.MethodGet {
		out = append(out, http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return out
}

// literalColons keeps a colon in a path, as in /backends:batch, from being
// echo's mark of a parameter.
type literalColons struct{ huma.Adapter }

func (l literalColons) Handle(op *huma.Operation, handler func(huma.Context)) {
	routed := *op
	routed.Path = strings.ReplaceAll(op.Path, ":", `\:`)
	l.Adapter.Handle(&routed, handler)
}

// List is an answer with several things. Items is never null.
type List[T any] struct {
	Items      []T    `json:"items" nullable:"false" doc:"What was asked for."`
	NextCursor string `json:"next_cursor,omitempty" doc:"Ask for the next page with it as cursor; absent on the last one." example:"be_k3x7q2mfd5wa4nzp"`
}

type listOutput[T any] struct{ Body List[T] }

// listOf maps model things to their wire form.
func listOf[M, W any](in []M, wire func(*M) W) List[W] {
	out := make([]W, len(in))
	for i := range in {
		out[i] = wire(&in[i])
	}
	return List[W]{Items: out}
}

// listed answers with a list, or the error that came instead.
func listed[M, W any](in []M, err error, wire func(*M) W) (*listOutput[W], error) {
	if err != nil {
		return nil, err
	}
	return &listOutput[W]{listOf(in, wire)}, nil
}

type output[T any] struct{ Body T }

// one answers with one thing, or the error that came instead.
func one[M, W any](m *M, err error, wire func(*M) W) (*output[W], error) {
	if err != nil {
		return nil, err
	}
	return &output[W]{wire(m)}, nil
}

// done is an answer without a body: 204.
type done struct{}

type noInput struct{}

// BodyRead is embedded in inputs with a body. Where a request comes without
// one, net/http already watches the connection when Huma sets the deadline for
// reading the body; when that passes, the watch would take the client for gone
// and cancel the handler. It is exported for Huma's sake, which else overlooks
// it beside another resolver.
type BodyRead struct{}

// Resolve lifts the deadline; Huma calls it when the body has been read.
func (BodyRead) Resolve(ctx huma.Context) []error {
	_ = ctx.SetReadDeadline(time.Time{}) // a writer without deadlines has none to lift
	return nil
}

var _ huma.Resolver = BodyRead{}
