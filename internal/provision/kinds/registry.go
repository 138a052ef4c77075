package kinds

import (
	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// The kinds of a chain, in AWS's words.
const (
	KindSecurityGroup model.ResourceKind = "ec2.security_group"
	KindIngressRule   model.ResourceKind = "ec2.security_group_rule"
	KindImage         model.ResourceKind = "ec2.image"
	KindInstance      model.ResourceKind = "ec2.instance"
	KindTargetGroup   model.ResourceKind = "elbv2.target_group"
	KindLoadBalancer  model.ResourceKind = "elbv2.load_balancer"
	KindListener      model.ResourceKind = "elbv2.listener"
	KindTargets       model.ResourceKind = "elbv2.targets"
	KindVPCLink       model.ResourceKind = "apigatewayv2.vpc_link"
	KindAPI           model.ResourceKind = "apigatewayv2.api"
	KindIntegration   model.ResourceKind = "apigatewayv2.integration"
	KindRoute         model.ResourceKind = "apigatewayv2.route"
	KindStage         model.ResourceKind = "apigatewayv2.stage"
	KindFirstAnswer   model.ResourceKind = "http.first_answer"
)

// Registry lists every kind. A new kind takes its file, its line here and its
// node in Chain.
func Registry(pool *awsapi.Pool, prober Prober) []provision.Kind {
	b := base{pool: pool}
	return []provision.Kind{
		securityGroup{b},
		ingressRule{b},
		image{b},
		instance{b},
		targetGroup{b},
		loadBalancer{b},
		listener{b},
		targets{b},
		vpcLink{b},
		api{b},
		integration{b},
		route{b},
		stage{b},
		firstAnswer{b, prober},
		newOrphan(b),
	}
}
