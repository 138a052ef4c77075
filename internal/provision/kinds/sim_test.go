package kinds_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// simulator is a simulated AWS with the article's surroundings.
type simulator struct {
	*awssim.Sim
	world awssim.World
	env   *model.Environment
	addr  string
}

func newSimulator(t *testing.T) *simulator {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	addr := server.Listener.Addr().String()
	sim, err := awssim.New(awssim.Options{Public: addr})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = sim.Handler()
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	world, err := sim.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return &simulator{Sim: sim, world: world, addr: addr, env: &model.Environment{
		Name: "simulated", Region: "ap-northeast-1", Endpoint: "http://" + addr, Credentials: model.CredentialsLocal,
		VPCID: world.VPCID, SubnetIDs: world.SubnetIDs,
	}}
}

// Answer sends the request through the simulator's data plane. The names of
// invoke URLs need no resolver: all of them are the simulator.
func (s *simulator) Answer(ctx context.Context, _ *model.Environment, url string) (int, http.Header, []byte, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.addr)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

func (s *simulator) harness(t *testing.T, spec model.Spec) *harness {
	t.Helper()
	return newHarness(t, s.env, spec, s)
}

func launchSpec() model.Spec {
	return model.Spec{Port: 8000, Launch: &model.Launch{Count: 2}, Tags: map[string]string{"cost-centre": "4711"}}
}

func (s *simulator) existingSpec(addRule bool) model.Spec {
	return model.Spec{
		Source: model.SourceInstances, Port: 8000,
		Instances: &model.Instances{IDs: []string{s.world.InstanceID}, AddRule: addRule},
	}
}

// The whole life of a chain: made, made again, found without its ids, changed,
// asleep and awake, deleted, and nothing is left.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	specs := map[string]func(*simulator) model.Spec{
		"launch":    func(*simulator) model.Spec { return launchSpec() },
		"instances": func(s *simulator) model.Spec { return s.existingSpec(true) },
	}
	var mu sync.Mutex
	var lives [][]awssim.Call
	t.Cleanup(func() {
		if len(lives) == len(specs) { // else only some were asked for
			operations.Check(t, "panel", slices.Concat(lives...))
		}
	})
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulator(t)
			t.Cleanup(func() {
				mu.Lock()
				defer mu.Unlock()
				lives = append(lives, sim.Calls())
			})
			h := sim.harness(t, spec(sim))
			before := sim.Snapshot()
			if findings := h.plan(); len(findings) != 0 {
				t.Fatalf("findings: %+v", findings)
			}
			h.makeAll()
			made := sim.Snapshot()
			checkTags(t, before, made, h.backend.ID)
			ids := map[string]string{}
			for _, item := range h.items {
				r := h.resources[item.Key]
				ids[item.Key] = r.AWSID
				h.make(item)
				if r.AWSID != ids[item.Key] {
					t.Errorf("%s was %s and is %s", item.Key, ids[item.Key], r.AWSID)
				}
				r.AWSID, r.State = "", model.ResourcePlanned
				h.make(item)
				if r.AWSID != ids[item.Key] {
					t.Errorf("without its id, %s was taken for %s instead of %s", item.Key, r.AWSID, ids[item.Key])
				}
			}
			if again := sim.Snapshot(); again != made {
				t.Errorf("made again, it became\n%+v\nfrom\n%+v", again, made)
			}
			if name == "launch" {
				h.live(sim)
			}
			h.unmakeAll()
			if after := sim.Snapshot(); after != before {
				t.Errorf("after deletion there is\n%+v\nbefore there was\n%+v", after, before)
			}
			if left := h.owned(); len(left) != 0 {
				t.Errorf("left behind: %+v", left)
			}
		})
	}
}

// untagged are what AWS takes no tags for.
var untagged = []string{"elbv2.target ", "apigatewayv2.integration ", "apigatewayv2.route "}

// checkTags wants our tags on every line that the chain added, but for what
// AWS makes by itself: network interfaces, and a group's rule for all egress.
func checkTags(t *testing.T, before, after awssim.Snapshot, backendID string) {
	t.Helper()
	added, egress := 0, 0
	for line := range strings.Lines(after.IDs) {
		line = strings.TrimSpace(line)
		kind, _, _ := strings.Cut(line, " ")
		switch {
		case strings.Contains(before.IDs, line), slices.Contains(untagged, kind+" "), kind == "ec2.network_interface":
		case strings.Contains(line, awsapi.TagInstall) && strings.Contains(line, backendID):
			added++
		case kind == "ec2.security_group_rule":
			egress++
		default:
			t.Errorf("without our tags: %s", line)
		}
	}
	if groups := after.SecurityGroups - before.SecurityGroups; egress != groups {
		t.Errorf("%d rules without our tags; %d groups have one each", egress, groups)
	}
	if added < 10 {
		t.Errorf("only %d tagged things were made", added)
	}
}

// A create whose answer is lost leads to one thing, not to two and not to a
// failure, whichever create it is.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for _, op := range []string{
		"ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress", "ec2:RunInstances",
		"elbv2:CreateTargetGroup", "elbv2:CreateLoadBalancer", "elbv2:CreateListener", "elbv2:RegisterTargets",
		"apigatewayv2:CreateVpcLink", "apigatewayv2:CreateApi", "apigatewayv2:CreateIntegration",
		"apigatewayv2:CreateRoute", "apigatewayv2:CreateStage",
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			sim := newSimulator(t)
			h := sim.harness(t, launchSpec())
			before := sim.Snapshot()
			h.plan()
			if err := sim.AddFault(awssim.Fault{Op: op, Nth: 1, When: awssim.After, Do: awssim.Drop()}); err != nil {
				t.Fatal(err)
			}
			h.makeAll()
			if !dropped(sim, op) {
				t.Fatal("the fault did not strike")
			}
			if got, want := sim.Snapshot(), (awssim.Snapshot{
				SecurityGroups: 3, Rules: 2 + 3, Instances: 2, TargetGroups: 1, Targets: 2, LoadBalancers: 1, Listeners: 1,
				VPCLinks: 1, APIs: 1, Integrations: 1, Routes: 1, Stages: 1,
				NetworkInterfaces: 2 + 2 + 2, // of the instances, the load balancer and the VPC link
			}); minus(got, before) != want {
				t.Errorf("there are\n%+v more; wanted\n%+v", minus(got, before), want)
			}
			h.unmakeAll()
			if after := sim.Snapshot(); after != before {
				t.Errorf("after deletion there is\n%+v\nbefore there was\n%+v", after, before)
			}
		})
	}
}

func dropped(sim *simulator, op string) bool {
	service, operation, _ := strings.Cut(op, ":")
	for _, c := range sim.Calls() {
		if c.Service == service && c.Operation == operation && c.Status == 0 {
			return true
		}
	}
	return false
}

func minus(a, b awssim.Snapshot) awssim.Snapshot {
	return awssim.Snapshot{
		VPCs: a.VPCs - b.VPCs, Subnets: a.Subnets - b.Subnets, SecurityGroups: a.SecurityGroups - b.SecurityGroups,
		Rules: a.Rules - b.Rules, Instances: a.Instances - b.Instances, TargetGroups: a.TargetGroups - b.TargetGroups,
		Targets: a.Targets - b.Targets, LoadBalancers: a.LoadBalancers - b.LoadBalancers, Listeners: a.Listeners - b.Listeners,
		VPCLinks: a.VPCLinks - b.VPCLinks, APIs: a.APIs - b.APIs, Integrations: a.Integrations - b.Integrations,
		Routes: a.Routes - b.Routes, Stages: a.Stages - b.Stages,
		NetworkInterfaces: a.NetworkInterfaces - b.NetworkInterfaces,
	}
}

// What AWS refuses for now is NotYet: the executor waits and comes back.
func TestNotYet(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		key, op string
		answer  awssim.Action
		why     string
	}{
		{"route", "apigatewayv2:CreateRoute", awssim.Error(409, "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later."), "changes the same API"},
		{"integration", "apigatewayv2:CreateIntegration", awssim.Error(400, "BadRequestException", "Unable to retrieve listener port and load balancer DNS name from ELB listener"), "does not see the new listener"},
		{"alb-ingress", "ec2:AuthorizeSecurityGroupIngress", awssim.Error(400, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist"), "does not see everywhere"},
		{"instance-1", "ec2:RunInstances", awssim.Error(400, "InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"), "does not know the instance profile yet"},
		{"instance-1", "ec2:RunInstances", awssim.Error(400, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist"), "does not see everywhere"},
		{"alb", "elbv2:CreateLoadBalancer", awssim.Error(400, "InvalidSecurityGroup", "One or more security groups are invalid"), "does not see everywhere"},
		{"vpc-link", "apigatewayv2:CreateVpcLink", awssim.Error(429, "TooManyRequestsException", "Too Many Requests"), "more calls than AWS allows"},
		{"listener", "elbv2:CreateListener", awssim.Error(400, "LoadBalancerNotFound", "One or more load balancers not found"), "does not see everywhere"},
		{"targets", "elbv2:RegisterTargets", awssim.Error(400, "InvalidTarget", "The following targets are not in a running state and cannot be registered: 'i-1'"), "as running yet"},
	} {
		t.Run(row.key+" "+row.op, func(t *testing.T) {
			t.Parallel()
			sim := newSimulator(t)
			h := sim.harness(t, launchSpec())
			h.plan()
			for _, item := range h.items {
				if item.Key != row.key {
					h.make(item)
					continue
				}
				if err := sim.AddFault(awssim.Fault{Op: row.op, Nth: 1, Do: row.answer}); err != nil {
					t.Fatal(err)
				}
				_, err := h.kinds[item.Kind].Apply(h.ctx, h.inputs(item), h.resource(item))
				var notYet *provision.NotYet
				if !errors.As(err, &notYet) || !strings.Contains(notYet.Why, row.why) {
					t.Errorf("answer %+v", err)
				}
				h.make(item)
				return
			}
		})
	}
}
