package awssim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

// network is a VPC with one public subnet, made by a test.
type network struct {
	*world
	vpc, subnet, igw, eip, table string
}

func (w *world) network() *network {
	w.t.Helper()
	n, ctx := &network{world: w}, w.t.Context()
	n.vpc = *ok[*ec2.CreateVpcOutput](w.t)(w.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")})).Vpc.VpcId
	n.subnet = *ok[*ec2.CreateSubnetOutput](w.t)(w.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &n.vpc, CidrBlock: aws.String("10.1.0.0/24"),
		AvailabilityZoneId: aws.String("apne1-az1")})).Subnet.SubnetId
	n.igw = *ok[*ec2.CreateInternetGatewayOutput](w.t)(w.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	n.eip = *ok[*ec2.AllocateAddressOutput](w.t)(w.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: "vpc"})).AllocationId
	n.table = *ok[*ec2.CreateRouteTableOutput](w.t)(w.ec2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &n.vpc})).RouteTable.RouteTableId
	return n
}

func (n *network) attach() error {
	_, err := n.ec2.AttachInternetGateway(n.t.Context(), &ec2.AttachInternetGatewayInput{InternetGatewayId: &n.igw, VpcId: &n.vpc})
	return err
}

func (n *network) newNAT(token string) (*types.NatGateway, error) {
	out, err := n.ec2.CreateNatGateway(n.t.Context(), &ec2.CreateNatGatewayInput{SubnetId: &n.subnet, AllocationId: &n.eip, ClientToken: &token})
	if err != nil {
		return nil, err
	}
	return out.NatGateway, nil
}

func (n *network) route(in ec2.CreateRouteInput) error {
	in.RouteTableId = &n.table
	if in.DestinationCidrBlock == nil {
		in.DestinationCidrBlock = aws.String("0.0.0.0/0")
	}
	_, err := n.ec2.CreateRoute(n.t.Context(), &in)
	return err
}

// routes of the network's table but the local one, as "destination state".
func (n *network) routes() []string {
	n.t.Helper()
	out := ok[*ec2.DescribeRouteTablesOutput](n.t)(n.ec2.DescribeRouteTables(n.t.Context(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{n.table}}))
	var all []string
	for _, r := range out.RouteTables[0].Routes[1:] {
		all = append(all, aws.ToString(r.DestinationCidrBlock)+aws.ToString(r.DestinationPrefixListId)+" "+string(r.State))
	}
	return all
}

// Everything goes in the order of its dependencies and nothing before.
func TestNetwork_DeletionOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	before := w.sim.Snapshot()
	n, ctx := w.network(), t.Context()
	_, err := n.newNAT("early")
	wantCode(t, err, "Gateway.NotAttached", "no Internet gateway")
	if err := n.attach(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, n.attach(), "Resource.AlreadyAssociated", n.vpc)
	nat := ok[*types.NatGateway](t)(n.newNAT("once"))
	if again := ok[*types.NatGateway](t)(n.newNAT("once")); *again.NatGatewayId != *nat.NatGatewayId {
		t.Errorf("one token made %s and %s", *nat.NatGatewayId, *again.NatGatewayId)
	}
	_, err = n.newNAT("other")
	wantCode(t, err, "Resource.AlreadyAssociated", n.eip)
	if err := n.route(ec2.CreateRouteInput{NatGatewayId: nat.NatGatewayId}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, n.route(ec2.CreateRouteInput{GatewayId: &n.igw}), "RouteAlreadyExists", "0.0.0.0/0")
	link := ok[*ec2.AssociateRouteTableOutput](t)(w.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &n.table, SubnetId: &n.subnet}))

	for name, refused := range map[string]func() error{
		"vpc": func() error { _, err := w.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &n.vpc}); return err },
		"subnet": func() error {
			_, err := w.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &n.subnet})
			return err
		},
		"igw": func() error {
			_, err := w.ec2.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &n.igw})
			return err
		},
		"detach": func() error {
			_, err := w.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &n.igw, VpcId: &n.vpc})
			return err
		},
		"table": func() error {
			_, err := w.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &n.table})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, refused(), "DependencyViolation", "") })
	}
	_, err = w.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &n.eip})
	wantCode(t, err, "InvalidIPAddress.InUse", "")

	ok[*ec2.DeleteNatGatewayOutput](t)(w.ec2.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: nat.NatGatewayId}))
	if got := n.routes(); !slices.Equal(got, []string{"0.0.0.0/0 blackhole"}) {
		t.Errorf("routes after the NAT gateway is gone: %v", got)
	}
	ok[*ec2.ReleaseAddressOutput](t)(w.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &n.eip}))
	ok[*ec2.DetachInternetGatewayOutput](t)(w.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &n.igw, VpcId: &n.vpc}))
	ok[*ec2.DeleteInternetGatewayOutput](t)(w.ec2.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &n.igw}))
	ok[*ec2.DisassociateRouteTableOutput](t)(w.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: link.AssociationId}))
	ok[*ec2.DeleteRouteTableOutput](t)(w.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &n.table}))
	ok[*ec2.DeleteSubnetOutput](t)(w.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &n.subnet}))
	ok[*ec2.DeleteVpcOutput](t)(w.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &n.vpc}))
	_, err = w.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{n.vpc}})
	wantCode(t, err, "InvalidVpcID.NotFound", "")
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("left:\n%s\nbefore:\n%s", after.IDs, before.IDs)
	}
}

// A NAT gateway takes its time, both ways, and a route waits for it.
func TestNetwork_NATGatewayLife(t *testing.T) {
	t.Parallel()
	c := newClock()
	n := newWorld(t, awssim.Options{Profile: awssim.Real, Now: c.Now}).network()
	if err := n.attach(); err != nil {
		t.Fatal(err)
	}
	id := *ok[*types.NatGateway](t)(n.newNAT("t")).NatGatewayId
	state := func() types.NatGatewayState {
		out := ok[*ec2.DescribeNatGatewaysOutput](t)(n.ec2.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{Filter: []types.Filter{filter("vpc-id", n.vpc)}}))
		return out.NatGateways[0].State
	}
	if s := state(); s != "pending" {
		t.Errorf("at first %s", s)
	}
	wantCode(t, n.route(ec2.CreateRouteInput{NatGatewayId: &id}), "InvalidNatGatewayID.NotFound", "it is pending")
	c.advance(90 * time.Second)
	if err := n.route(ec2.CreateRouteInput{NatGatewayId: &id}); err != nil || state() != "available" {
		t.Errorf("after 90 s %s: %v", state(), err)
	}
	ok[*ec2.DeleteNatGatewayOutput](t)(n.ec2.DeleteNatGateway(t.Context(), &ec2.DeleteNatGatewayInput{NatGatewayId: &id}))
	if s := state(); s != "deleting" {
		t.Errorf("after the delete %s", s)
	}
	_, err := n.ec2.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: &n.eip})
	wantCode(t, err, "InvalidIPAddress.InUse", "")
	c.advance(time.Minute)
	if s := state(); s != "deleted" {
		t.Errorf("a minute later %s", s)
	}
	ok[*ec2.ReleaseAddressOutput](t)(n.ec2.ReleaseAddress(t.Context(), &ec2.ReleaseAddressInput{AllocationId: &n.eip}))
	c.advance(2 * time.Hour)
	_, err = n.ec2.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{id}})
	wantCode(t, err, "NatGatewayNotFound", id)
}

func TestNetwork_Attributes(t *testing.T) {
	t.Parallel()
	n, ctx := newWorld(t, awssim.Options{}).network(), t.Context()
	attribute := func(name types.VpcAttributeName) bool {
		out := ok[*ec2.DescribeVpcAttributeOutput](t)(n.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &n.vpc, Attribute: name}))
		for _, v := range []*types.AttributeBooleanValue{out.EnableDnsSupport, out.EnableDnsHostnames, out.EnableNetworkAddressUsageMetrics} {
			if v != nil {
				return *v.Value
			}
		}
		t.Fatalf("no value of %s", name)
		return false
	}
	if !attribute("enableDnsSupport") || attribute("enableDnsHostnames") || attribute("enableNetworkAddressUsageMetrics") {
		t.Error("a new VPC has DNS, and nothing else")
	}
	on := &types.AttributeBooleanValue{Value: aws.Bool(true)}
	for _, in := range []*ec2.ModifyVpcAttributeInput{{EnableDnsHostnames: on}, {EnableNetworkAddressUsageMetrics: on}, {EnableDnsSupport: &types.AttributeBooleanValue{Value: aws.Bool(false)}}} {
		in.VpcId = &n.vpc
		ok[*ec2.ModifyVpcAttributeOutput](t)(n.ec2.ModifyVpcAttribute(ctx, in))
	}
	if attribute("enableDnsSupport") || !attribute("enableDnsHostnames") || !attribute("enableNetworkAddressUsageMetrics") {
		t.Error("the changes are not read back")
	}
	ok[*ec2.ModifySubnetAttributeOutput](t)(n.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: &n.subnet, MapPublicIpOnLaunch: on}))
	ok[*ec2.ModifySubnetAttributeOutput](t)(n.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: &n.subnet, PrivateDnsHostnameTypeOnLaunch: "resource-name"}))
	out := ok[*ec2.DescribeSubnetsOutput](t)(n.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("map-public-ip-on-launch", "true")}}))
	if len(out.Subnets) != 1 || *out.Subnets[0].AvailabilityZone != "ap-northeast-1c" || out.Subnets[0].PrivateDnsNameOptionsOnLaunch.HostnameType != "resource-name" {
		t.Errorf("subnets: %+v", out.Subnets)
	}
	_, err := n.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: &n.subnet, AssignIpv6AddressOnCreation: on})
	wantCode(t, err, "InvalidParameterValue", "IPv6")
	acls := ok[*ec2.DescribeNetworkAclsOutput](t)(n.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{filter("vpc-id", n.vpc), filter("default", "true")}}))
	if len(acls.NetworkAcls) != 1 || *acls.NetworkAcls[0].Associations[0].SubnetId != n.subnet || len(acls.NetworkAcls[0].Entries) != 4 {
		t.Errorf("network ACLs: %+v", acls.NetworkAcls)
	}
}

// The main table moves by its association; a subnet has one table.
func TestNetwork_Associations(t *testing.T) {
	t.Parallel()
	n, ctx := newWorld(t, awssim.Options{}).network(), t.Context()
	main := func() types.RouteTable {
		return ok[*ec2.DescribeRouteTablesOutput](t)(n.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{
			Filters: []types.Filter{filter("vpc-id", n.vpc), filter("association.main", "true")}})).RouteTables[0]
	}
	old := main()
	_, err := n.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: old.Associations[0].RouteTableAssociationId})
	wantCode(t, err, "InvalidParameterValue", "main")
	ok[*ec2.ReplaceRouteTableAssociationOutput](t)(n.ec2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
		AssociationId: old.Associations[0].RouteTableAssociationId, RouteTableId: &n.table}))
	if id := *main().RouteTableId; id != n.table {
		t.Errorf("the main table is %s", id)
	}
	in := &ec2.AssociateRouteTableInput{RouteTableId: old.RouteTableId, SubnetId: &n.subnet}
	first := ok[*ec2.AssociateRouteTableOutput](t)(n.ec2.AssociateRouteTable(ctx, in))
	if again := ok[*ec2.AssociateRouteTableOutput](t)(n.ec2.AssociateRouteTable(ctx, in)); *again.AssociationId != *first.AssociationId {
		t.Error("the same association was made twice")
	}
	_, err = n.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &n.table, SubnetId: &n.subnet})
	wantCode(t, err, "Resource.AlreadyAssociated", "")
	_, err = n.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &n.table, SubnetId: &n.SubnetIDs[0]})
	wantCode(t, err, "InvalidParameterValue", "different networks")
	wantCode(t, n.route(ec2.CreateRouteInput{GatewayId: &n.igw}), "InvalidParameterValue", "different networks")
	_, err = n.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: &n.table, DestinationCidrBlock: aws.String("0.0.0.0/0")})
	wantCode(t, err, "InvalidRoute.NotFound", "0.0.0.0/0")
}

func TestNetwork_Quotas(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	for range 5 {
		ok[*ec2.AllocateAddressOutput](t)(w.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{}))
		ok[*ec2.CreateInternetGatewayOutput](t)(w.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{}))
	}
	_, err := w.ec2.AllocateAddress(ctx, &ec2.AllocateAddressInput{})
	wantCode(t, err, "AddressLimitExceeded", "")
	_, err = w.ec2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	wantCode(t, err, "InternetGatewayLimitExceeded", "")
	for range 4 { // beside the seeded one
		ok[*ec2.CreateVpcOutput](t)(w.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}))
	}
	_, err = w.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	wantCode(t, err, "VpcLimitExceeded", "")
	six := make([]string, 6)
	for i := range six {
		six[i] = w.group(string(rune('a' + i)))
	}
	_, err = w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: &w.SubnetIDs[0], SecurityGroupIds: six})
	wantCode(t, err, "SecurityGroupsPerInterfaceLimitExceeded", "")
	pages := ec2.NewDescribeInternetGatewaysPaginator(w.ec2, &ec2.DescribeInternetGatewaysInput{MaxResults: aws.Int32(5)})
	first := ok[*ec2.DescribeInternetGatewaysOutput](t)(pages.NextPage(ctx))
	if len(first.InternetGateways) != 5 || pages.HasMorePages() {
		t.Errorf("%d gateways on the first page", len(first.InternetGateways))
	}
}

// The network and the roles come back from the disk, and a NAT gateway that was
// pending has become available meanwhile.
func TestNetwork_Reload(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), newClock()
	w, shut := open(t, dir, now)
	n := w.network()
	if err := n.attach(); err != nil {
		t.Fatal(err)
	}
	nat := ok[*types.NatGateway](t)(n.newNAT("t"))
	ok[*ec2.CreateVpcEndpointOutput](t)(w.ec2.CreateVpcEndpoint(t.Context(), &ec2.CreateVpcEndpointInput{VpcId: &n.vpc,
		ServiceName: aws.String("com.amazonaws." + region + ".s3"), RouteTableIds: []string{n.table}}))
	w.profile("app")
	want := w.sim.Snapshot()
	shut()

	now.advance(10 * time.Second)
	n.world, shut = open(t, dir, now)
	defer shut()
	if got := n.sim.Snapshot(); got != want {
		t.Errorf("came back as\n%+v\nwas\n%+v", got, want)
	}
	if err := n.route(ec2.CreateRouteInput{NatGatewayId: nat.NatGatewayId}); err != nil {
		t.Error(err)
	}
	if got := n.routes(); len(got) != 2 {
		t.Errorf("routes: %v", got)
	}
	n.wantIAM(200, "", "GetInstanceProfile", "InstanceProfileName", "app")
}
