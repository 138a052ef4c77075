package awssim_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func forward(groups ...string) []types.Action {
	a := types.Action{Type: "forward", ForwardConfig: &types.ForwardActionConfig{}}
	for _, g := range groups {
		a.ForwardConfig.TargetGroups = append(a.ForwardConfig.TargetGroups, types.TargetGroupTuple{TargetGroupArn: &g, Weight: aws.Int32(1)})
	}
	return []types.Action{a}
}

// says is an action that answers with text.
func says(text string) []types.Action {
	return []types.Action{{Type: "fixed-response", FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200"), ContentType: aws.String("text/plain"), MessageBody: &text}}}
}

func pathIs(patterns ...string) types.RuleCondition {
	return types.RuleCondition{Field: aws.String("path-pattern"), PathPatternConfig: &types.PathPatternConditionConfig{Values: patterns}}
}

func (c *chain) rule(priority int32, do []types.Action, when ...types.RuleCondition) string {
	c.t.Helper()
	return *ok[*elbv2.CreateRuleOutput](c.t)(c.elb.CreateRule(c.t.Context(), &elbv2.CreateRuleInput{ListenerArn: &c.listener, Priority: &priority, Conditions: when, Actions: do})).Rules[0].RuleArn
}

// Every kind of condition, each with a request that it takes and one that it does not.
func TestRules_Conditions(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	values := func(v ...string) []string { return v }
	pair := func(k *string, v string) *types.QueryStringConditionConfig {
		return &types.QueryStringConditionConfig{Values: []types.QueryStringKeyValuePair{{Key: k, Value: &v}}}
	}
	head := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	none := func(*http.Request) {}
	for name, row := range map[string]struct {
		when      types.RuleCondition
		yes, no   string
		yes2, no2 func(*http.Request)
	}{
		"path":         {pathIs("/service-?", "/img/*"), "/img/a/b", "/service-ab", none, none},
		"path case":    {pathIs("/Up"), "/Up", "/up", none, none},
		"method":       {types.RuleCondition{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: values("GET")}}, "/", "/", none, func(r *http.Request) { r.Method = "PUT" }},
		"header":       {types.RuleCondition{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: aws.String("X-Team"), Values: values("bl*")}}, "/", "/", head("x-team", "BLUE"), head("x-team", "red")},
		"query":        {types.RuleCondition{Field: aws.String("query-string"), QueryStringConfig: pair(aws.String("v"), "2*")}, "/?v=21", "/?w=21", none, none},
		"query value":  {types.RuleCondition{Field: aws.String("query-string"), QueryStringConfig: pair(nil, "on")}, "/?any=on", "/?any=off", none, none},
		"host":         {types.RuleCondition{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values("*.EXECUTE-API.*")}}, "/", "", none, none},
		"foreign host": {types.RuleCondition{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values("app.example")}}, "", "/", none, none},
		"source":       {types.RuleCondition{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: values("10.0.0.0/16")}}, "/", "", none, none},
		"other source": {types.RuleCondition{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: values("127.0.0.0/8")}}, "", "/", none, none},
	} {
		arn := c.rule(1, says("the rule"), row.when)
		if row.yes != "" {
			if got := c.send("GET", row.yes, nil, row.yes2); got.body != "the rule" || got.header.Get("Server") != "awselb/2.0" || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s: %s got %d %q %v", name, row.yes, got.status, got.body, got.header)
			}
		}
		if row.no != "" {
			if got := c.send("GET", row.no, nil, row.no2); got.body == "the rule" {
				t.Errorf("%s: %s fell under the rule", name, row.no)
			}
		}
		ok[*elbv2.DeleteRuleOutput](t)(c.elb.DeleteRule(t.Context(), &elbv2.DeleteRuleInput{RuleArn: &arn}))
	}
}

// Priorities decide, all conditions of a rule must hold, and rules change places.
func TestRules_Priorities(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	one, two := c.rule(10, says("one"), pathIs("/*")), c.rule(20, says("two"), pathIs("/x"))
	c.rule(5, says("both"), pathIs("/x"), types.RuleCondition{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"POST"}}})
	for method, want := range map[string]string{"GET": "one", "POST": "both"} {
		if got := c.send(method, "/x", nil); got.body != want {
			t.Errorf("%s /x: %q, want %q", method, got.body, want)
		}
	}
	swap := []types.RulePriorityPair{{RuleArn: &one, Priority: aws.Int32(20)}, {RuleArn: &two, Priority: aws.Int32(10)}}
	ok[*elbv2.SetRulePrioritiesOutput](t)(c.elb.SetRulePriorities(t.Context(), &elbv2.SetRulePrioritiesInput{RulePriorities: swap}))
	if got := c.get("/x"); got.body != "two" {
		t.Errorf("after the swap: %q", got.body)
	}
	_, err := c.elb.SetRulePriorities(t.Context(), &elbv2.SetRulePrioritiesInput{RulePriorities: []types.RulePriorityPair{{RuleArn: &one, Priority: aws.Int32(5)}}})
	wantCode(t, err, "PriorityInUse", "")
	out := ok[*elbv2.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{ListenerArn: &c.listener}))
	var order []string
	for _, r := range out.Rules {
		order = append(order, *r.Priority)
	}
	if fmt.Sprint(order) != "[5 10 20 default]" || !*out.Rules[3].IsDefault {
		t.Errorf("order %v", order)
	}
	pages, n := elbv2.NewDescribeRulesPaginator(c.elb, &elbv2.DescribeRulesInput{ListenerArn: &c.listener, PageSize: aws.Int32(3)}), 0
	for pages.HasMorePages() {
		n += len(ok[*elbv2.DescribeRulesOutput](t)(pages.NextPage(t.Context())).Rules)
	}
	if n != 4 {
		t.Errorf("%d rules on the pages", n)
	}
	byARN := ok[*elbv2.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{RuleArns: []string{two}}))
	if cond := byARN.Rules[0].Conditions[0]; *cond.Field != "path-pattern" || cond.Values[0] != "/x" || cond.PathPatternConfig.Values[0] != "/x" {
		t.Errorf("condition %+v", cond)
	}
}

// A redirect fills in the parts of the request.
func TestRules_Redirect(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	c.rule(1, []types.Action{{Type: "redirect", RedirectConfig: &types.RedirectActionConfig{StatusCode: "HTTP_302", Host: aws.String("new.example"), Path: aws.String("/v2/#{path}"),
		Protocol: aws.String("HTTPS"), Port: aws.String("443")}}}, pathIs("/old*"))
	client := c.invokeClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res := ok[*http.Response](t)(client.Get(c.invokeURL + "/old/x?a=1&b=2"))
	defer res.Body.Close()
	if got := res.Header.Get("Location"); res.StatusCode != 302 || got != "https://new.example:443/v2/old/x?a=1&b=2" || res.Header.Get("Server") != "awselb/2.0" {
		t.Errorf("%d to %s", res.StatusCode, got)
	}
}

// Weights divide the requests; a weight of 0 gets none.
func TestRules_WeightedGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	c.waitHealthy()
	other := w.newTargetGroup("other")
	second := w.launch(c.ec2Group)
	if err := w.register(other, second); err != nil {
		t.Fatal(err)
	}
	weigh := func(a, b int32) {
		t.Helper()
		act := forward(c.targetGroup, other)
		act[0].ForwardConfig.TargetGroups[0].Weight, act[0].ForwardConfig.TargetGroups[1].Weight = &a, &b
		out := ok[*elbv2.ModifyListenerOutput](t)(c.elb.ModifyListener(t.Context(), &elbv2.ModifyListenerInput{ListenerArn: &c.listener, DefaultActions: act}))
		if g := out.Listeners[0].DefaultActions[0]; g.TargetGroupArn != nil || len(g.ForwardConfig.TargetGroups) != 2 || *g.ForwardConfig.TargetGroups[0].Weight != a {
			t.Errorf("action %+v", g)
		}
	}
	weigh(3, 1)
	o := &chain{world: w, targetGroup: other}
	o.waitHealthy()
	count := func(n int) map[string]int {
		seen := map[string]int{}
		for range n {
			seen[c.get("/").body]++
		}
		return seen
	}
	shares := map[int]bool{}
	for _, n := range count(40) {
		shares[n] = true
	}
	if !shares[30] || !shares[10] {
		t.Errorf("40 requests divided as %v, want 30 and 10", shares)
	}
	weigh(0, 1)
	if seen := count(5); len(seen) != 1 {
		t.Errorf("weights 0 and 1: %v", seen)
	}
	weigh(0, 0)
	if got := c.get("/"); got.status != 503 || got.header.Get("Server") != "awselb/2.0" {
		t.Errorf("no weight at all: %d", got.status)
	}
}

// A group that only a rule forwards to is in use, and healthy.
func TestRules_GroupOfARule(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	other := w.newTargetGroup("other")
	if err := w.register(other, c.instance); err != nil {
		t.Fatal(err)
	}
	o := &chain{world: w, targetGroup: other}
	if s, r := o.health(); s != "unused" || r != "Target.NotInUse" {
		t.Errorf("before the rule %s %s", s, r)
	}
	arn := c.rule(1, []types.Action{{Type: "forward", TargetGroupArn: &other}}, pathIs("/other"))
	o.waitHealthy()
	_, err := w.elb.DeleteTargetGroup(t.Context(), &elbv2.DeleteTargetGroupInput{TargetGroupArn: &other})
	wantCode(t, err, "ResourceInUse", "listener or a rule")
	second := w.newBalancer("second")
	_, err = w.elb.CreateListener(t.Context(), &elbv2.CreateListenerInput{LoadBalancerArn: &second, Protocol: "HTTP", Port: aws.Int32(80), DefaultActions: forward(other)})
	wantCode(t, err, "TargetGroupAssociationLimit", "")
	ok[*elbv2.ModifyRuleOutput](t)(c.elb.ModifyRule(t.Context(), &elbv2.ModifyRuleInput{RuleArn: &arn, Actions: says("gone")}))
	ok[*elbv2.DeleteTargetGroupOutput](t)(w.elb.DeleteTargetGroup(t.Context(), &elbv2.DeleteTargetGroupInput{TargetGroupArn: &other}))
	if got := c.get("/other"); got.body != "gone" {
		t.Errorf("modified rule: %q", got.body)
	}
	ok[*elbv2.DeleteListenerOutput](t)(c.elb.DeleteListener(t.Context(), &elbv2.DeleteListenerInput{ListenerArn: &c.listener}))
	_, err = c.elb.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{RuleArns: []string{arn}})
	wantCode(t, err, "RuleNotFound", "")
}

func TestRules_Refused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	arn := c.rule(1, says("x"), pathIs("/x"))
	all := ok[*elbv2.DescribeRulesOutput](t)(c.elb.DescribeRules(t.Context(), &elbv2.DescribeRulesInput{ListenerArn: &c.listener}))
	_, err := c.elb.DeleteRule(t.Context(), &elbv2.DeleteRuleInput{RuleArn: all.Rules[1].RuleArn})
	wantCode(t, err, "OperationNotPermitted", "Default rule")
	_, err = c.elb.DeleteRule(t.Context(), &elbv2.DeleteRuleInput{RuleArn: aws.String(arn + "0")})
	wantCode(t, err, "RuleNotFound", "")
	bad := pathIs("/a", "/b", "/c", "/d", "/e", "/f")
	for name, row := range map[string]struct {
		priority int32
		do       []types.Action
		when     types.RuleCondition
		code     string
	}{
		"priority in use": {1, says("x"), pathIs("/y"), "PriorityInUse"},
		"priority 0":      {0, says("x"), pathIs("/y"), "ValidationError"},
		"priority high":   {50_001, says("x"), pathIs("/y"), "ValidationError"},
		"too many values": {2, says("x"), bad, "ValidationError"},
		"unknown field":   {2, says("x"), types.RuleCondition{Field: aws.String("cookie"), Values: []string{"x"}}, "ValidationError"},
		"no value":        {2, says("x"), types.RuleCondition{Field: aws.String("path-pattern")}, "ValidationError"},
		"no CIDR":         {2, says("x"), types.RuleCondition{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: []string{"1.2.3.4"}}}, "ValidationError"},
		"no group":        {2, forward("arn:aws:elasticloadbalancing:x:targetgroup/none/0"), pathIs("/y"), "TargetGroupNotFound"},
		"other action":    {2, []types.Action{{Type: "authenticate-oidc"}}, pathIs("/y"), "InvalidLoadBalancerAction"},
		"same place":      {2, []types.Action{{Type: "redirect", RedirectConfig: &types.RedirectActionConfig{StatusCode: "HTTP_301"}}}, pathIs("/y"), "InvalidLoadBalancerAction"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.elb.CreateRule(t.Context(), &elbv2.CreateRuleInput{ListenerArn: &c.listener, Priority: &row.priority, Conditions: []types.RuleCondition{row.when}, Actions: row.do})
			wantCode(t, err, row.code, "")
		})
	}
	ok[*elbv2.AddTagsOutput](t)(c.elb.AddTags(t.Context(), &elbv2.AddTagsInput{ResourceArns: []string{arn}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))
	tags := ok[*elbv2.DescribeTagsOutput](t)(c.elb.DescribeTags(t.Context(), &elbv2.DescribeTagsInput{ResourceArns: []string{arn}}))
	if len(tags.TagDescriptions[0].Tags) != 1 {
		t.Errorf("tags %+v", tags.TagDescriptions)
	}
}
