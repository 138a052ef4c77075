package web

import (
	"cmp"
	"fmt"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// place is where a resource stands in the picture: a hop or the edge before one.
type place string

const (
	placeClient    place = "client"
	placeAPI       place = "http-api"
	placeStage     place = "stage" // client -> HTTP API
	placeRoute     place = "route" // HTTP API -> VPC link
	placeLink      place = "vpc-link"
	placeLinkRules place = "vpclink-alb" // VPC link -> ALB
	placeALB       place = "alb"
	placeListener  place = "listener" // ALB -> target group
	placeTarget    place = "target-group"
	placeAppRules  place = "alb-app" // target group -> instances
	placeInstance  place = "instances"
)

// placeOf finds a resource's place from its kind and, for security groups,
// its key. A kind that the picture does not know stands in the table alone.
func placeOf(kind model.ResourceKind, key string) place {
	_, noun, _ := strings.Cut(string(kind), ".")
	switch {
	case strings.HasPrefix(noun, "security_group"):
		if strings.HasPrefix(key, "vpclink") || strings.HasPrefix(key, "alb") {
			return placeLinkRules
		}
		return placeAppRules
	case strings.HasPrefix(noun, "instance"):
		return placeInstance
	}
	switch noun {
	case "first_answer":
		return placeClient
	case "api", "http_api":
		return placeAPI
	case "stage":
		return placeStage
	case "integration", "route":
		return placeRoute
	case "vpc_link":
		return placeLink
	case "load_balancer":
		return placeALB
	case "listener":
		return placeListener
	case "target_group", "target", "targets", "target_registration", "registration":
		return placeTarget
	}
	return ""
}

// stateRank orders states by how much they hold the chain up.
var stateRank = map[model.ResourceState]int{
	"": 0, model.ResourceGone: 0, model.ResourceReady: 1, model.ResourcePlanned: 2,
	model.ResourcePending: 3, model.ResourceDeleting: 4, model.ResourceFailed: 5,
}

// spot is what is known of one place: the worst state of its resources.
type spot struct {
	state    model.ResourceState
	detail   string
	names    []string
	ready    int // resources that are ready
	resource int // resources that exist or are on their way
}

func spotsOf(resources []model.Resource) map[place]spot {
	spots := map[place]spot{}
	for _, r := range resources {
		at := placeOf(r.Kind, r.Key)
		s := spots[at]
		state := r.State
		if state == model.ResourceGone {
			state = ""
		} else {
			s.resource++
			s.names = append(s.names, displayName(r))
		}
		if state == model.ResourceReady {
			s.ready++
		}
		if stateRank[state] > stateRank[s.state] {
			s.state, s.detail = state, r.Detail
		}
		spots[at] = s
	}
	return spots
}

func displayName(r model.Resource) string {
	if r.Name != "" {
		return r.Name
	}
	return r.Key
}

// newChain draws the chain of a backend as its resources are.
func newChain(d *panel.BackendDetail) ui.Chain {
	spots := spotsOf(d.Resources)
	edge := func(at place, label, rule string) *ui.Edge {
		return &ui.Edge{ID: string(at), Label: label, Rule: rule, State: ui.ResourceState(spots[at].state)}
	}
	hop := func(at place, label string, in *ui.Edge) ui.Hop {
		s := spots[at]
		return ui.Hop{
			ID: string(at), Label: label, Name: first(s.names), Detail: s.detail, Inside: at != placeAPI,
			State: ui.ResourceState(s.state), In: in,
		}
	}
	api := hop(placeAPI, "HTTP API", edge(placeStage, "Stage $default", ""))
	link := hop(placeLink, "VPC link", edge(placeRoute, "ANY /{proxy+}", ""))
	alb := hop(placeALB, "Internal load balancer", edge(placeLinkRules, "HTTP", "TCP 80"))
	group := hop(placeTarget, "Target group", edge(placeListener, "Listener :80", ""))
	apps := hop(placeInstance, "Instances", edge(placeAppRules, "HTTP", fmt.Sprintf("TCP %d", d.Spec.Port)))
	if group.Detail == "" {
		group.Detail = targetWords(d)
	}
	describeInstances(&apps, spots[placeInstance], d.Spec)
	if d.Phase == model.PhaseAsleep {
		rest(&group, "No target is registered")
		rest(&apps, "Waking starts the same ones")
		apps.Name = fmt.Sprintf("%d stopped", spots[placeInstance].resource)
	}
	return ui.Chain{
		Label: "The chain is " + strings.ToLower(ui.PhaseState(d.Phase).Word) + ".",
		VPC:   "VPC " + d.Environment.VPCID + ", " + d.Environment.Region,
		Hops:  []ui.Hop{clientHop(d, spots[placeClient]), api, link, alb, group, apps},
	}
}

// rest shows a hop and the way to it as asleep.
func rest(h *ui.Hop, detail string) {
	s := ui.PhaseState(model.PhaseAsleep)
	h.State.Word, h.State.Tone, h.State.Icon, h.Detail = s.Word, s.Tone, s.Icon, detail
	h.In.State.Word, h.In.State.Tone, h.In.State.Icon = s.Word, s.Tone, s.Icon
}

// targetWords says how many targets are healthy, or what will tell.
func targetWords(d *panel.BackendDetail) string {
	for _, r := range d.Resources {
		if healthy := r.Outputs["healthy"]; healthy != "" && r.State == model.ResourceReady {
			return healthy + " healthy"
		}
	}
	return "Health check " + d.Spec.HealthPath
}

// clientHop is green when the chain answers requests. first is what is known
// of the first answer that a job waits for.
func clientHop(d *panel.BackendDetail, first spot) ui.Hop {
	h := ui.Hop{ID: "client", Label: "Client", Name: "curl, browser, app", State: ui.ResourceState("")}
	h.State.Word = "No URL yet"
	if d.InvokeURL == "" {
		return h
	}
	switch d.Phase {
	case model.PhaseReady:
		h.State = ui.ResourceState(model.ResourceReady)
		h.State.Word = "Answered"
	case model.PhaseDegraded, model.PhaseFailed:
		h.State = ui.ResourceState(model.ResourceFailed)
		h.State.Word = "May fail"
	case model.PhaseAsleep:
		s := ui.PhaseState(d.Phase)
		h.State.Word, h.State.Tone, h.State.Icon, h.Detail = "Gets 503", s.Tone, s.Icon, "Until the backend wakes"
	case model.PhaseDestroyed:
	default:
		h.State = ui.ResourceState(cmp.Or(first.state, model.ResourcePending))
		h.Detail = first.detail
		if first.state == model.ResourceReady {
			h.State.Word = "Answered"
		}
	}
	return h
}

func describeInstances(h *ui.Hop, s spot, spec model.Spec) {
	switch {
	case s.resource > 1:
		h.Name = fmt.Sprintf("%d of %d ready", s.ready, s.resource)
	case s.resource == 0 && spec.Source == model.SourceInstances && spec.Instances != nil:
		h.Name = count(len(spec.Instances.IDs), "instance") + " of yours"
	case s.resource == 0 && spec.Launch != nil:
		h.Name = fmt.Sprintf("%d × %s", spec.Launch.Count, spec.Launch.InstanceType)
	}
	if h.Detail == "" {
		h.Detail = fmt.Sprintf("App on port %d", spec.Port)
	}
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
