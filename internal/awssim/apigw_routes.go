package awssim

import (
	"regexp"
	"strings"
)

type route struct {
	APIID  string
	ID     string
	Key    string // "ANY /{proxy+}" or "$default"
	Target string // "integrations/<id>" or ""
	Name   string // operation name
}

// routeInput is the body of Create- and UpdateRoute; nil = not sent.
type routeInput struct {
	RouteKey          *string
	Target            *string
	AuthorizationType *string
	APIKeyRequired    *bool `json:"apiKeyRequired"`
	OperationName     *string
}

func routeView(r *route) any {
	out := map[string]any{"routeId": r.ID, "routeKey": r.Key, "authorizationType": "NONE", "apiKeyRequired": false}
	if r.Target != "" {
		out["target"] = r.Target
	}
	if r.Name != "" {
		out["operationName"] = r.Name
	}
	return out
}

func (c *restCall) route() (*route, error) {
	if _, err := c.api(); err != nil {
		return nil, err
	}
	r, ok := found(c.Sim, c.st.routes, c.args["api"]+"/"+c.args["route"], c.now)
	if !ok {
		return nil, noSuch("Route", c.args["route"])
	}
	return r, nil
}

var pathVariable = regexp.MustCompile(`^\{[a-zA-Z0-9._-]+\}$`)

// checkRouteKey applies the rules of route keys: see docs/aws-facts.md, section D1.
func checkRouteKey(key string) error {
	if key == defaultRoute {
		return nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !httpMethod.MatchString(method) || !strings.HasPrefix(path, "/") {
		return badRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
	}
	if path == "/" {
		return nil
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		switch {
		case s == "":
			return badRequest("The route key '%s' must not end in / or have an empty segment", key)
		case strings.HasSuffix(s, "+}") && i != len(segments)-1:
			return badRequest("A greedy path variable may only stand at the end of the route key '%s'", key)
		case strings.ContainsAny(s, "{}") && !pathVariable.MatchString(strings.Replace(s, "+}", "}", 1)):
			return badRequest("The path variable %s of the route key '%s' is not formatted properly", s, key)
		}
	}
	return nil
}

// applyRoute checks the input and changes r.
func (c *restCall) applyRoute(in routeInput, r *route) error {
	switch {
	case in.AuthorizationType != nil && *in.AuthorizationType != "NONE":
		return badRequest("This simulator has no authorizers: authorizationType must be NONE, not %s", *in.AuthorizationType)
	case in.APIKeyRequired != nil && *in.APIKeyRequired:
		return badRequest("ApiKeyRequired is not currently supported for HTTP APIs")
	}
	set(&r.Key, in.RouteKey)
	set(&r.Target, in.Target)
	set(&r.Name, in.OperationName)
	if err := checkRouteKey(r.Key); err != nil {
		return err
	}
	if r.Target != "" {
		id, ok := strings.CutPrefix(r.Target, "integrations/")
		if _, exists := found(c.Sim, c.st.integrations, r.APIID+"/"+id, c.now); !ok || !exists {
			return badRequest("Invalid target specified: %s is not an integration of the API", r.Target)
		}
	}
	if c.st.routes.find(func(o *route) bool { return o.APIID == r.APIID && o.Key == r.Key && o.ID != r.ID }) != nil {
		return conflict("Route with key %s already exists for this API", r.Key)
	}
	return nil
}

func createRoute(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	var in routeInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	have := countOf(c.st.routes, func(r *route) bool { return r.APIID == a.ID })
	if err := withinQuota(have, c.quota(maxAPIRoutes), "routes for this API"); err != nil {
		return nil, err
	}
	r := &route{APIID: a.ID, ID: shortID(7)}
	if err := c.applyRoute(in, r); err != nil {
		return nil, err
	}
	if err := c.st.routes.put(r); err != nil {
		return nil, err
	}
	return routeView(r), c.autoDeploy(a.ID)
}

func getRoutes(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	rows := visible(c.Sim, c.st.routes, func(r *route) bool { return r.APIID == a.ID }, c.now)
	return items(c, rows, func(r *route) string { return r.APIID + "/" + r.ID }, routeView)
}

func getRoute(c *restCall) (any, error) {
	r, err := c.route()
	if err != nil {
		return nil, err
	}
	return routeView(r), nil
}

func updateRoute(c *restCall) (any, error) {
	r, err := c.route()
	if err != nil {
		return nil, err
	}
	var in routeInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	changed := *r
	if err := c.applyRoute(in, &changed); err != nil {
		return nil, err
	}
	if err := c.st.routes.put(&changed); err != nil {
		return nil, err
	}
	return routeView(&changed), c.autoDeploy(r.APIID)
}

func deleteRoute(c *restCall) (any, error) {
	r, err := c.route()
	if err != nil {
		return nil, err
	}
	c.st.routes.del(c.st.routes.key(r))
	return nil, c.autoDeploy(r.APIID)
}
