package awssim

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/internal/awssim/wire"
)

// restOp is an operation of API Gateway v2, found by method and path. A
// segment of the pattern in braces takes any value.
type restOp struct {
	method, pattern, name string
	status                int
	run                   func(c *restCall) (any, error)
}

// restCall is one call of API Gateway v2 while it is carried out, under Sim.mu.
type restCall struct {
	*Sim
	now   time.Time
	args  map[string]string
	query url.Values
	body  []byte
	port  string // of invoke URLs
}

func gatewayOps() []restOp {
	return []restOp{
		{"POST", "vpclinks", "CreateVpcLink", 201, createVpcLink},
		{"GET", "vpclinks", "GetVpcLinks", 200, getVpcLinks},
		{"GET", "vpclinks/{link}", "GetVpcLink", 200, getVpcLink},
		{"PATCH", "vpclinks/{link}", "UpdateVpcLink", 200, updateVpcLink},
		{"DELETE", "vpclinks/{link}", "DeleteVpcLink", 202, deleteVpcLink},
		{"POST", "apis", "CreateApi", 201, createAPI},
		{"GET", "apis", "GetApis", 200, getAPIs},
		{"GET", "apis/{api}", "GetApi", 200, getAPI},
		{"PATCH", "apis/{api}", "UpdateApi", 200, updateAPI},
		{"DELETE", "apis/{api}", "DeleteApi", 204, deleteAPI},
		{"DELETE", "apis/{api}/cors", "DeleteCorsConfiguration", 204, deleteCors},
		{"POST", "apis/{api}/integrations", "CreateIntegration", 201, createIntegration},
		{"GET", "apis/{api}/integrations", "GetIntegrations", 200, getIntegrations},
		{"GET", "apis/{api}/integrations/{integration}", "GetIntegration", 200, getIntegration},
		{"PATCH", "apis/{api}/integrations/{integration}", "UpdateIntegration", 200, updateIntegration},
		{"DELETE", "apis/{api}/integrations/{integration}", "DeleteIntegration", 204, deleteIntegration},
		{"POST", "apis/{api}/routes", "CreateRoute", 201, createRoute},
		{"GET", "apis/{api}/routes", "GetRoutes", 200, getRoutes},
		{"GET", "apis/{api}/routes/{route}", "GetRoute", 200, getRoute},
		{"PATCH", "apis/{api}/routes/{route}", "UpdateRoute", 200, updateRoute},
		{"DELETE", "apis/{api}/routes/{route}", "DeleteRoute", 204, deleteRoute},
		{"POST", "apis/{api}/stages", "CreateStage", 201, createStage},
		{"GET", "apis/{api}/stages", "GetStages", 200, getStages},
		{"GET", "apis/{api}/stages/{stage}", "GetStage", 200, getStage},
		{"PATCH", "apis/{api}/stages/{stage}", "UpdateStage", 200, updateStage},
		{"DELETE", "apis/{api}/stages/{stage}", "DeleteStage", 204, deleteStage},
		{"DELETE", "apis/{api}/stages/{stage}/accesslogsettings", "DeleteAccessLogSettings", 204, deleteAccessLogSettings},
		{"DELETE", "apis/{api}/stages/{stage}/routesettings/{key}", "DeleteRouteSettings", 204, deleteRouteSettings},
		{"POST", "apis/{api}/deployments", "CreateDeployment", 201, createDeployment},
		{"GET", "apis/{api}/deployments", "GetDeployments", 200, getDeployments},
		{"GET", "apis/{api}/deployments/{deployment}", "GetDeployment", 200, getDeployment},
		{"DELETE", "apis/{api}/deployments/{deployment}", "DeleteDeployment", 204, deleteDeployment},
		{"GET", "tags/{arn}", "GetTags", 200, getTags},
		{"POST", "tags/{arn}", "TagResource", 201, tagResource},
		{"DELETE", "tags/{arn}", "UntagResource", 204, untagResource},
	}
}

// serveREST routes on the raw path: a stage is sent as %24default and the ARN
// of a tag call has %2F inside one segment.
func (s *Sim) serveREST(w http.ResponseWriter, r *http.Request) {
	op, args, ok := s.findREST(r.Method, r.URL.EscapedPath())
	if !ok {
		s.refuse(w, r, restFailure, wire.Errorf(http.StatusNotFound, "UnknownOperationException", "No operation of API Gateway v2 answers %s %s.", r.Method, r.URL.Path))
		return
	}
	body, err := readBody(r)
	if err != nil {
		s.refuse(w, r, restFailure, err)
		return
	}
	c := &restCall{Sim: s, args: args, query: r.URL.Query(), body: body, port: portOf(r.Host)}
	s.perform(w, r, operation{service: "apigatewayv2", name: op.name, failure: restFailure, writes: writtenAPI(r.Method, args), ids: restIDs(args), run: func(now time.Time, _ string) (reply, error) {
		c.now = now
		if s.public != "" {
			c.port = portOf(s.public)
		}
		out, err := op.run(c)
		switch {
		case err != nil:
			return reply{}, err
		case op.status == http.StatusNoContent:
			return reply{status: op.status}, nil
		}
		return jsonReply(op.status, out), nil
	}})
}

func portOf(host string) string {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return ""
	}
	return port
}

func (s *Sim) findREST(method, escapedPath string) (restOp, map[string]string, bool) {
	rest, ok := strings.CutPrefix(escapedPath, "/v2/")
	if !ok {
		return restOp{}, nil, false
	}
	have := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for _, op := range s.rest {
		if args, ok := matchREST(op.pattern, have); ok && op.method == method {
			return op, args, true
		}
	}
	return restOp{}, nil, false
}

func matchREST(pattern string, have []string) (map[string]string, bool) {
	want := strings.Split(pattern, "/")
	if len(want) != len(have) {
		return nil, false
	}
	args := map[string]string{}
	for i, p := range want {
		if !strings.HasPrefix(p, "{") {
			if p != have[i] {
				return nil, false
			}
			continue
		}
		v, err := url.PathUnescape(have[i])
		if err != nil || v == "" {
			return nil, false
		}
		args[strings.Trim(p, "{}")] = v
	}
	return args, true
}

func badRequest(format string, args ...any) error {
	return wire.BadRequest("BadRequestException", format, args...)
}

func conflict(format string, args ...any) error {
	return wire.Errorf(http.StatusConflict, "ConflictException", format, args...)
}

func noSuch(noun, id string) error {
	return wire.Errorf(http.StatusNotFound, "NotFoundException", "Invalid %s identifier specified %s", noun, id)
}

// decode reads the JSON body into v; an empty body is an empty object.
func (c *restCall) decode(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	err := json.Unmarshal(c.body, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		name := wrong.Field
		if name != "" {
			name = strings.ToLower(name[:1]) + name[1:]
		}
		return badRequest("Unexpected type: %s was sent for %s", wrong.Value, name)
	case err != nil:
		return badRequest("The request is not valid JSON: %s", err)
	}
	return nil
}

const defaultPage = 100

// items answers a list: a page of rows and the token of the next one.
func items[T any](c *restCall, rows []*T, key func(*T) string, view func(*T) any) (any, error) {
	size := defaultPage
	if text := c.query.Get("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, badRequest("maxResults must be a positive number, not %s", text)
		}
		size = min(n, 500)
	}
	page, next, err := wire.Page(rows, key, c.query.Get("nextToken"), size)
	if err != nil {
		return nil, badRequest("Invalid nextToken")
	}
	out := make([]any, 0, len(page))
	for _, r := range page {
		out = append(out, view(r))
	}
	answer := map[string]any{"items": out}
	if next != "" {
		answer["nextToken"] = next
	}
	return answer, nil
}

// isoTime is a moment as API Gateway writes it, to the second.
func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// names says whether a member names something: empty optional texts are sent, too.
func names(member *string) bool { return member != nil && *member != "" }

func checkGatewayTags(t tags) error {
	if err := checkTags(t); err != nil {
		return badRequest("%s", wire.AsError(err).Message)
	}
	return nil
}

func checkGatewayName(name string) error {
	if name == "" || utf8.RuneCountInString(name) > 128 {
		return badRequest("Name must have 1 to 128 characters")
	}
	return nil
}

// gatewayTagged finds what an ARN of API Gateway's names: it has no account.
func (c *restCall) gatewayTagged() (tagged, error) {
	arn := c.args["arn"]
	path, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+c.region+"::/")
	if !ok {
		return tagged{}, badRequest("Invalid ARN: %s", arn)
	}
	var t tagged
	parts := strings.Split(path, "/")
	switch {
	case len(parts) == 2 && parts[0] == "vpclinks":
		t, ok = taggedRow(c.st.links, "", parts[1], func(r *vpcLink) *tags { return &r.Tags })
	case len(parts) == 2 && parts[0] == "apis":
		t, ok = taggedRow(c.st.apis, "", parts[1], func(r *api) *tags { return &r.Tags })
	case len(parts) == 4 && parts[0] == "apis" && parts[2] == "stages":
		t, ok = taggedRow(c.st.stages, "", parts[1]+"/"+parts[3], func(r *stage) *tags { return &r.Tags })
	default:
		ok = false
	}
	if !ok || c.concealed(t.id, c.now) {
		return tagged{}, noSuch("resource", arn)
	}
	return t, nil
}

func getTags(c *restCall) (any, error) {
	t, err := c.gatewayTagged()
	if err != nil {
		return nil, err
	}
	return map[string]any{"tags": merged(t.tags, nil)}, nil
}

func tagResource(c *restCall) (any, error) {
	t, err := c.gatewayTagged()
	if err != nil {
		return nil, err
	}
	var in struct{ Tags tags }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	after := merged(t.tags, in.Tags)
	if err := checkGatewayTags(after); err != nil {
		return nil, err
	}
	return map[string]any{}, t.save(after)
}

func untagResource(c *restCall) (any, error) {
	t, err := c.gatewayTagged()
	if err != nil {
		return nil, err
	}
	left := merged(t.tags, nil)
	for _, k := range c.query["tagKeys"] {
		delete(left, k)
	}
	return nil, t.save(left)
}
