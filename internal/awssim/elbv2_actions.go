package awssim

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// action is what a listener or one of its rules does with a request.
type action struct {
	Type     string          // forward, fixed-response or redirect
	Groups   []weightedGroup `json:",omitempty"` // of forward
	Fixed    fixedResponse   `json:",omitzero"`
	Redirect redirect        `json:",omitzero"`
}

type weightedGroup struct {
	ARN    string
	Weight int // 0 to 999
}

type fixedResponse struct {
	Status      int
	ContentType string
	Body        string
}

// redirect may name parts of the request as #{host} and the like.
type redirect struct {
	Status                            int // 301 or 302
	Protocol, Port, Host, Path, Query string
}

func (a action) equal(o action) bool {
	return a.Type == o.Type && a.Fixed == o.Fixed && a.Redirect == o.Redirect && slices.Equal(a.Groups, o.Groups)
}

// maxWeightedGroups per forward action.
const maxWeightedGroups = 5

// readAction takes the one action that is no authentication.
func (c *call) readAction(actions []wire.Query, b *loadBalancer) (action, error) {
	if len(actions) != 1 {
		return action{}, wire.BadRequest("ValidationError", "This simulator's listeners and rules have exactly one action: forward, fixed-response or redirect")
	}
	q := actions[0]
	a := action{Type: q.Str("Type")}
	var err error
	switch a.Type {
	case "forward":
		err = c.readForward(&a, q, b)
	case "fixed-response":
		err = readFixedResponse(&a, q.Sub("FixedResponseConfig"))
	case "redirect":
		err = readRedirect(&a, q.Sub("RedirectConfig"))
	default:
		err = wire.BadRequest("InvalidLoadBalancerAction", "This simulator has no actions of the type '%s'; it has forward, fixed-response and redirect", a.Type)
	}
	return a, cmp.Or(err, q.Err())
}

func (c *call) readForward(a *action, q wire.Query, b *loadBalancer) error {
	for _, g := range q.Structs("ForwardConfig.TargetGroups") {
		a.Groups = append(a.Groups, weightedGroup{ARN: g.Str("TargetGroupArn"), Weight: g.Int("Weight", 1)})
	}
	if arn := q.Str("TargetGroupArn"); arn != "" && len(a.Groups) == 0 {
		a.Groups = []weightedGroup{{ARN: arn, Weight: 1}}
	}
	if q.Bool("ForwardConfig.TargetGroupStickinessConfig.Enabled", false) {
		return wire.BadRequest("InvalidLoadBalancerAction", "This simulator has no stickiness among target groups; a target group itself may be sticky")
	}
	if len(a.Groups) == 0 || len(a.Groups) > maxWeightedGroups {
		return wire.BadRequest("ValidationError", "A forward action needs 1 to %d target groups", maxWeightedGroups)
	}
	for _, w := range a.Groups {
		g, err := c.targetGroup(w.ARN)
		if err != nil {
			return err
		}
		used := c.balancersOf(g)
		switch {
		case w.Weight < 0 || w.Weight > 999:
			return wire.BadRequest("ValidationError", "The weight of a target group must be between 0 and 999, not %d", w.Weight)
		case g.VPCID != b.VPCID:
			return wire.BadRequest("InvalidConfigurationRequest", "The target group '%s' and the load balancer are in different VPCs", g.ARN)
		case len(used) > 0 && !slices.Contains(used, b.ARN):
			return wire.BadRequest("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", g.ARN)
		}
	}
	return c.balancerQuotas(b, a.Groups)
}

var fixedStatus = regexp.MustCompile(`^[245]\d\d$`)

func readFixedResponse(a *action, q wire.Query) error {
	code := q.Str("StatusCode")
	a.Fixed = fixedResponse{ContentType: cmp.Or(q.Str("ContentType"), "text/plain"), Body: q.Str("MessageBody")}
	a.Fixed.Status, _ = strconv.Atoi(code)
	kinds := []string{"text/plain", "text/css", "text/html", "application/javascript", "application/json"}
	switch {
	case !fixedStatus.MatchString(code):
		return wire.BadRequest("ValidationError", "The status code of a fixed response must be 2XX, 4XX or 5XX, not '%s'", code)
	case !slices.Contains(kinds, a.Fixed.ContentType):
		return wire.BadRequest("ValidationError", "The content type of a fixed response must be one of %s", strings.Join(kinds, ", "))
	case len(a.Fixed.Body) > 1024:
		return wire.BadRequest("ValidationError", "The body of a fixed response has at most 1024 characters")
	}
	return nil
}

func readRedirect(a *action, q wire.Query) error {
	r := redirect{Status: map[string]int{"HTTP_301": http.StatusMovedPermanently, "HTTP_302": http.StatusFound}[q.Str("StatusCode")],
		Protocol: cmp.Or(q.Str("Protocol"), "#{protocol}"), Port: cmp.Or(q.Str("Port"), "#{port}"), Host: cmp.Or(q.Str("Host"), "#{host}"),
		Path: cmp.Or(q.Str("Path"), "/#{path}"), Query: "#{query}"}
	if q.Has("Query") {
		r.Query = q.Str("Query")
	}
	switch {
	case r.Status == 0:
		return wire.BadRequest("ValidationError", "The status code of a redirect must be HTTP_301 or HTTP_302")
	case !slices.Contains([]string{"HTTP", "HTTPS", "#{protocol}"}, r.Protocol):
		return wire.BadRequest("ValidationError", "The protocol of a redirect must be HTTP, HTTPS or #{protocol}")
	case !strings.HasPrefix(r.Path, "/"):
		return wire.BadRequest("ValidationError", "The path of a redirect must begin with a '/'")
	case r.Protocol == "#{protocol}" && r.Host == "#{host}" && r.Port == "#{port}" && r.Path == "/#{path}":
		return wire.BadRequest("InvalidLoadBalancerAction", "A redirect must change the protocol, the host, the port or the path")
	}
	a.Redirect = r
	return nil
}

func actionXML(a action) wire.Node {
	kids := []wire.Node{wire.Str("Type", a.Type), wire.Int("Order", 1)}
	switch a.Type {
	case "fixed-response":
		kids = append(kids, wire.El("FixedResponseConfig", wire.Str("MessageBody", a.Fixed.Body),
			wire.Int("StatusCode", a.Fixed.Status), wire.Str("ContentType", a.Fixed.ContentType)))
	case "redirect":
		r := a.Redirect
		kids = append(kids, wire.El("RedirectConfig", wire.Str("Protocol", r.Protocol), wire.Str("Port", r.Port), wire.Str("Host", r.Host),
			wire.Str("Path", r.Path), wire.Str("Query", r.Query), wire.Str("StatusCode", "HTTP_"+strconv.Itoa(r.Status))))
	default:
		if len(a.Groups) == 1 {
			kids = append(kids, wire.Str("TargetGroupArn", a.Groups[0].ARN))
		}
		kids = append(kids, wire.El("ForwardConfig", wire.List("TargetGroups", "member", a.Groups, func(g weightedGroup) []wire.Node {
			return []wire.Node{wire.Str("TargetGroupArn", g.ARN), wire.Int("Weight", g.Weight)}
		}), wire.El("TargetGroupStickinessConfig", wire.Bool("Enabled", false))))
	}
	return wire.El("member", kids...)
}
