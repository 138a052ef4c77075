package awssim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awssim"
)

func (w *world) fault(f awssim.Fault) {
	w.t.Helper()
	if err := w.sim.AddFault(f); err != nil {
		w.t.Fatal(err)
	}
}

// createLink sends CreateVpcLink and says how many links there are afterwards.
func (w *world) createLink() (int, error) {
	_, err := w.api.CreateVpcLink(w.t.Context(), &apigatewayv2.CreateVpcLinkInput{Name: aws.String("l"), SubnetIds: w.SubnetIDs})
	return w.sim.Snapshot().VPCLinks, err
}

func TestFault_BeforeAndAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.fault(awssim.Fault{Op: "apigatewayv2:CreateVpcLink", Nth: 1, When: awssim.Before, Do: awssim.Error(429, "TooManyRequestsException", "Too Many Requests")})
	n, err := w.createLink()
	wantCode(t, err, "TooManyRequestsException", "Too Many Requests")
	if n != 0 {
		t.Errorf("before: %d links", n)
	}
	w.fault(awssim.Fault{Op: "apigatewayv2:*", Nth: 1, When: awssim.After, Do: awssim.Error(500, "InternalServerException", "lost")})
	n, err = w.createLink()
	wantCode(t, err, "InternalServerException", "lost")
	if n != 1 {
		t.Errorf("after: %d links", n)
	}
	w.fault(awssim.Fault{Op: "apigatewayv2:CreateVpcLink", Nth: 2, When: awssim.After, Do: awssim.Drop()})
	if _, err := w.createLink(); err != nil {
		t.Errorf("the second call is meant, not the first: %v", err)
	}
	n, err = w.createLink()
	var api smithy.APIError
	if err == nil || errors.As(err, &api) || n != 3 {
		t.Errorf("dropped reply: error %v, %d links", err, n)
	}
	if n, err = w.createLink(); err != nil || n != 4 {
		t.Errorf("spent: error %v, %d links", err, n)
	}
}

func TestFault_EveryAndClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.fault(awssim.Fault{Op: "ec2:*", Do: awssim.Error(503, "RequestLimitExceeded", "Request limit exceeded.")})
	for range 3 {
		_, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		wantCode(t, err, "RequestLimitExceeded", "")
	}
	if _, err := w.elb.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{}); err != nil {
		t.Errorf("another service: %v", err)
	}
	w.sim.ClearFaults()
	ok[*ec2.DescribeVpcsOutput](t)(w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}))
	for name, f := range map[string]awssim.Fault{
		"no service": {Op: "CreateVpcLink", Do: awssim.Drop()}, "when": {Op: "ec2:*", When: "later", Do: awssim.Drop()},
		"kind": {Op: "ec2:*"}, "status": {Op: "ec2:*", Do: awssim.Error(200, "x", "")}, "nth": {Op: "ec2:*", Nth: -1, Do: awssim.Drop()},
	} {
		if w.sim.AddFault(f) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestFault_Delay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.fault(awssim.Fault{Op: "ec2:DescribeVpcs", Nth: 1, When: awssim.After, Do: awssim.Delay(30 * time.Millisecond)})
	start := time.Now()
	ok[*ec2.DescribeVpcsOutput](t)(w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}))
	if d := time.Since(start); d < 30*time.Millisecond {
		t.Errorf("answered after %s", d)
	}
}

// The hook hears of a call after its effect and holds its answer back.
func TestCalls_LogAndHook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	heard, goOn := make(chan awssim.Call), make(chan struct{})
	w.sim.OnCall(func(c awssim.Call) {
		if c.Operation == "CreateVpcLink" {
			heard <- c
			<-goOn
		}
	})
	done := make(chan error, 1)
	go func() { _, err := w.createLink(); done <- err }()
	call := <-heard
	if n := w.sim.Snapshot().VPCLinks; n != 1 || call.Status != 201 || call.Service != "apigatewayv2" || call.RequestID == "" {
		t.Errorf("%d links when the hook hears %+v", n, call)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	_, err := w.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/nope")})
	wantCode(t, err, "ParameterNotFound", "/nope")
	var ops []string
	for _, c := range w.sim.Calls() {
		ops = append(ops, c.Service+":"+c.Operation+" "+c.Code)
	}
	if !slices.Equal(ops, []string{"apigatewayv2:CreateVpcLink ", "ssm:GetParameter ParameterNotFound"}) {
		t.Errorf("log %v", ops)
	}
}
