package api

import "drawbridge/internal/model"

// Plan is what a job would do.
type Plan struct {
	BackendID   string     `json:"backend_id" doc:"The backend." example:"be_k3x7q2mfd5wa4nzp"`
	SpecVersion int        `json:"spec_version" doc:"The version of the spec that it was made from." example:"1"`
	Operation   string     `json:"operation" enum:"provision,update,sleep,wake,destroy,roll_back,clean_up" doc:"What would be done."`
	Blocked     bool       `json:"blocked" doc:"A finding forbids it."`
	Items       []PlanItem `json:"items" nullable:"false" doc:"One item per resource, in an order that respects their needs."`
	Findings    []Finding  `json:"findings" nullable:"false" doc:"What was seen beforehand."`
	Cost        *Cost      `json:"cost,omitempty" doc:"What the chain costs a month at list prices; for a destroy, what ends with it."`
}

// PlanItem is one resource and what will happen to it.
type PlanItem struct {
	Key       string            `json:"key" doc:"Its place in the chain." example:"alb"`
	Kind      string            `json:"kind" doc:"Its kind, in AWS's words." example:"elbv2.load_balancer"`
	Name      string            `json:"name" doc:"Its name in AWS." example:"orders-api-wa4nzp-alb"`
	Title     string            `json:"title" doc:"What will happen, in plain words." example:"Create the internal load balancer"`
	Action    string            `json:"action" enum:"create,update,replace,delete,let_go,keep,use,check" doc:"What will happen."`
	Ownership string            `json:"ownership" enum:"managed,shared,referenced" doc:"managed: Drawbridge makes and deletes it; shared or referenced: it is only used."`
	Reasons   []string          `json:"reasons,omitempty" doc:"Why."`
	Needs     []Need            `json:"needs,omitempty" doc:"What must be there first."`
	Params    map[string]string `json:"params,omitempty" doc:"What it is built with."`
	AWSID     string            `json:"aws_id,omitempty" doc:"Its id or ARN, when it exists already." example:"sg-0a1b2c3d4e5f67890"`
}

// Need is an edge of the chain's graph.
type Need struct {
	Key   string `json:"key" doc:"The resource that is needed." example:"alb-sg"`
	Ready bool   `json:"ready,omitempty" doc:"It must be ready; otherwise it is enough that it exists."`
}

// Finding is something that was seen before anything was made.
type Finding struct {
	Severity string `json:"severity" enum:"error,warning,info" doc:"An error forbids the plan."`
	Key      string `json:"key,omitempty" doc:"The resource that it is about." example:"instance-1"`
	Field    string `json:"field,omitempty" doc:"The field of the spec that mends it." example:"spec.instances.ids"`
	Message  string `json:"message" doc:"What was seen."`
	Advice   string `json:"advice,omitempty" doc:"What helps."`
}

func planOf(p *model.Plan) Plan {
	return Plan{
		BackendID: p.BackendID, SpecVersion: p.SpecVersion, Operation: string(p.Operation), Blocked: p.Blocked(),
		Items: listOf(p.Items, planItemOf).Items, Findings: listOf(p.Findings, findingOf).Items,
		Cost: optional(p.Cost, costOf),
	}
}

func planItemOf(i *model.PlanItem) PlanItem {
	return PlanItem{
		Key: i.Key, Kind: string(i.Kind), Name: i.Name, Title: i.Title, Action: string(i.Action), Ownership: string(i.Ownership),
		Reasons: i.Reasons, Needs: listOf(i.Needs, needOf).Items, Params: i.Params, AWSID: i.AWSID,
	}
}

func needOf(n *model.Need) Need { return Need{Key: n.Key, Ready: n.Ready} }

func findingOf(f *model.Finding) Finding {
	return Finding{Severity: string(f.Severity), Key: f.Key, Field: f.Field, Message: f.Message, Advice: f.Advice}
}
