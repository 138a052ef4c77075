package awssim_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func TestEC2_SeededWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	again := ok[awssim.World](t)(w.sim.Seed())
	if again.VPCID != w.VPCID || !slices.Equal(again.SubnetIDs, w.SubnetIDs) || again.InstanceID != w.InstanceID {
		t.Errorf("a second seed made another world: %+v", again)
	}
	vpcs := ok[*ec2.DescribeVpcsOutput](t)(w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: []types.Filter{filter("tag:Name", "test-*")}}))
	if len(vpcs.Vpcs) != 1 || *vpcs.Vpcs[0].VpcId != w.VPCID || *vpcs.Vpcs[0].CidrBlock != "10.0.0.0/16" {
		t.Errorf("VPCs: %+v", vpcs.Vpcs)
	}
	subnets := ok[*ec2.DescribeSubnetsOutput](t)(w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: w.SubnetIDs}))
	var zones []string
	for _, s := range subnets.Subnets {
		zones = append(zones, *s.AvailabilityZone+" "+*s.AvailabilityZoneId)
	}
	if !slices.Equal(zones, []string{"ap-northeast-1a apne1-az4", "ap-northeast-1c apne1-az1"}) {
		t.Errorf("zones: %v", zones)
	}
	if free := *subnets.Subnets[0].AvailableIpAddressCount; free != 4096-5-1 {
		t.Errorf("free addresses: %d", free)
	}
	out := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{w.InstanceID}}))
	i := out.Reservations[0].Instances[0]
	if *i.PrivateIpAddress != "10.0.10.148" || i.State.Name != "running" || *i.SecurityGroups[0].GroupName != "test-existing-sg" {
		t.Errorf("instance: %s %s %+v", *i.PrivateIpAddress, i.State.Name, i.SecurityGroups)
	}
	azs := ok[*ec2.DescribeAvailabilityZonesOutput](t)(w.ec2.DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{}))
	if len(azs.AvailabilityZones) != 3 {
		t.Errorf("zones of the region: %+v", azs.AvailabilityZones)
	}
	tables := ok[*ec2.DescribeRouteTablesOutput](t)(w.ec2.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("vpc-id", w.VPCID), filter("association.main", "true")}}))
	if len(tables.RouteTables) != 1 || len(tables.RouteTables[0].Routes) != 2 {
		t.Errorf("route tables: %+v", tables.RouteTables)
	}
}

func TestEC2_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	group := w.group("g")
	ctx := t.Context()
	run := func(change func(*ec2.RunInstancesInput)) error {
		in := &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0]}
		change(in)
		_, err := w.ec2.RunInstances(ctx, in)
		return err
	}
	create := func(name, vpc string) error {
		_, err := w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("d"), VpcId: &vpc})
		return err
	}
	authorize := func(perms []types.IpPermission) error {
		_, err := w.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: perms})
		return err
	}
	before := w.sim.Snapshot()
	for name, row := range map[string]struct {
		err        error
		code, part string
	}{
		"group twice":        {create("G", w.VPCID), "InvalidGroup.Duplicate", "already exists for VPC"},
		"group sg- name":     {create("sg-x", w.VPCID), "InvalidParameterValue", "cannot start with sg-"},
		"group default":      {create("Default", w.VPCID), "InvalidGroup.Reserved", ""},
		"group foreign text": {create("グループ", w.VPCID), "InvalidParameterValue", ""},
		"group no VPC":       {create("x", "vpc-0123456789abcdef0"), "InvalidVpcID.NotFound", "does not exist"},
		"rule bad group":     {authorize(from("sg-nope", 80)), "InvalidGroupId.Malformed", ""},
		"rule no group":      {authorize(from("sg-0123456789abcdef0", 80)), "InvalidGroup.NotFound", ""},
		"rule bad port":      {authorize(from(group, 70000)), "InvalidParameterValue", "port range"},
		"rule bad cidr":      {authorize([]types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(1), ToPort: aws.Int32(2), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0")}}}}), "InvalidParameterValue", "malformed"},
		"rule nothing":       {authorize(nil), "MissingParameter", ""},
		"image malformed":    {run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-x") }), "InvalidAMIID.Malformed", ""},
		"image unknown":      {run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-0123456789abcdef0") }), "InvalidAMIID.NotFound", ""},
		"type unknown":       {run(func(in *ec2.RunInstancesInput) { in.InstanceType = "t9.huge" }), "InvalidParameterValue", "InstanceType"},
		"type architecture":  {run(func(in *ec2.RunInstancesInput) { in.InstanceType = "t4g.micro" }), "InvalidParameterValue", "architecture"},
		"subnet unknown":     {run(func(in *ec2.RunInstancesInput) { in.SubnetId = aws.String("subnet-0123456789abcdef0") }), "InvalidSubnetID.NotFound", ""},
		"user data":          {run(func(in *ec2.RunInstancesInput) { in.UserData = aws.String("not base64!") }), "InvalidUserData.Malformed", ""},
		"user data size": {run(func(in *ec2.RunInstancesInput) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16385)))
		}), "InvalidParameterValue", "16384"},
		"ssm parameter": {run(func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("resolve:ssm:/nope") }), "InvalidParameterValue", "/nope"},
		"dry run":       {run(func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) }), "DryRunOperation", ""},
		"forward afar": {run(func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("awssim:forward"), Value: aws.String("169.254.169.254:80")}}}}
		}), "InvalidParameterValue", "only an address on this machine"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, row.err, row.code, row.part) })
	}
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("a refused call changed something:\n%+v\n%+v", before, after)
	}
}

func TestEC2_MissingIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	_, err := w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}})
	wantCode(t, err, "InvalidInstanceID.NotFound", "does not exist")
	_, err = w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{"i-xyz"}})
	wantCode(t, err, "InvalidInstanceID.Malformed", "")
	_, err = w.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0123456789abcdef0"}})
	wantCode(t, err, "InvalidVpcID.NotFound", "")
	_, err = w.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-0123456789abcdef0"}})
	wantCode(t, err, "InvalidGroup.NotFound", "")
	_, err = w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("colour", "red")}})
	wantCode(t, err, "InvalidParameterValue", "filter 'colour'")
	_, err = w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(2)})
	wantCode(t, err, "InvalidParameterValue", "between 5 and 1000")
	_, err = w.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{w.InstanceID}, Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("1")}}})
	wantCode(t, err, "InvalidParameterValue", "reserved")
}

// The same client token launches once; with other arguments it is refused.
func TestEC2_ClientToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	group := w.group("g")
	token := func(in *ec2.RunInstancesInput) { in.ClientToken = aws.String("once") }
	first := w.launch(group, token)
	if second := w.launch(group, token); second != first {
		t.Errorf("launched %s and %s", first, second)
	}
	_, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.small", MinCount: aws.Int32(1),
		MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0], SecurityGroupIds: []string{group}, ClientToken: aws.String("once")})
	wantCode(t, err, "IdempotentParameterMismatch", "")
	out := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("client-token", "once")}}))
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		t.Errorf("found by token: %+v", out.Reservations)
	}
}

// What a launch asks for is what DescribeInstances shows.
func TestEC2_LaunchDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.profile("app")
	id := w.launch(w.group("g"), func(in *ec2.RunInstancesInput) {
		in.ImageId = aws.String("resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64")
		in.InstanceType = "t4g.micro"
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("app")}
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: "required", HttpPutResponseHopLimit: aws.Int32(1)}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeType: "gp3", Encrypted: aws.Bool(true), VolumeSize: aws.Int32(10)}}}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("me")}}}}
	})
	i := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filter("tag:owner", "m?")}})).Reservations[0].Instances[0]
	if *i.InstanceId != id || i.Architecture != "arm64" || i.MetadataOptions.HttpTokens != "required" || *i.MetadataOptions.HttpPutResponseHopLimit != 1 {
		t.Errorf("instance: %+v", i)
	}
	if !strings.HasSuffix(*i.IamInstanceProfile.Arn, ":instance-profile/app") || len(i.NetworkInterfaces) != 1 || len(i.BlockDeviceMappings) != 1 {
		t.Errorf("instance: %+v", i)
	}
}

func TestEC2_InstanceLife(t *testing.T) {
	t.Parallel()
	time0 := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: time0.Now})
	group := w.group("g")
	id := w.launch(group)
	ctx := t.Context()
	state := func() types.InstanceStateName {
		return ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})).Reservations[0].Instances[0].State.Name
	}
	status := func() int {
		return len(ok[*ec2.DescribeInstanceStatusOutput](t)(w.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}})).InstanceStatuses)
	}
	if s := state(); s != "pending" || status() != 0 {
		t.Errorf("at first %s with %d statuses", s, status())
	}
	tg := w.newTargetGroup("early")
	wantCode(t, w.register(tg, id), "InvalidTarget", "not in a running state and cannot be registered: '"+id+"'")
	time0.advance(4 * time.Second)
	if s := state(); s != "running" || status() != 1 {
		t.Errorf("after 4 s %s with %d statuses", s, status())
	}
	out := ok[*ec2.GetConsoleOutputOutput](t)(w.ec2.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: &id}))
	if text, _ := base64.StdEncoding.DecodeString(*out.Output); !strings.Contains(string(text), "Running on") {
		t.Errorf("console: %q", text)
	}
	for range 2 { // terminating twice is no error
		ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	}
	_, err := w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	wantCode(t, err, "DependencyViolation", "resource "+group+" has a dependent object")
	if s := state(); s != "shutting-down" {
		t.Errorf("after terminate: %s", s)
	}
	time0.advance(2 * time.Second)
	if s := state(); s != "terminated" {
		t.Errorf("at last: %s", s)
	}
	ok[*ec2.DeleteSecurityGroupOutput](t)(w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group}))
	time0.advance(time.Hour)
	_, err = w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "InvalidInstanceID.NotFound", "")
}

func TestEC2_RulesRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	a, b := w.group("a"), w.group("b")
	byID, _ := w.allow(a, b, 80), w.allow(a, b, 81)
	_, err := w.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &a, IpPermissions: from(b, 80)})
	wantCode(t, err, "InvalidPermission.Duplicate", "already exists")
	_, err = w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &b})
	wantCode(t, err, "DependencyViolation", "")
	ok[*ec2.RevokeSecurityGroupIngressOutput](t)(w.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &a, SecurityGroupRuleIds: []string{byID}}))
	ok[*ec2.RevokeSecurityGroupIngressOutput](t)(w.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &a, IpPermissions: from(b, 81)}))
	_, err = w.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &a, IpPermissions: from(b, 81)})
	wantCode(t, err, "InvalidPermission.NotFound", "")
	rules := ok[*ec2.DescribeSecurityGroupRulesOutput](t)(w.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", a)}}))
	if len(rules.SecurityGroupRules) != 1 || !*rules.SecurityGroupRules[0].IsEgress || *rules.SecurityGroupRules[0].CidrIpv4 != "0.0.0.0/0" {
		t.Errorf("a new group lets everything out and nothing in: %+v", rules.SecurityGroupRules)
	}
	everything := []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}
	ok[*ec2.RevokeSecurityGroupEgressOutput](t)(w.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &a, IpPermissions: everything}))
	ok[*ec2.DeleteSecurityGroupOutput](t)(w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &b}))
	groups := ok[*ec2.DescribeSecurityGroupsOutput](t)(w.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{filter("group-name", "a"), filter("vpc-id", w.VPCID)}}))
	if g := groups.SecurityGroups[0]; len(g.IpPermissions)+len(g.IpPermissionsEgress) != 0 {
		t.Errorf("permissions left: %+v", g)
	}
}

func TestEC2_Tags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	group := w.group("g")
	ok[*ec2.CreateTagsOutput](t)(w.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{group, w.InstanceID}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}, {Key: aws.String("l"), Value: aws.String("")}}}))
	out := ok[*ec2.DescribeTagsOutput](t)(w.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("key", "k", "l")}}))
	if len(out.Tags) != 4 {
		t.Errorf("tags: %+v", out.Tags)
	}
	ok[*ec2.DeleteTagsOutput](t)(w.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{group}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("other")}, {Key: aws.String("l")}}}))
	out = ok[*ec2.DescribeTagsOutput](t)(w.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-id", group)}}))
	if len(out.Tags) != 1 || *out.Tags[0].Key != "k" || out.Tags[0].ResourceType != "security-group" {
		t.Errorf("tags left: %+v", out.Tags)
	}
}

// Pages neither repeat nor skip, and one reservation may span two of them.
func TestEC2_Paging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.launch(w.group("g"), func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = aws.Int32(12), aws.Int32(12) })
	pages := ec2.NewDescribeInstancesPaginator(w.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), Filters: []types.Filter{filter("instance-state-name", "running", "pending")}})
	seen, n := map[string]bool{}, 0
	for pages.HasMorePages() {
		n++
		for _, r := range ok[*ec2.DescribeInstancesOutput](t)(pages.NextPage(t.Context())).Reservations {
			for _, i := range r.Instances {
				if seen[*i.InstanceId] {
					t.Errorf("%s twice", *i.InstanceId)
				}
				seen[*i.InstanceId] = true
			}
		}
	}
	if len(seen) != 13 || n != 3 {
		t.Errorf("%d instances on %d pages, want 13 on 3", len(seen), n)
	}
	_, err := w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{NextToken: aws.String("%%")})
	wantCode(t, err, "InvalidNextToken", "")
}

func TestEC2_ImagesAndTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	images := ok[*ec2.DescribeImagesOutput](t)(w.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}, Filters: []types.Filter{filter("architecture", "x86_64"), filter("name", "al2023-ami-2023*")}}))
	if len(images.Images) != 1 || *images.Images[0].ImageId != imageX86 {
		t.Errorf("images: %+v", images.Images)
	}
	kinds := ok[*ec2.DescribeInstanceTypesOutput](t)(w.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t3.micro"}}))
	if len(kinds.InstanceTypes) != 1 || *kinds.InstanceTypes[0].MemoryInfo.SizeInMiB != 1024 {
		t.Errorf("types: %+v", kinds.InstanceTypes)
	}
}

func TestEC2_SecondVPC(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	v := *ok[*ec2.CreateVpcOutput](t)(w.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")})).Vpc.VpcId
	sn := *ok[*ec2.CreateSubnetOutput](t)(w.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &v, CidrBlock: aws.String("10.1.0.0/24")})).Subnet.SubnetId
	_, err := w.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &v, CidrBlock: aws.String("10.1.0.128/25")})
	wantCode(t, err, "InvalidSubnet.Conflict", "")
	id := *ok[*ec2.RunInstancesOutput](t)(w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro",
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &sn})).Instances[0].InstanceId
	wantCode(t, w.register(w.newTargetGroup("tg"), id), "InvalidTarget", "not valid instances")
	other := w.group("here")
	_, err = w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: &sn, SecurityGroupIds: []string{other}})
	wantCode(t, err, "InvalidParameter", "different networks")
}
