package awssim

import (
	"time"
	"unicode/utf8"
)

type api struct {
	ID          string
	Name        string
	Description string
	Version     string
	Disabled    bool  // the execute-api endpoint
	CORS        *cors `json:",omitempty"`
	CreatedAt   time.Time
	Tags        tags
}

// apiInput is the body of CreateApi and UpdateApi; nil = not sent.
type apiInput struct {
	Name                      *string
	ProtocolType              *string
	Description               *string
	Version                   *string
	DisableExecuteAPIEndpoint *bool `json:"disableExecuteApiEndpoint"`
	IPAddressType             *string
	Tags                      tags
	Target                    *string
	CorsConfiguration         *cors
	RouteSelectionExpression  *string
}

const (
	routeSelection  = "$request.method $request.path"
	apiKeySelection = "$request.header.x-api-key"
)

func (c *restCall) invokeURL(id string) string {
	host := id + ".execute-api." + c.region + ".localhost"
	if c.port != "" {
		host += ":" + c.port
	}
	return "http://" + host
}

func (c *restCall) apiView(a *api) any {
	out := map[string]any{"apiId": a.ID, "name": a.Name, "protocolType": "HTTP", "apiEndpoint": c.invokeURL(a.ID),
		"routeSelectionExpression": routeSelection, "apiKeySelectionExpression": apiKeySelection, "ipAddressType": "ipv4",
		"disableExecuteApiEndpoint": a.Disabled, "createdDate": isoTime(a.CreatedAt), "tags": merged(a.Tags, nil)}
	if a.Description != "" {
		out["description"] = a.Description
	}
	if a.Version != "" {
		out["version"] = a.Version
	}
	if a.CORS != nil {
		out["corsConfiguration"] = a.CORS
	}
	return out
}

func (c *restCall) api() (*api, error) {
	a, ok := found(c.Sim, c.st.apis, c.args["api"], c.now)
	if !ok {
		return nil, noSuch("API", c.args["api"])
	}
	return a, nil
}

func set[T any](field *T, sent *T) {
	if sent != nil {
		*field = *sent
	}
}

// apply checks the input and changes a.
func (in *apiInput) apply(a *api) error {
	switch {
	case in.ProtocolType != nil && *in.ProtocolType != "HTTP":
		return badRequest("This simulator has no APIs of the protocol %s; it has HTTP", *in.ProtocolType)
	case names(in.Target):
		return badRequest("This simulator has no quick create: its target would be a URL on the internet or a Lambda function, and only private integrations carry requests here. Make the integration, the route and the stage")
	case in.RouteSelectionExpression != nil && *in.RouteSelectionExpression != routeSelection && *in.RouteSelectionExpression != "${request.method} ${request.path}":
		return badRequest("The routeSelectionExpression of an HTTP API must be %s", routeSelection)
	case in.IPAddressType != nil && *in.IPAddressType != "ipv4":
		return badRequest("This simulator has no address type %s; it has ipv4", *in.IPAddressType)
	}
	set(&a.Name, in.Name)
	set(&a.Description, in.Description)
	set(&a.Version, in.Version)
	set(&a.Disabled, in.DisableExecuteAPIEndpoint)
	if in.CorsConfiguration != nil {
		a.CORS = in.CorsConfiguration
		if err := a.CORS.check(); err != nil {
			return err
		}
	}
	if utf8.RuneCountInString(a.Description) > 1024 {
		return badRequest("Description must have at most 1024 characters")
	}
	return checkGatewayName(a.Name)
}

// createAPI has no client token: sent twice it makes two, as on AWS.
func createAPI(c *restCall) (any, error) {
	var in apiInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ProtocolType == nil {
		return nil, badRequest("Protocol type must be specified")
	}
	if err := withinQuota(len(c.st.apis.rows), c.quota(maxAPIs), "APIs for this account and Region"); err != nil {
		return nil, err
	}
	a := &api{ID: shortID(10), CreatedAt: c.now, Tags: in.Tags}
	if err := in.apply(a); err != nil {
		return nil, err
	}
	if err := checkGatewayTags(in.Tags); err != nil {
		return nil, err
	}
	return c.apiView(a), c.st.apis.put(a)
}

func getAPIs(c *restCall) (any, error) {
	return items(c, visible(c.Sim, c.st.apis, nil, c.now), func(a *api) string { return a.ID }, c.apiView)
}

func getAPI(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	return c.apiView(a), nil
}

func updateAPI(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	var in apiInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	changed := *a
	if err := in.apply(&changed); err != nil {
		return nil, err
	}
	return c.apiView(&changed), c.st.apis.put(&changed)
}

// deleteAPI takes routes, integrations, stages and deployments along.
func deleteAPI(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	for _, r := range c.st.routes.list(func(r *route) bool { return r.APIID == a.ID }) {
		c.st.routes.del(c.st.routes.key(r))
	}
	for _, n := range c.st.integrations.list(func(n *integration) bool { return n.APIID == a.ID }) {
		c.st.integrations.del(c.st.integrations.key(n))
	}
	for _, s := range c.st.stages.list(func(s *stage) bool { return s.APIID == a.ID }) {
		c.st.stages.del(c.st.stages.key(s))
	}
	for _, d := range c.st.deployments.list(func(d *deployment) bool { return d.APIID == a.ID }) {
		c.st.deployments.del(c.st.deployments.key(d))
	}
	c.st.apis.del(a.ID)
	return nil, nil
}

func deleteCors(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	changed := *a
	changed.CORS = nil
	return nil, c.st.apis.put(&changed)
}
