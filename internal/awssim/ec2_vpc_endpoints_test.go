package awssim_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

// A gateway endpoint is a route to a prefix list in each of its tables.
func TestNetwork_GatewayEndpoint(t *testing.T) {
	t.Parallel()
	n, ctx := newWorld(t, awssim.Options{}).network(), t.Context()
	in := &ec2.CreateVpcEndpointInput{VpcId: &n.vpc, ServiceName: aws.String("com.amazonaws." + region + ".s3"), VpcEndpointType: "Gateway", RouteTableIds: []string{n.table}}
	e := ok[*ec2.CreateVpcEndpointOutput](t)(n.ec2.CreateVpcEndpoint(ctx, in)).VpcEndpoint
	if e.State != "available" || aws.ToString(e.PolicyDocument) == "" {
		t.Errorf("endpoint: %+v", e)
	}
	lists := ok[*ec2.DescribePrefixListsOutput](t)(n.ec2.DescribePrefixLists(ctx, &ec2.DescribePrefixListsInput{Filters: []types.Filter{filter("prefix-list-name", *in.ServiceName)}})).PrefixLists
	if got := n.routes(); len(got) != 1 || got[0] != *lists[0].PrefixListId+" active" {
		t.Errorf("routes: %v, want one to %s", got, *lists[0].PrefixListId)
	}
	_, err := n.ec2.CreateVpcEndpoint(ctx, in)
	wantCode(t, err, "RouteAlreadyExists", n.table)
	_, err = n.ec2.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{VpcId: &n.vpc, ServiceName: aws.String("com.amazonaws." + region + ".nothing")})
	wantCode(t, err, "InvalidServiceName", "nothing")
	ok[*ec2.ModifyVpcEndpointOutput](t)(n.ec2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: e.VpcEndpointId, RemoveRouteTableIds: []string{n.table}, PolicyDocument: aws.String("{}")}))
	if got := n.routes(); len(got) != 0 {
		t.Errorf("routes left: %v", got)
	}
	out := ok[*ec2.DescribeVpcEndpointsOutput](t)(n.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: []types.Filter{filter("vpc-id", n.vpc)}})).VpcEndpoints
	if len(out) != 1 || len(out[0].RouteTableIds) != 0 || *out[0].PolicyDocument != "{}" {
		t.Errorf("endpoints: %+v", out)
	}
	gone := ok[*ec2.DeleteVpcEndpointsOutput](t)(n.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId, "vpce-0123456789abcdef0"}}))
	if len(gone.Unsuccessful) != 1 || *gone.Unsuccessful[0].Error.Code != "InvalidVpcEndpointId.NotFound" {
		t.Errorf("unsuccessful: %+v", gone.Unsuccessful)
	}
	_, err = n.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId}})
	wantCode(t, err, "InvalidVpcEndpointId.NotFound", "")
}

// An interface endpoint has an interface in each of its subnets, which holds
// its groups and its subnet until it is gone.
func TestNetwork_InterfaceEndpoint(t *testing.T) {
	t.Parallel()
	c := newClock()
	w, ctx := newWorld(t, awssim.Options{Profile: awssim.Real, Now: c.Now}), t.Context()
	group := w.group("endpoints")
	in := &ec2.CreateVpcEndpointInput{VpcId: &w.VPCID, ServiceName: aws.String("com.amazonaws." + region + ".ssm"), VpcEndpointType: "Interface",
		SubnetIds: w.SubnetIDs, SecurityGroupIds: []string{group}}
	_, err := w.ec2.CreateVpcEndpoint(ctx, in)
	wantCode(t, err, "InvalidParameter", "private DNS")
	ok[*ec2.ModifyVpcAttributeOutput](t)(w.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: &w.VPCID, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	e := ok[*ec2.CreateVpcEndpointOutput](t)(w.ec2.CreateVpcEndpoint(ctx, in)).VpcEndpoint
	if e.State != "pending" || len(e.NetworkInterfaceIds) != 2 || len(e.DnsEntries) != 2 {
		t.Errorf("endpoint: %+v", e)
	}
	c.advance(90 * time.Second)
	out := ok[*ec2.DescribeVpcEndpointsOutput](t)(w.ec2.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId}}))
	if s := out.VpcEndpoints[0].State; s != "available" {
		t.Errorf("after 90 s %s", s)
	}
	ok[*ec2.ModifyVpcEndpointOutput](t)(w.ec2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: e.VpcEndpointId, RemoveSubnetIds: w.SubnetIDs[1:]}))
	held := ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("group-id", group)}}))
	if len(held.NetworkInterfaces) != 1 || held.NetworkInterfaces[0].InterfaceType != "vpc_endpoint" {
		t.Errorf("interfaces: %+v", held.NetworkInterfaces)
	}
	ok[*ec2.DeleteVpcEndpointsOutput](t)(w.ec2.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId}}))
	_, err = w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	wantCode(t, err, "DependencyViolation", "")
	c.advance(time.Minute)
	ok[*ec2.DeleteSecurityGroupOutput](t)(w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group}))
}
