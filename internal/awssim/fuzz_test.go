package awssim_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awssim"
)

const scope = "AWS4-HMAC-SHA256 Credential=AKID/20250827/ap-northeast-1/"

// fuzzed is one seeded simulator for all inputs of a fuzz target.
func fuzzed(f *testing.F) *awssim.Sim {
	sim, err := awssim.New(awssim.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { sim.Close() })
	if _, err := sim.Seed(); err != nil {
		f.Fatal(err)
	}
	return sim
}

// answered sends a request and demands an answer that is no accident.
func answered(t *testing.T, sim *awssim.Sim, service, method, target, body string) {
	r := httptest.NewRequest(method, "http://127.0.0.1:4566/", strings.NewReader(body))
	u, err := url.Parse(target)
	if err != nil {
		return
	}
	u.Host, u.Scheme = r.Host, "http"
	r.URL = u
	r.Header.Set("Authorization", scope+service+"/aws4_request")
	rec := httptest.NewRecorder()
	sim.Handler().ServeHTTP(rec, r)
	if rec.Code >= 500 && rec.Code != 501 || rec.Header().Get("X-Amzn-Requestid") == "" {
		t.Errorf("%s %s %q: %d %s", method, target, body, rec.Code, rec.Body)
	}
}

// Whatever is sent to the query services, they answer in AWS's way.
func FuzzQueryServices(f *testing.F) {
	for _, s := range []string{
		"Action=RunInstances&ImageId=ami-0a12023000000086a&InstanceType=t3.micro&SubnetId=subnet-0510000000000000a&MinCount=1&MaxCount=1&UserData=IyE=",
		"Action=RunInstances&MinCount=-1&MaxCount=99999999999", "Action=CreateSecurityGroup&GroupName=a&GroupDescription=b&VpcId=vpc-05100000000000001",
		"Action=AuthorizeSecurityGroupIngress&GroupId=sg-05100000000000001&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=2&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/33",
		"Action=RevokeSecurityGroupEgress&GroupId=sg-05100000000000001&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
		"Action=DescribeInstances&Filter.1.Name=tag:x&Filter.1.Value.1=**?*&MaxResults=5&NextToken=YWZ0ZXI6aS0", "Action=DescribeInstances&InstanceId.1=i-05100000000000148",
		"Action=CreateTags&ResourceId.1=vpc-05100000000000001&Tag.1.Key=k&Tag.1.Value=v", "Action=CreateSubnet&VpcId=vpc-05100000000000001&CidrBlock=10.0.32.0/28", "Action=CreateVpc&CidrBlock=10.2.0.0/16",
		"Action=CreateTargetGroup&Name=tg&Protocol=HTTP&Port=80&VpcId=vpc-05100000000000001&HealthCheckPath=/x", "Action=DescribeTargetHealth&TargetGroupArn=x&Targets.member.1.Id=i",
		"Action=CreateLoadBalancer&Name=a&Scheme=internal&Subnets.member.1=subnet-0510000000000000a&Subnets.member.2=subnet-0510000000000000c", "Action=CreateListener&LoadBalancerArn=x&Port=0",
		"Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/x&RoleSessionName=abc&DurationSeconds=1", "Action=DescribeTags", "Action=", "",
		"Action=CreateRoute&RouteTableId=rtb-05100000000000001&DestinationCidrBlock=10.9.0.0/16&NatGatewayId=nat-05100000000000001",
		"Action=ReplaceRouteTableAssociation&AssociationId=rtbassoc-05100000000000001&RouteTableId=rtb-05100000000000001", "Action=DeleteVpc&VpcId=vpc-05100000000000001",
		"Action=CreateNatGateway&SubnetId=subnet-0510000000000000a&ConnectivityType=private", "Action=AllocateAddress", "Action=DescribeAddresses&PublicIp.1=x",
		"Action=CreateVpcEndpoint&VpcId=vpc-05100000000000001&ServiceName=com.amazonaws.ap-northeast-1.s3&RouteTableId.1=rtb-05100000000000001",
		"Action=ModifyVpcEndpoint&VpcEndpointId=vpce-1", "Action=ModifySubnetAttribute&SubnetId=subnet-0510000000000000a&MapPublicIpOnLaunch.Value=1",
		"Action=ModifySecurityGroupRules&GroupId=sg-05100000000000001&SecurityGroupRule.1.SecurityGroupRuleId=sgr-05100000000000001e&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1",
		"Action=ModifyInstanceAttribute&InstanceId=i-05100000000000148&UserData.Value=%25", "Action=StopInstances&InstanceId.1=i-05100000000000148",
		"Action=CreateLaunchTemplate&LaunchTemplateName=abc&LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1=sg-0&LaunchTemplateData.A.1=x", "Action=CreateLaunchTemplate&LaunchTemplateName=abd&LaunchTemplateData.a<b.1=x",
		"Action=DescribeLaunchTemplateVersions&LaunchTemplateName=abc&MaxResults=1", "Action=CreateLaunchTemplate&LaunchTemplateName=abe&LaunchTemplateData..1=x",
		"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={}&Path=/a/", "Action=AttachRolePolicy&RoleName=r&PolicyArn=arn:", "Action=ListRoles&MaxItems=-1&Marker=x",
		"Action=AddRoleToInstanceProfile&InstanceProfileName=p&RoleName=r", "Action=TagRole&RoleName=r&Tags.member.1.Key=&TagKeys.member.1=",
	} {
		f.Add(s)
	}
	sim := fuzzed(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, service := range []string{"ec2", "elasticloadbalancing", "sts", "iam"} {
			answered(t, sim, service, "POST", "/", body)
		}
	})
}

// The same for JSON, on any path.
func FuzzREST(f *testing.F) {
	for _, s := range [][3]string{
		{"POST", "/v2/vpclinks", `{"name":"l","subnetIds":["subnet-0510000000000000a"]}`}, {"POST", "/v2/vpclinks", `{"name":null,"subnetIds":[null,7],"tags":{"":""}}`},
		{"POST", "/v2/apis", `{"name":"a","protocolType":"HTTP"}`}, {"PATCH", "/v2/apis/x", `{"name":[]}`}, {"GET", "/v2/apis?maxResults=-1&nextToken=%00", ""},
		{"GET", "/v2/tags/arn%3Aaws%3Aapigateway%3Aap-northeast-1%3A%3A%2Fapis%2Fx", ""}, {"DELETE", "/v2/apis/a/stages/%24default", ""}, {"POST", "/v2/apis/%2e%2e/routes", "{"},
		{"GET", "/v2/", ""}, {"GET", "/v2/apis//routes", ""}, {"POST", "/", `{"Name":"/x"}`},
	} {
		f.Add(s[0], s[1], s[2])
	}
	sim := fuzzed(f)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		for _, r := range method {
			if r < 'A' || r > 'Z' {
				return // net/http refuses it before us
			}
		}
		if method == "" || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/_awssim/") {
			return
		}
		answered(t, sim, "apigateway", method, target, body)
		answered(t, sim, "ssm", method, target, body)
	})
}

// Whatever stands in for a signature, a session's token or a host, it is
// refused in AWS's way when there is a secret.
func FuzzSignature(f *testing.F) {
	for _, s := range [][5]string{
		{scope + "ec2/aws4_request, SignedHeaders=host, Signature=00", "20250827T000000Z", "", "127.0.0.1:4566", "/"},
		{"AWS4-HMAC-SHA256 Credential=ASIA1111222233330000/20250827/us-east-1/sts/aws4_request,SignedHeaders=,Signature=", "x", "a.b", "localhost", "/?a=b&a=%zz"},
		{"AWS4-HMAC-SHA256 Credential=123456789012/20250827/mars/apigateway/aws4_request", "", "e30.00", "x.execute-api.mars.localhost", "/v2/tags/arn%3Aaws%2F"},
		{"Basic Og==", "", "", "", "//"}, {"", "", "", ".execute-api..localhost", "/v2/"},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4])
	}
	sim, err := awssim.New(awssim.Options{Secret: "the-secret"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { sim.Close() })
	f.Fuzz(func(t *testing.T, auth, date, token, host, target string) {
		u, err := url.Parse(target)
		if err != nil || strings.HasPrefix(u.Path, "/_awssim/") {
			return
		}
		r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", strings.NewReader("Action=DescribeVpcs"))
		r.Host, r.URL = host, u
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Security-Token", token)
		rec := httptest.NewRecorder()
		sim.Handler().ServeHTTP(rec, r)
		if rec.Code < 400 || rec.Code > 413 || rec.Body.Len() == 0 {
			t.Errorf("%q %q %q %q %q: %d %s", auth, date, token, host, target, rec.Code, rec.Body)
		}
	})
}

// Many clients at once, on the control plane and through the chain.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Dir: t.TempDir()})
	c := w.build()
	c.waitHealthy()
	before := w.sim.Snapshot()
	var tasks sync.WaitGroup
	for range 4 {
		tasks.Go(func() {
			for range 10 {
				if got := c.get("/service-a"); got.status != 200 {
					t.Errorf("invoke: %d", got.status)
				}
			}
		})
		tasks.Go(func() {
			for range 5 {
				if status, _ := w.admin("GET", "state", ""); status != 200 {
					t.Errorf("state: %d", status)
				}
				w.sim.Snapshot()
			}
		})
	}
	tasks.Wait()
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("requests changed what exists: %+v", after)
	}
}
