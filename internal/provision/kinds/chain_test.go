package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/provision/kinds"
)

func testEnvironment() *model.Environment {
	return &model.Environment{VPCID: "vpc-05100000000000001", SubnetIDs: []string{"subnet-a", "subnet-b"}}
}

func testBackend(spec model.Spec) *model.Backend {
	return &model.Backend{ID: "be_abcdefghijklmnop", Name: strings.Repeat("x", model.MaxBackendName), Spec: spec.WithDefaults()}
}

func keys(items []model.PlanItem) []string {
	var all []string
	for _, item := range items {
		all = append(all, item.Key)
	}
	return all
}

func item(t *testing.T, items []model.PlanItem, key string) model.PlanItem {
	t.Helper()
	i := slices.IndexFunc(items, func(item model.PlanItem) bool { return item.Key == key })
	if i < 0 {
		t.Fatalf("no node %q in %v", key, keys(items))
	}
	return items[i]
}

func TestChainNodes(t *testing.T) {
	t.Parallel()
	existing := model.Spec{Source: model.SourceInstances, Port: 8000, Instances: &model.Instances{IDs: []string{"i-1", "i-2"}, AddRule: true}}
	for _, row := range []struct {
		name  string
		spec  model.Spec
		facts kinds.Facts
		want  string
	}{
		{"launch", model.Spec{Port: 8000, Launch: &model.Launch{Count: 2}}, kinds.Facts{},
			"vpclink-sg alb-sg ec2-sg alb-ingress app-ingress image instance-1 instance-2 target-group alb listener targets vpc-link api integration route stage answer"},
		{"instances to open", existing, kinds.Facts{Openings: []kinds.Opening{{GroupID: "sg-1"}, {GroupID: "sg-2"}}},
			"vpclink-sg alb-sg alb-ingress app-ingress-1 app-ingress-2 instance-1 instance-2 target-group alb listener targets vpc-link api integration route stage answer"},
		{"instances that are open", existing, kinds.Facts{},
			"vpclink-sg alb-sg alb-ingress instance-1 instance-2 target-group alb listener targets vpc-link api integration route stage answer"},
	} {
		items := kinds.Chain(testBackend(row.spec), testEnvironment(), row.facts)
		if got := strings.Join(keys(items), " "); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
		if _, err := provision.ConvergePlan(testBackend(row.spec), provision.Wanted{Operation: model.OpProvision, Chain: items, Differ: provision.NeverDiffers}, nil); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// Every node's kind is registered, and AWS takes its name.
func TestChainAndRegistryAgree(t *testing.T) {
	t.Parallel()
	registered := map[model.ResourceKind]bool{}
	for _, k := range kinds.Registry(nil, nil) {
		if registered[k.Name()] {
			t.Errorf("two kinds %s", k.Name())
		}
		registered[k.Name()] = true
		if timing := k.Timing(); timing.Limit <= 0 {
			t.Errorf("%s waits without an end: %+v", k.Name(), timing)
		}
	}
	used := map[model.ResourceKind]bool{provision.KindOrphan: true} // by clean-ups, not by chains
	for _, item := range kinds.Chain(testBackend(launchSpec()), testEnvironment(), kinds.Facts{}) {
		used[item.Kind] = true
		if !registered[item.Kind] {
			t.Errorf("%s: kind %s is not registered", item.Key, item.Kind)
		}
		if item.Title == "" || item.Name == "" {
			t.Errorf("%s has no title or no name", item.Key)
		}
		if short := item.Kind == kinds.KindLoadBalancer || item.Kind == kinds.KindTargetGroup; short && len(item.Name) > 32 {
			t.Errorf("AWS refuses %q: %d characters", item.Name, len(item.Name))
		}
	}
	if len(used) != len(registered) {
		t.Errorf("%d kinds are used, %d registered", len(used), len(registered))
	}
}

// What AWS lets run at once does: these nodes need nothing that takes minutes.
func TestChainNeedsAreLoose(t *testing.T) {
	t.Parallel()
	items := kinds.Chain(testBackend(launchSpec()), testEnvironment(), kinds.Facts{})
	for key, want := range map[string][]model.Need{
		"alb":          {{Key: "alb-sg"}},
		"vpc-link":     {{Key: "vpclink-sg"}},
		"api":          nil,
		"target-group": nil,
		"stage":        {{Key: "api"}},
		"listener":     {{Key: "alb"}, {Key: "target-group"}},
		"instance-1":   {{Key: "image"}, {Key: "ec2-sg"}},
		"targets":      {{Key: "target-group"}, {Key: "alb", Ready: true, Looks: true}, {Key: "instance-1", Ready: true}, {Key: "instance-2", Ready: true}},
		"integration":  {{Key: "api"}, {Key: "listener"}, {Key: "vpc-link", Ready: true}},
		"route":        {{Key: "api"}, {Key: "integration"}},
	} {
		if got := item(t, items, key).Needs; !slices.Equal(got, want) {
			t.Errorf("%s needs %+v, want %+v", key, got, want)
		}
	}
	answer := item(t, items, "answer")
	for _, key := range []string{"targets", "route", "stage", "alb", "alb-ingress"} {
		if !slices.Contains(answer.Needs, model.Need{Key: key, Ready: true}) {
			t.Errorf("the first answer does not wait for %s", key)
		}
	}
}

func TestChainOwnership(t *testing.T) {
	t.Parallel()
	launched := kinds.Chain(testBackend(launchSpec()), testEnvironment(), kinds.Facts{})
	existing := kinds.Chain(testBackend(model.Spec{
		Source: model.SourceInstances, Port: 8000, Instances: &model.Instances{IDs: []string{"i-1"}},
	}), testEnvironment(), kinds.Facts{Instances: []model.Instance{{ID: "i-1", Name: "orders"}}})
	for _, row := range []struct {
		item   model.PlanItem
		owner  model.Ownership
		action model.Action
	}{
		{item(t, launched, "instance-1"), model.OwnershipManaged, model.ActionCreate},
		{item(t, launched, "image"), model.OwnershipShared, model.ActionUse},
		{item(t, launched, "answer"), model.OwnershipReferenced, model.ActionCheck},
		{item(t, existing, "instance-1"), model.OwnershipReferenced, model.ActionUse},
	} {
		if row.item.Ownership != row.owner || row.item.Action != row.action {
			t.Errorf("%s is %s, %s", row.item.Key, row.item.Ownership, row.item.Action)
		}
	}
	if title := item(t, existing, "instance-1").Title; !strings.Contains(title, "orders (i-1)") {
		t.Errorf("title %q", title)
	}
}

// Instances are spread over the zones, and a load balancer gets one subnet of each.
func TestChainSpreadsOverSubnets(t *testing.T) {
	t.Parallel()
	facts := kinds.Facts{Subnets: []model.Subnet{{ID: "subnet-a", AZ: "a"}, {ID: "subnet-c", AZ: "c"}}}
	items := kinds.Chain(testBackend(model.Spec{Port: 8000, Launch: &model.Launch{Count: 3}}), testEnvironment(), facts)
	for key, want := range map[string]string{"instance-1": "subnet-a", "instance-2": "subnet-c", "instance-3": "subnet-a"} {
		if got := item(t, items, key).Params["subnet_id"]; got != want {
			t.Errorf("%s is in %s, want %s", key, got, want)
		}
	}
	for _, key := range []string{"alb", "vpc-link"} {
		if got := item(t, items, key).Params["subnets"]; got != "subnet-a,subnet-c" {
			t.Errorf("%s is in %s", key, got)
		}
	}
}

func TestChainImage(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]string{
		"t3.micro": "x86_64", "t4g.small": "arm64", "a1.medium": "arm64", "m7gd.large": "arm64", "im4gn.large": "arm64",
		"g5g.xlarge": "arm64", "g4dn.xlarge": "x86_64", "g5.xlarge": "x86_64", "c6i.large": "x86_64", "p4d.24xlarge": "x86_64",
	} {
		items := kinds.Chain(testBackend(model.Spec{Port: 8000, Launch: &model.Launch{InstanceType: instanceType}}), testEnvironment(), kinds.Facts{})
		if got := item(t, items, "image").Params["parameter"]; !strings.HasSuffix(got, want) {
			t.Errorf("%s starts from %s", instanceType, got)
		}
	}
	own := kinds.Chain(testBackend(model.Spec{Port: 8000, Launch: &model.Launch{AMI: "ami-0123456789abcdef0"}}), testEnvironment(), kinds.Facts{})
	if got := item(t, own, "image").Params; got["ami"] != "ami-0123456789abcdef0" || got["parameter"] != "" {
		t.Errorf("params %v", got)
	}
}
