package awsapi

import (
	"cmp"
	"regexp"
	"strings"

	"drawbridge/internal/model"
)

// decodeAdvice goes behind the advice when the rest of AWS's message is encoded.
const decodeAdvice = " The rest of AWS's message is encoded: `aws sts decode-authorization-message --encoded-message …` shows the statement that decided (it takes sts:DecodeAuthorizationMessage)."

// deniedRE reads AWS's words of a refusal: "User: ARN is not authorized to
// perform: ACTION on resource: ARN because …". Parts may be missing.
var deniedRE = regexp.MustCompile(`(?:User: (\S+) )?is not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?`)

// denial is who was refused what.
type denial struct{ principal, action, resource string }

// denialOf reads AWS's message; what it does not say follows from the call.
func denialOf(p *model.Problem) denial {
	var d denial
	if m := deniedRE.FindStringSubmatch(p.Message); m != nil {
		d = denial{principal: m[1], action: m[2], resource: strings.TrimRight(m[3], ".,;")}
	}
	return denial{
		principal: cmp.Or(d.principal, "the role or user that the server uses"),
		action:    cmp.Or(d.action, iamAction(p.Service, p.Operation), "the action that AWS names"),
		resource:  cmp.Or(d.resource, "the resource"),
	}
}

// fill puts who was refused what into a text of the table.
func (d denial) fill(text string) string {
	return strings.NewReplacer("{action}", d.action, "{resource}", d.resource, "{principal}", d.principal).Replace(text)
}

// encoded tells whether AWS hid its reasons.
func encoded(message string) bool {
	return strings.Contains(strings.ToLower(message), "encoded authorization failure message")
}

// iamPrefixes are the services' names in IAM actions, by their names in the SDK.
var iamPrefixes = map[string]string{
	"EC2": "ec2", "Elastic Load Balancing v2": "elasticloadbalancing", "STS": "sts", "SSM": "ssm", "IAM": "iam",
}

// gatewayVerbs are the IAM actions of API Gateway's control plane, which are
// HTTP methods (docs/aws-facts.md, section I), by the first word of the operation.
var gatewayVerbs = []struct{ word, action string }{
	{"Create", "apigateway:POST"}, {"Tag", "apigateway:POST"}, {"Get", "apigateway:GET"},
	{"Update", "apigateway:PATCH"}, {"Delete", "apigateway:DELETE"}, {"Untag", "apigateway:DELETE"},
}

// iamAction is the IAM action that an operation takes, "" when it is not known.
func iamAction(service, operation string) string {
	if service == "ApiGatewayV2" {
		for _, v := range gatewayVerbs {
			if strings.HasPrefix(operation, v.word) {
				return v.action
			}
		}
		return ""
	}
	prefix := iamPrefixes[service]
	if prefix == "" || operation == "" {
		return ""
	}
	return prefix + ":" + operation
}
