package awssim

import (
	"maps"
	"regexp"
	"strings"
)

// integration carries a route's requests through a VPC link to a listener.
type integration struct {
	APIID        string
	ID           string
	Method       string
	ConnectionID string // VPC link
	URI          string // listener ARN
	Timeout      int    // milliseconds
	Description  string
	Parameters   map[string]string
	Responses    map[string]map[string]string `json:",omitempty"` // by status
}

// integrationInput is the body of Create- and UpdateIntegration; nil = not sent.
type integrationInput struct {
	IntegrationType      *string
	IntegrationMethod    *string
	IntegrationURI       *string `json:"integrationUri"`
	ConnectionType       *string
	ConnectionID         *string `json:"connectionId"`
	PayloadFormatVersion *string
	TimeoutInMillis      *int
	Description          *string
	RequestParameters    map[string]string
	ResponseParameters   map[string]map[string]string
	TLSConfig            any `json:"tlsConfig"`
}

func integrationView(n *integration) any {
	out := map[string]any{"integrationId": n.ID, "integrationType": "HTTP_PROXY", "integrationMethod": n.Method, "connectionType": "VPC_LINK",
		"connectionId": n.ConnectionID, "integrationUri": n.URI, "payloadFormatVersion": "1.0", "timeoutInMillis": n.Timeout}
	if n.Description != "" {
		out["description"] = n.Description
	}
	if len(n.Parameters) > 0 {
		out["requestParameters"] = n.Parameters
	}
	if len(n.Responses) > 0 {
		out["responseParameters"] = n.Responses
	}
	return out
}

func (c *restCall) integration() (*integration, error) {
	if _, err := c.api(); err != nil {
		return nil, err
	}
	n, ok := found(c.Sim, c.st.integrations, c.args["api"]+"/"+c.args["integration"], c.now)
	if !ok {
		return nil, noSuch("Integration", c.args["integration"])
	}
	return n, nil
}

// routesTo returns the routes whose target is n.
func (s *Sim) routesTo(n *integration) []*route {
	return s.st.routes.list(func(r *route) bool { return r.APIID == n.APIID && r.Target == "integrations/"+n.ID })
}

var (
	listenerARN = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:listener/(app|net)/.+`)
	httpMethod  = regexp.MustCompile(`^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$`)
)

// applyIntegration checks the input and changes n.
func (c *restCall) applyIntegration(in integrationInput, n *integration) error {
	switch {
	case in.IntegrationType != nil && *in.IntegrationType != "HTTP_PROXY":
		return badRequest("This simulator has no integrations of the type %s; it has HTTP_PROXY through a VPC_LINK", *in.IntegrationType)
	case in.ConnectionType != nil && *in.ConnectionType != "VPC_LINK":
		return badRequest("This simulator has no connections of the type %s: it sends nothing to the internet; use VPC_LINK", *in.ConnectionType)
	case in.PayloadFormatVersion != nil && *in.PayloadFormatVersion != "1.0":
		return badRequest("Invalid payloadFormatVersion specified: HTTP_PROXY supports 1.0 only")
	case in.TLSConfig != nil:
		return badRequest("This simulator's load balancers have no HTTPS: leave tlsConfig out, for plain HTTP behind the VPC link")
	}
	set(&n.Method, in.IntegrationMethod)
	set(&n.ConnectionID, in.ConnectionID)
	set(&n.URI, in.IntegrationURI)
	set(&n.Timeout, in.TimeoutInMillis)
	set(&n.Description, in.Description)
	if err := in.applyMappings(n); err != nil {
		return err
	}
	switch {
	case !httpMethod.MatchString(n.Method):
		return badRequest("Invalid HTTP method specified: an integration of the type HTTP_PROXY needs an integrationMethod")
	case n.Timeout < 50 || n.Timeout > 30_000:
		return badRequest("Timeout should be between 50 ms and 30000 ms")
	case !listenerARN.MatchString(n.URI):
		return badRequest("For VpcLink VPC_LINK, integration uri should be a valid ELB listener ARN or a valid Cloud Map service ARN.")
	}
	l, ok := found(c.Sim, c.st.links, n.ConnectionID, c.now)
	if !ok || !l.DeletedAt.IsZero() {
		return badRequest("Invalid VPC link identifier specified: %s", n.ConnectionID)
	}
	if status, _ := l.statusAt(c.now, c.t); status == "PENDING" && c.Switches().RefusePendingLink {
		return badRequest("VPC link %s is not available: its status is PENDING", l.ID)
	}
	if _, ok := found(c.Sim, c.st.listeners, n.URI, c.now); !ok {
		return badRequest("Unable to retrieve listener port and load balancer DNS name from ELB listener")
	}
	return nil
}

// applyMappings adds what was sent; an empty value takes a mapping away.
func (in integrationInput) applyMappings(n *integration) error {
	params := merged(n.Parameters, in.RequestParameters)
	maps.DeleteFunc(params, func(_, v string) bool { return v == "" })
	if err := checkMappings(params); err != nil {
		return err
	}
	responses := maps.Clone(n.Responses)
	for status, sent := range in.ResponseParameters {
		if responses == nil {
			responses = map[string]map[string]string{}
		}
		after := merged(responses[status], sent)
		maps.DeleteFunc(after, func(_, v string) bool { return v == "" })
		if responses[status] = after; len(sent) == 0 || len(after) == 0 {
			delete(responses, status)
		}
	}
	if err := checkResponseMappings(responses); err != nil {
		return err
	}
	n.Parameters, n.Responses = params, responses
	return nil
}

// createIntegration takes a link that is still PENDING: requests are answered
// with 503 until it is AVAILABLE.
func createIntegration(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	var in integrationInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.IntegrationType == nil || in.ConnectionType == nil {
		return nil, badRequest("This simulator has integrations of the type HTTP_PROXY through a VPC_LINK: name both")
	}
	have := countOf(c.st.integrations, func(n *integration) bool { return n.APIID == a.ID })
	if err := withinQuota(have, maxIntegrations, "integrations for this API"); err != nil {
		return nil, err
	}
	n := &integration{APIID: a.ID, ID: shortID(7), Timeout: 30_000, Parameters: map[string]string{}}
	if err := c.applyIntegration(in, n); err != nil {
		return nil, err
	}
	if err := c.st.integrations.put(n); err != nil {
		return nil, err
	}
	return integrationView(n), c.autoDeploy(a.ID)
}

func getIntegrations(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	rows := visible(c.Sim, c.st.integrations, func(n *integration) bool { return n.APIID == a.ID }, c.now)
	return items(c, rows, func(n *integration) string { return n.APIID + "/" + n.ID }, integrationView)
}

func getIntegration(c *restCall) (any, error) {
	n, err := c.integration()
	if err != nil {
		return nil, err
	}
	return integrationView(n), nil
}

func updateIntegration(c *restCall) (any, error) {
	n, err := c.integration()
	if err != nil {
		return nil, err
	}
	var in integrationInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	changed := *n
	changed.Parameters = merged(n.Parameters, nil)
	if err := c.applyIntegration(in, &changed); err != nil {
		return nil, err
	}
	if err := c.st.integrations.put(&changed); err != nil {
		return nil, err
	}
	return integrationView(&changed), c.autoDeploy(n.APIID)
}

func deleteIntegration(c *restCall) (any, error) {
	n, err := c.integration()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range c.routesTo(n) {
		ids = append(ids, r.ID)
	}
	if len(ids) > 0 {
		return nil, conflict("Cannot delete Integration because it is referenced by the following Routes with Ids: [%s]", strings.Join(ids, ", "))
	}
	c.st.integrations.del(c.st.integrations.key(n))
	return nil, c.autoDeploy(n.APIID)
}
