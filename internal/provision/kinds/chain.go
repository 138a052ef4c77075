package kinds

import (
	"fmt"
	"slices"
	"strconv"

	"drawbridge/internal/model"
)

// Chain lists the nodes of the backend's chain with their names, parameters
// and needs, in an order that respects the needs. It is the one place where
// they are written down; deletion is the reverse. A need is as loose as AWS
// allows (docs/aws-facts.md, section C1), so that what can run at once does.
func Chain(b *model.Backend, env *model.Environment, facts Facts) []model.PlanItem {
	c := chain{b: b, env: env, facts: facts, port: strconv.Itoa(b.Spec.Port)}
	c.groups()
	c.app()
	c.instances()
	c.loadBalancer()
	c.targets()
	c.gateway()
	c.answer()
	return c.items
}

// Asleep is the chain of a backend with launched instances that sleeps: no
// target is registered, the instances are stopped once the last one has left,
// and nothing answers. It takes no facts: what they tell is kept as it is.
func Asleep(b *model.Backend, env *model.Environment) []model.PlanItem {
	c := chain{b: b, env: env, asleep: true, port: strconv.Itoa(b.Spec.Port)}
	c.groups()
	c.app()
	c.loadBalancer()
	c.targets()
	c.instances()
	c.gateway()
	return c.items
}

// chain is a chain that is being listed.
type chain struct {
	b      *model.Backend
	env    *model.Environment
	facts  Facts
	asleep bool
	port   string
	items  []model.PlanItem
}

// taggable are the kinds that carry tags; AWS has none for the others.
var taggable = []model.ResourceKind{
	KindSecurityGroup, KindIngressRule, KindInstance, KindTargetGroup, KindLoadBalancer, KindListener, KindVPCLink, KindAPI, KindStage,
}

func (c *chain) add(item model.PlanItem, needs ...model.Need) {
	if item.Action == "" {
		item.Action = model.ActionCreate
	}
	if item.Ownership == "" {
		item.Ownership = model.OwnershipManaged
	}
	if item.Ownership == model.OwnershipManaged && slices.Contains(taggable, item.Kind) {
		item.Params = c.tagged(item.Params)
	}
	item.Needs = needs
	c.items = append(c.items, item)
}

// tagged adds the team's tags to params.
func (c *chain) tagged(params map[string]string) map[string]string {
	if params == nil && len(c.b.Spec.Tags) > 0 {
		params = map[string]string{}
	}
	for k, v := range c.b.Spec.Tags {
		params[tagParam+k] = v
	}
	return params
}

// made: it is enough that the needed node exists.
func made(key string) model.Need { return model.Need{Key: key} }

// ready: the needed node must do its work.
func ready(key string) model.Need { return model.Need{Key: key, Ready: true} }

func (c *chain) launches() bool { return c.b.Spec.Source == model.SourceLaunch }

// groups are the three chained security groups; existing instances bring
// their own.
func (c *chain) groups() {
	c.group("vpclink-sg", "A security group for the VPC link", "The VPC link of "+c.b.Name+" (Drawbridge)")
	c.group("alb-sg", "A security group for the load balancer", "The load balancer of "+c.b.Name+" (Drawbridge)")
	if c.launches() {
		c.group("ec2-sg", "A security group for the instances", "The instances of "+c.b.Name+" (Drawbridge)")
	}
	c.add(model.PlanItem{
		Key: "alb-ingress", Kind: KindIngressRule, Name: c.b.AWSName("alb-ingress"),
		Title: "A rule that lets the VPC link reach the load balancer on port 80",
		Params: map[string]string{
			"group": "alb-sg", "source": "vpclink-sg", "port": strconv.Itoa(listenerPort), "description": "HTTP from the VPC link",
		},
	}, made("vpclink-sg"), made("alb-sg"))
}

func (c *chain) group(key, title, description string) {
	c.add(model.PlanItem{
		Key: key, Kind: KindSecurityGroup, Name: c.b.AWSName(key), Title: title,
		Params: map[string]string{"vpc_id": c.env.VPCID, "description": description},
	})
}

// app is what the instances that answer the requests take: the rules that let
// the load balancer in, and the image of new ones.
func (c *chain) app() {
	if !c.launches() {
		c.openings()
		return
	}
	c.add(model.PlanItem{
		Key: "app-ingress", Kind: KindIngressRule, Name: c.b.AWSName("app-ingress"),
		Title:  fmt.Sprintf("A rule that lets the load balancer reach the instances on port %s", c.port),
		Params: map[string]string{"group": "ec2-sg", "source": "alb-sg", "port": c.port, "description": "The app, from the load balancer"},
	}, made("ec2-sg"), made("alb-sg"))
	c.image()
}

// instances are new ones or existing ones. They are slots: one that becomes
// another is made beside it, under a key of its own.
func (c *chain) instances() {
	if !c.launches() {
		c.existing()
		return
	}
	launch := c.b.Spec.Launch
	subnets := c.subnets()
	needs := []model.Need{made("image"), made("ec2-sg")}
	if c.asleep {
		needs = append(needs, ready("targets"))
	}
	for i := 1; i <= launch.Count; i++ {
		params := map[string]string{
			"instance_type": launch.InstanceType, "subnet_id": subnets[(i-1)%len(subnets)],
			"profile": launch.InstanceProfile, "user_data": describeUserData(launch), "user_data_sha256": userDataSum(c.b.Spec),
		}
		if launch.AMI != "" {
			params["ami"] = launch.AMI
		}
		c.rest(params)
		key := fmt.Sprintf("instance-%d", i)
		c.add(model.PlanItem{
			Key: key, Kind: KindInstance, Name: c.b.AWSName(key), Params: params,
			Title: fmt.Sprintf("An EC2 instance (%s) in %s that runs the app", launch.InstanceType, params["subnet_id"]),
		}, needs...)
	}
}

// rest marks what sleeps.
func (c *chain) rest(params map[string]string) {
	if c.asleep {
		params[model.ParamPower] = model.PowerOff
	}
}

func describeUserData(l *model.Launch) string {
	if l.UserData == "" {
		return "the sample app"
	}
	return fmt.Sprintf("yours, %d bytes", len(l.UserData))
}

// image is looked up, not made.
func (c *chain) image() {
	item := model.PlanItem{
		Key: "image", Kind: KindImage, Name: "Amazon Linux 2023", Action: model.ActionUse, Ownership: model.OwnershipShared,
		Title: "The newest Amazon Linux 2023 image", Params: map[string]string{"parameter": parameterX86},
	}
	launch := c.b.Spec.Launch
	switch {
	case launch.AMI != "":
		item.Name, item.Title, item.Params = launch.AMI, "The image that you named", map[string]string{"ami": launch.AMI}
	case architecture(launch.InstanceType) == "arm64":
		item.Params["parameter"] = parameterArm
	}
	c.add(item)
}

// openings are the rules that the groups of existing instances lack.
func (c *chain) openings() {
	for i, o := range c.facts.Openings {
		key := fmt.Sprintf("app-ingress-%d", i+1)
		c.add(model.PlanItem{
			Key: key, Kind: KindIngressRule, Name: c.b.AWSName(key),
			Title:  fmt.Sprintf("A rule in %s that lets the load balancer reach %s on port %s", o.GroupID, sentence(o.Instances), c.port),
			Params: map[string]string{"group_id": o.GroupID, "source": "alb-sg", "port": c.port, "description": "The app, from the load balancer"},
		}, made("alb-sg"))
	}
}

func (c *chain) existing() {
	for i, id := range c.b.Spec.Instances.IDs {
		item := model.PlanItem{
			Key: fmt.Sprintf("instance-%d", i+1), Kind: KindInstance, Name: id,
			Title:  "The existing instance " + id + ", used as it is",
			Action: model.ActionUse, Ownership: model.OwnershipReferenced,
			Params: map[string]string{"instance_id": id},
		}
		if known := c.facts.instance(id); known != nil && known.Name != "" {
			item.Name, item.Title = known.Name, fmt.Sprintf("The existing instance %s (%s), used as it is", known.Name, id)
		}
		c.add(item)
	}
}

// loadBalancer is the target group and the load balancer in front of it. A
// listener can be made while the load balancer is still provisioning.
func (c *chain) loadBalancer() {
	c.add(model.PlanItem{
		Key: "target-group", Kind: KindTargetGroup, Name: c.b.AWSName("tg"),
		Title:  fmt.Sprintf("A target group that checks the app at %s", c.b.Spec.HealthPath),
		Params: map[string]string{"vpc_id": c.env.VPCID, "port": c.port, "health_path": c.b.Spec.HealthPath},
	})
	c.add(model.PlanItem{
		Key: "alb", Kind: KindLoadBalancer, Name: c.b.AWSName("alb"),
		Title:  "An internal load balancer that takes requests from the VPC link",
		Params: map[string]string{"subnets": joined(c.subnets())},
	}, made("alb-sg"))
	c.add(model.PlanItem{
		Key: "listener", Kind: KindListener, Name: fmt.Sprintf("HTTP:%d", listenerPort),
		Title: "A listener that forwards HTTP on port 80 to the target group",
	}, made("alb"), made("target-group"))
}

// targets is the registration of the instances. Only running ones can be
// registered.
func (c *chain) targets() {
	needs := []model.Need{made("target-group"), {Key: "alb", Ready: true, Looks: true}}
	for _, item := range c.items {
		if item.Kind == KindInstance {
			needs = append(needs, ready(item.Key))
		}
	}
	item := model.PlanItem{
		Key: "targets", Kind: KindTargets, Name: "targets of " + c.b.AWSName("tg"),
		Title:  "The instances, registered in the target group until all are healthy",
		Params: map[string]string{"port": c.port},
	}
	if c.asleep {
		item.Title = "The instances, taken out of the target group when their last requests have ended"
	}
	c.rest(item.Params)
	c.add(item, needs...)
}

// gateway is the way in: VPC link, HTTP API, and what ties them together.
// That AWS takes an integration on a pending link is not documented, so it
// waits for the link.
func (c *chain) gateway() {
	c.add(model.PlanItem{
		Key: "vpc-link", Kind: KindVPCLink, Name: c.b.AWSName("vpclink"),
		Title:  "A VPC link that takes requests from API Gateway into the subnets",
		Params: map[string]string{"subnets": joined(c.subnets())},
	}, made("vpclink-sg"))
	c.add(model.PlanItem{
		Key: "api", Kind: KindAPI, Name: c.b.AWSName("api"), Title: "An HTTP API with a public invoke URL",
	})
	c.add(model.PlanItem{
		Key: "integration", Kind: KindIntegration, Name: c.b.AWSName("integration"),
		Title: "A private integration of the API with the listener through the VPC link",
	}, made("api"), made("listener"), ready("vpc-link"))
	c.add(model.PlanItem{
		Key: "route", Kind: KindRoute, Name: proxyRoute, Title: "A route that sends every request to the integration",
		Params: map[string]string{"route_key": proxyRoute},
	}, made("api"), made("integration"))
	c.add(model.PlanItem{
		Key: "stage", Kind: KindStage, Name: defaultStage, Title: "The $default stage, deployed automatically",
	}, made("api"))
}

// answer is the last look.
func (c *chain) answer() {
	c.add(model.PlanItem{
		Key: "answer", Kind: KindFirstAnswer, Name: "first answer", Action: model.ActionCheck, Ownership: model.OwnershipReferenced,
		Title:  "A request through the invoke URL, answered by the app",
		Params: map[string]string{"health_path": c.b.Spec.HealthPath},
	}, c.all()...)
}

// proxyRoute matches every method and path, the root included.
const proxyRoute = "ANY /{proxy+}"

// all are the nodes that a request passes on its way: every one so far.
func (c *chain) all() []model.Need {
	var needs []model.Need
	for _, item := range c.items {
		needs = append(needs, ready(item.Key))
	}
	return needs
}

// subnets are the subnets to use: one in each Availability Zone, because a
// load balancer takes no two of one zone.
func (c *chain) subnets() []string {
	if len(c.facts.Subnets) == 0 {
		return c.env.SubnetIDs
	}
	var ids []string
	for _, s := range c.facts.Subnets {
		ids = append(ids, s.ID)
	}
	return ids
}
