package awssim

// Operation is one that the simulator serves, as the call log names it.
type Operation struct{ Service, Name string }

// Operations returns all that the simulator serves, in no order.
func Operations() []Operation {
	var out []Operation
	for service, ops := range map[string]map[string]queryOp{"ec2": ec2Ops(), "elbv2": elbv2Ops(), "sts": stsOps(), "iam": iamOps()} {
		for name := range ops {
			out = append(out, Operation{service, name})
		}
	}
	for _, op := range gatewayOps() {
		out = append(out, Operation{"apigatewayv2", op.name})
	}
	for name := range ssmOps() {
		out = append(out, Operation{"ssm", name})
	}
	return out
}
