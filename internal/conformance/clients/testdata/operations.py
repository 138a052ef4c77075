"""Every operation that the simulator serves, called by the program that the
argument names: "boto3", or "cli" for the AWS CLI. Then
the pages of every list, and the way back. Prints a line per step."""
import functools
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

os.environ.update(AWS_PAGER="", AWS_MAX_ATTEMPTS="1")
VPC, SUBNETS, REGION = os.environ["VPC_ID"], [os.environ["SUBNET_A"], os.environ["SUBNET_B"]], os.environ["AWS_REGION"]


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


class Boto3:
    def __init__(self):
        import boto3
        self.clients = {s: boto3.client(s) for s in ("ec2", "elbv2", "apigatewayv2", "iam", "ssm", "sts")}

    def call(self, service, operation, **args):
        answer = getattr(self.clients[service], kebab(operation).replace("-", "_"))(**args)
        del answer["ResponseMetadata"]
        return answer

    def pages(self, service, operation, key, size, **args):
        client, name = self.clients[service], kebab(operation).replace("-", "_")
        if not client.can_paginate(name):
            return None
        return [i for p in client.get_paginator(name).paginate(PaginationConfig={"PageSize": size}, **args) for i in p[key]]


class CLI:
    """Version 1 is a Python package and runs in this process, which saves its
    start; version 2 is a program."""

    def __init__(self):
        try:
            import botocore.session
            from awscli.clidriver import create_clidriver
            botocore.session.create_loader = functools.cache(botocore.session.create_loader)  # read each service's model once
            self.create = create_clidriver
        except ImportError:
            self.create = None

    def run(self, *args):
        if self.create is None:
            return subprocess.run(["aws", *args], check=True, capture_output=True, text=True).stdout
        out, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            status = self.create().main(list(args))  # a driver remembers the options of earlier commands
        if status:
            raise SystemExit(f"FAILED aws {' '.join(args)}: {status} {out.getvalue()}{errors.getvalue()}")
        return out.getvalue()

    def call(self, service, operation, *options, **args):
        """Texts are options, everything else is JSON."""
        texts = [word for k, v in args.items() if isinstance(v, str) for word in (f"--{kebab(k)}", v)]
        rest = {k: v for k, v in args.items() if not isinstance(v, str)}
        out = self.run(service, kebab(operation), "--output", "json", *texts, *options, *(["--cli-input-json", json.dumps(rest)] if rest else []))
        return json.loads(out) if out.strip() else {}

    def pages(self, service, operation, key, size, **args):
        """Follows the tokens by --page-size, and by --max-items, which cuts pages itself."""
        # To the CLI --page-size is ELB's own parameter, with which it reads one page.
        size = [] if service == "elbv2" else ["--page-size", str(size)]
        try:
            whole = self.call(service, operation, *size, **args)[key]
        except SystemExit as e:
            if "Unknown options" in str(e):
                return None
            raise
        if len(whole) > 1:
            first = self.call(service, operation, "--max-items", "1", **args)
            rest = self.call(service, operation, "--starting-token", first["NextToken"], **args)
            same(first[key] + rest[key], whole, f"{operation} by --max-items")
        return whole


def same(got, want, what):
    if got != want:
        raise SystemExit(f"FAILED {what}: got {got!r}, want {want!r}")


def step(what):
    print("ok", what)


program = {"boto3": Boto3, "cli": CLI}[sys.argv[1]]()


def service(name):
    return lambda operation, **args: program.call(name, operation, **args)


ec2, elb, api, iam, ssm, sts = (service(s) for s in ("ec2", "elbv2", "apigatewayv2", "iam", "ssm", "sts"))


def listed(name, operation, key, size, at_least, **args):
    """What a list has in the smallest pages that the service takes is what it has at once."""
    items = program.call(name, operation, **args)[key]
    same(len(items) >= at_least, True, f"{operation}: {len(items)}, want {at_least} or more")
    paged = program.pages(name, operation, key, size, **args)
    if paged is not None:
        same(len(paged), len(items), f"pages of {operation}")
        for got, want in zip(paged, items):
            same(got, want, f"an item in the pages of {operation}")
    step(f"{operation}: {len(items)}")


# Who one is, and as whom else.
account = sts("GetCallerIdentity")["Account"]
trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole",
                                                            "Condition": {"StringEquals": {"sts:ExternalId": "ticket-7"}}}]})
tags = [{"Key": k, "Value": "v"} for k in ("k", "l")]
role = iam("CreateRole", RoleName="ops", AssumeRolePolicyDocument=trust)["Role"]
credentials = sts("AssumeRole", RoleArn=role["Arn"], RoleSessionName="ops", ExternalId="ticket-7")["Credentials"]
same(len(credentials["SessionToken"]) > 100, True, "session token")
iam("TagRole", RoleName="ops", Tags=tags)
iam("UntagRole", RoleName="ops", TagKeys=["l"])
same(iam("ListRoleTags", RoleName="ops")["Tags"], tags[:1], "tags of the role")
iam("UpdateAssumeRolePolicy", RoleName="ops", PolicyDocument=trust.replace("ticket-7", "ticket-8"))
iam("UpdateRole", RoleName="ops", Description="x", MaxSessionDuration=7200)
iam("UpdateRoleDescription", RoleName="ops", Description="for operations")
got = iam("GetRole", RoleName="ops")["Role"]
same((got["Description"], got["MaxSessionDuration"]), ("for operations", 7200), "role")
policies = ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"]
read_only = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
for p in policies:
    iam("AttachRolePolicy", RoleName="ops", PolicyArn=p)
for p in ("files", "logs"):
    iam("PutRolePolicy", RoleName="ops", PolicyName=p, PolicyDocument=read_only)
iam("GetRolePolicy", RoleName="ops", PolicyName="files")
for p in ("ops", "ops-spare"):
    iam("CreateInstanceProfile", InstanceProfileName=p)
    iam("AddRoleToInstanceProfile", InstanceProfileName=p, RoleName="ops")
iam("TagInstanceProfile", InstanceProfileName="ops", Tags=tags)
iam("UntagInstanceProfile", InstanceProfileName="ops", TagKeys=["l"])
iam("TagInstanceProfile", InstanceProfileName="ops", Tags=tags[1:])
profile = iam("GetInstanceProfile", InstanceProfileName="ops")["InstanceProfile"]["Arn"]
for operation, key, args, n in [
    ("ListRoles", "Roles", {}, 1), ("ListInstanceProfiles", "InstanceProfiles", {}, 2), ("ListInstanceProfilesForRole", "InstanceProfiles", {"RoleName": "ops"}, 2),
    ("ListRolePolicies", "PolicyNames", {"RoleName": "ops"}, 2), ("ListAttachedRolePolicies", "AttachedPolicies", {"RoleName": "ops"}, 2),
    ("ListRoleTags", "Tags", {"RoleName": "ops"}, 1), ("ListInstanceProfileTags", "Tags", {"InstanceProfileName": "ops"}, 2),
]:
    listed("iam", operation, key, 1, n, **args)
image_name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
ami = ssm("GetParameter", Name=image_name)["Parameter"]["Value"]
same(ssm("GetParameters", Names=[image_name])["Parameters"][0]["Value"], ami, "parameter")

# A network of one's own.
vpc = ec2("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
    ec2("ModifyVpcAttribute", VpcId=vpc, **{attribute: {"Value": True}})
same(ec2("DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"], True, "DNS host names")
subnets = [ec2("CreateSubnet", VpcId=vpc, CidrBlock=f"10.9.{n}.0/24")["Subnet"]["SubnetId"] for n in range(6)]
ec2("ModifySubnetAttribute", SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
gateway = ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
address = ec2("AllocateAddress", Domain="vpc")["AllocationId"]
nat = ec2("CreateNatGateway", SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
tables = [ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
ec2("CreateRoute", RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
ec2("ReplaceRoute", RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
same([r.get("NatGatewayId") for r in ec2("DescribeRouteTables", RouteTableIds=tables[:1])["RouteTables"][0]["Routes"]], [None, nat], "replaced route")
association = ec2("AssociateRouteTable", RouteTableId=tables[0], SubnetId=subnets[1])["AssociationId"]
association = ec2("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=tables[1])["NewAssociationId"]
endpoint = ec2("CreateVpcEndpoint", VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=tables[:1])["VpcEndpoint"]["VpcEndpointId"]
ec2("ModifyVpcEndpoint", VpcEndpointId=endpoint, AddRouteTableIds=tables[1:])
ec2("CreateTags", Resources=[vpc, *subnets], Tags=tags)
ec2("DeleteTags", Resources=subnets, Tags=tags[1:])
same(len(ec2("DescribeTags", Filters=[{"Name": "resource-id", "Values": [vpc, *subnets]}])["Tags"]), 8, "tags")

# Security groups with rules of every form.
groups = [ec2("CreateSecurityGroup", GroupName=f"ops-{n}", Description="ops", VpcId=VPC)["GroupId"] for n in range(6)]
open_to_all = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "before"}]}]
described = [{**open_to_all[0], "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "after"}]}]
for way in ("Ingress", "Egress"):
    rule = ec2(f"AuthorizeSecurityGroup{way}", GroupId=groups[0], IpPermissions=open_to_all)["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    ec2(f"UpdateSecurityGroupRuleDescriptions{way}", GroupId=groups[0], IpPermissions=described)
    same(ec2("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]["Description"], "after", "description of a rule")
    ec2("ModifySecurityGroupRules", GroupId=groups[0], SecurityGroupRules=[
        {"SecurityGroupRuleId": rule, "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "CidrIpv4": "10.0.0.0/8"}}])
    same(ec2("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0]["FromPort"], 81, "port of a rule")
    ec2(f"RevokeSecurityGroup{way}", GroupId=groups[0], SecurityGroupRuleIds=[rule])
ec2("AuthorizeSecurityGroupIngress", GroupId=groups[1], IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]} for port in range(8000, 8006)])

# Instances, and everything that they have.
instances = [i["InstanceId"] for i in ec2("RunInstances", ImageId=ami, InstanceType="t3.micro", MinCount=2, MaxCount=2, SubnetId=SUBNETS[0],
                                          SecurityGroupIds=groups[1:2], UserData="#!/bin/bash\nport=8000", IamInstanceProfile={"Arn": profile})["Instances"]]
ec2("ModifyInstanceMetadataOptions", InstanceId=instances[0], HttpTokens="required", HttpPutResponseHopLimit=2)
ec2("StopInstances", InstanceIds=instances[1:])
ec2("ModifyInstanceAttribute", InstanceId=instances[1], InstanceType={"Value": "t3.small"})
same(ec2("DescribeInstanceAttribute", InstanceId=instances[1], Attribute="instanceType")["InstanceType"]["Value"], "t3.small", "type of the stopped instance")
ec2("StartInstances", InstanceIds=instances[1:])
ec2("DescribeInstances", InstanceIds=instances)
ec2("GetConsoleOutput", InstanceId=instances[0])
ec2("GetInstanceUefiData", InstanceId=instances[0])
template = ec2("CreateLaunchTemplate", LaunchTemplateName="ops", LaunchTemplateData={"ImageId": ami, "InstanceType": "t3.micro", "SecurityGroupIds": groups[1:2]})["LaunchTemplate"]["LaunchTemplateId"]
for _ in range(5):
    ec2("CreateLaunchTemplateVersion", LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.small"})
ec2("ModifyLaunchTemplate", LaunchTemplateId=template, DefaultVersion="2")
gone = ec2("DeleteLaunchTemplateVersions", LaunchTemplateId=template, Versions=["2", "6"])
same(([v["VersionNumber"] for v in gone["SuccessfullyDeletedLaunchTemplateVersions"]], [v["ResponseError"]["Code"] for v in gone["UnsuccessfullyDeletedLaunchTemplateVersions"]]),
     ([6], ["unexpectedError"]), "deleted versions")
ec2("RebootInstances", InstanceIds=instances[:1])

# A volume and an interface that outlive their instance, which has an address of the internet's.
kept = ec2("RunInstances", ImageId=ami, InstanceType="t3.micro", MinCount=1, MaxCount=1,
           BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": False}}],
           NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnets[1], "DeleteOnTermination": False}])["Instances"][0]
spare_address = ec2("AllocateAddress", Domain="vpc")["AllocationId"]
held = ec2("AssociateAddress", AllocationId=spare_address, InstanceId=kept["InstanceId"])["AssociationId"]
same("PublicIpAddress" in ec2("DescribeInstances", InstanceIds=[kept["InstanceId"]])["Reservations"][0]["Instances"][0], True, "public address")
ec2("DisassociateAddress", AssociationId=held)
ec2("ReleaseAddress", AllocationId=spare_address)
ec2("TerminateInstances", InstanceIds=[kept["InstanceId"]])
free = ec2("DescribeVolumes", Filters=[{"Name": "status", "Values": ["available"]}])["Volumes"]
same([v["Size"] for v in free], [1], "volumes that are left")
ec2("DeleteVolume", VolumeId=free[0]["VolumeId"])
ec2("DeleteNetworkInterface", NetworkInterfaceId=kept["NetworkInterfaces"][0]["NetworkInterfaceId"])
templated = ec2("RunInstances", LaunchTemplate={"LaunchTemplateId": template}, MinCount=1, MaxCount=1, SubnetId=SUBNETS[1])["Instances"][0]
same((templated["InstanceType"], templated["ImageId"]), ("t3.small", ami), "what the template says of the instance")
for operation, key, args in [
    ("DescribeInstanceStatus", "InstanceStatuses", {}), ("DescribeVpcs", "Vpcs", {}), ("DescribeSubnets", "Subnets", {}), ("DescribeRouteTables", "RouteTables", {}),
    ("DescribeSecurityGroups", "SecurityGroups", {}), ("DescribeSecurityGroupRules", "SecurityGroupRules", {}), ("DescribeNetworkInterfaces", "NetworkInterfaces", {}),
    ("DescribeVolumes", "Volumes", {}), ("DescribeTags", "Tags", {}), ("DescribeImages", "Images", {"Owners": ["amazon"]}),
    ("DescribeInternetGateways", "InternetGateways", {}), ("DescribeNatGateways", "NatGateways", {}), ("DescribeVpcEndpoints", "VpcEndpoints", {}),
    ("DescribeAddressesAttribute", "Addresses", {"Attribute": "domain-name"}), ("DescribePrefixLists", "PrefixLists", {}), ("DescribeNetworkAcls", "NetworkAcls", {}),
    ("DescribeLaunchTemplates", "LaunchTemplates", {}), ("DescribeLaunchTemplateVersions", "LaunchTemplateVersions", {"LaunchTemplateId": template}),
    ("DescribeInstanceTypes", "InstanceTypes", {}), ("DescribeInstanceTypeOfferings", "InstanceTypeOfferings", {"LocationType": "availability-zone"}), ("DescribeInstanceCreditSpecifications", "InstanceCreditSpecifications", {}),
]:
    listed("ec2", operation, key, 5, 1 if key != "Addresses" else 0, **args)
same(len(ec2("DescribeAddresses", AllocationIds=[address])["Addresses"]), 1, "address")
same(len(ec2("DescribeAvailabilityZones")["AvailabilityZones"]) > 1, True, "zones")
same([r["RegionName"] for r in ec2("DescribeRegions", Filters=[{"Name": "region-name", "Values": ["ap-northeast-*"]}])["Regions"]], ["ap-northeast-1", "ap-northeast-2"], "Regions")

# Every filter that EC2's model documents for what is described here.
if isinstance(program, Boto3):
    client, documented, refused = program.clients["ec2"], 0, []
    for name in client.meta.service_model.operation_names:
        shape = client.meta.service_model.operation_model(name).input_shape
        key = shape and next((k for k in ("Filters", "Filter") if k in shape.members), None)
        if not key or not name.startswith("Describe"):
            continue
        args = {"LaunchTemplateId": template} if name == "DescribeLaunchTemplateVersions" else {}
        for found in re.findall(r"<li>\s*<p>\s*<code>([^<]+)</code>", shape.members[key].documentation):
            if found == "tag" or found.startswith("tag:"):
                continue
            try:
                program.call("ec2", name, **args, **{key: [{"Name": found, "Values": ["*", "none"]}]})
                documented += 1
            except client.exceptions.ClientError as e:
                if e.response["Error"]["Code"] == "InvalidAction":
                    break
                refused.append((name, found))
            except Exception:  # an operation that needs more to be called
                break
    same((refused, documented > 400), ([], True), f"{documented} documented filters")
    step(f"{documented} documented filters")

# A load balancer with rules.
target_groups = [elb("CreateTargetGroup", Name=f"ops-{n}", Protocol="HTTP", Port=8000, VpcId=VPC)["TargetGroups"][0]["TargetGroupArn"] for n in range(3)]
elb("ModifyTargetGroup", TargetGroupArn=target_groups[0], HealthCheckPath="/ready", HealthCheckIntervalSeconds=10, HealthCheckTimeoutSeconds=5)
elb("ModifyTargetGroupAttributes", TargetGroupArn=target_groups[0], Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}])
elb("RegisterTargets", TargetGroupArn=target_groups[0], Targets=[{"Id": i} for i in instances])
alb = elb("CreateLoadBalancer", Name="ops", Scheme="internal", Subnets=SUBNETS, SecurityGroups=groups[2:3])["LoadBalancers"][0]["LoadBalancerArn"]
spare = elb("CreateLoadBalancer", Name="ops-spare", Scheme="internal", Subnets=SUBNETS, SecurityGroups=groups[2:3])["LoadBalancers"][0]["LoadBalancerArn"]
elb("SetSecurityGroups", LoadBalancerArn=alb, SecurityGroups=groups[3:5])
elb("ModifyLoadBalancerAttributes", LoadBalancerArn=alb, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "30"}])
listeners = [elb("CreateListener", LoadBalancerArn=alb, Protocol="HTTP", Port=port, DefaultActions=[{"Type": "forward", "TargetGroupArn": target_groups[0]}])
             ["Listeners"][0]["ListenerArn"] for port in (80, 81)]
elb("ModifyListener", ListenerArn=listeners[1], Port=82)
elb("ModifyListenerAttributes", ListenerArn=listeners[0], Attributes=[{"Key": "routing.http.response.server.enabled", "Value": "true"}])
rules = [elb("CreateRule", ListenerArn=listeners[0], Priority=n, Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{n}/*"]}}],
             Actions=[{"Type": "forward", "TargetGroupArn": target_groups[n]}])["Rules"][0]["RuleArn"] for n in (1, 2)]
elb("ModifyRule", RuleArn=rules[0], Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["one.example"]}}])
elb("SetRulePriorities", RulePriorities=[{"RuleArn": rules[0], "Priority": 20}, {"RuleArn": rules[1], "Priority": 10}])
same([r["Priority"] for r in elb("DescribeRules", ListenerArn=listeners[0])["Rules"]], ["10", "20", "default"], "priorities")
elb("AddTags", ResourceArns=[alb, target_groups[0]], Tags=tags)
elb("RemoveTags", ResourceArns=[alb], TagKeys=["l"])
same([len(d["Tags"]) for d in elb("DescribeTags", ResourceArns=[alb, target_groups[0]])["TagDescriptions"]], [1, 2], "tags")
for operation, key, args, n in [("DescribeLoadBalancers", "LoadBalancers", {}, 2), ("DescribeTargetGroups", "TargetGroups", {}, 3),
                                ("DescribeListeners", "Listeners", {"LoadBalancerArn": alb}, 2), ("DescribeRules", "Rules", {"ListenerArn": listeners[0]}, 3)]:
    listed("elbv2", operation, key, 1, n, **args)
same(len(elb("DescribeTargetHealth", TargetGroupArn=target_groups[0])["TargetHealthDescriptions"]), 2, "targets")
for operation, args in [("DescribeLoadBalancerAttributes", {"LoadBalancerArn": alb}), ("DescribeTargetGroupAttributes", {"TargetGroupArn": target_groups[0]}),
                        ("DescribeListenerAttributes", {"ListenerArn": listeners[0]})]:
    same(len(elb(operation, **args)["Attributes"]) > 0, True, operation)
elb("DescribeCapacityReservation", LoadBalancerArn=alb)

# An HTTP API, changed in each of its parts.
links = [api("CreateVpcLink", Name=f"ops-{n}", SubnetIds=SUBNETS, SecurityGroupIds=groups[5:])["VpcLinkId"] for n in range(2)]
same(api("UpdateVpcLink", VpcLinkId=links[0], Name="ops-renamed")["Name"], "ops-renamed", "name of the link")
http = api("CreateApi", Name="ops", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": ["https://one.example"]})["ApiId"]
other = api("CreateApi", Name="ops-other", ProtocolType="HTTP")["ApiId"]
api("DeleteCorsConfiguration", ApiId=http)
api("UpdateApi", ApiId=http, Description="of the operations")
got = api("GetApi", ApiId=http)
same((got["Description"], "CorsConfiguration" in got), ("of the operations", False), "API")
integrations = [api("CreateIntegration", ApiId=http, IntegrationType="HTTP_PROXY", IntegrationMethod="ANY", ConnectionType="VPC_LINK", ConnectionId=links[0],
                    IntegrationUri=listeners[0], PayloadFormatVersion="1.0")["IntegrationId"] for _ in range(2)]
api("UpdateIntegration", ApiId=http, IntegrationId=integrations[0], TimeoutInMillis=5000)
same(api("GetIntegration", ApiId=http, IntegrationId=integrations[0])["TimeoutInMillis"], 5000, "timeout")
routes = [api("CreateRoute", ApiId=http, RouteKey=key, Target=f"integrations/{integrations[0]}")["RouteId"] for key in ("ANY /{proxy+}", "GET /one")]
api("UpdateRoute", ApiId=http, RouteId=routes[1], RouteKey="GET /two")
same(api("GetRoute", ApiId=http, RouteId=routes[1])["RouteKey"], "GET /two", "route key")
deployments = [api("CreateDeployment", ApiId=http)["DeploymentId"] for _ in range(2)]
api("CreateStage", ApiId=http, StageName="$default", AutoDeploy=True)
api("CreateStage", ApiId=http, StageName="v1", DeploymentId=deployments[0], RouteSettings={"GET /two": {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 5}},
    AccessLogSettings={"DestinationArn": f"arn:aws:logs:{REGION}:{account}:log-group:ops", "Format": "$context.requestId"})
api("UpdateStage", ApiId=http, StageName="v1", DeploymentId=deployments[1], StageVariables={"colour": "blue"})
api("DeleteRouteSettings", ApiId=http, StageName="v1", RouteKey="GET /two")
api("DeleteAccessLogSettings", ApiId=http, StageName="v1")
got = api("GetStage", ApiId=http, StageName="v1")
same((got["DeploymentId"], got["StageVariables"], "AccessLogSettings" in got), (deployments[1], {"colour": "blue"}, False), "stage")
arn = f"arn:aws:apigateway:{REGION}::/apis/{http}/stages/$default"
api("TagResource", ResourceArn=arn, Tags={"k": "v", "l": "v"})
api("UntagResource", ResourceArn=arn, TagKeys=["l"])
same(api("GetTags", ResourceArn=arn)["Tags"], {"k": "v"}, "tags of the stage")
api("GetDeployment", ApiId=http, DeploymentId=deployments[1])
api("GetVpcLink", VpcLinkId=links[0])
for operation, args, n in [("GetApis", {}, 2), ("GetRoutes", {"ApiId": http}, 2), ("GetIntegrations", {"ApiId": http}, 2), ("GetStages", {"ApiId": http}, 2),
                           ("GetDeployments", {"ApiId": http}, 2), ("GetVpcLinks", {}, 2)]:
    listed("apigatewayv2", operation, "Items", 1, n, **args)
step("every describe, list and get")

# The way back.
for stage in ("$default", "v1"):
    api("DeleteStage", ApiId=http, StageName=stage)
for d in deployments:
    api("DeleteDeployment", ApiId=http, DeploymentId=d)
for r in routes:
    api("DeleteRoute", ApiId=http, RouteId=r)
for i in integrations:
    api("DeleteIntegration", ApiId=http, IntegrationId=i)
for a in (http, other):
    api("DeleteApi", ApiId=a)
for link in links:
    api("DeleteVpcLink", VpcLinkId=link)
for r in rules:
    elb("DeleteRule", RuleArn=r)
for listener in listeners:
    elb("DeleteListener", ListenerArn=listener)
for arn in (alb, spare):
    elb("DeleteLoadBalancer", LoadBalancerArn=arn)
elb("DeregisterTargets", TargetGroupArn=target_groups[0], Targets=[{"Id": i} for i in instances])
for arn in target_groups:
    elb("DeleteTargetGroup", TargetGroupArn=arn)
ec2("TerminateInstances", InstanceIds=[*instances, templated["InstanceId"]])
ec2("DeleteLaunchTemplate", LaunchTemplateId=template)
for g in groups:
    ec2("DeleteSecurityGroup", GroupId=g)
ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint])
ec2("DeleteNatGateway", NatGatewayId=nat)
ec2("DisassociateRouteTable", AssociationId=association)
ec2("DeleteRoute", RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0")
for t in tables:
    ec2("DeleteRouteTable", RouteTableId=t)
ec2("ReleaseAddress", AllocationId=address)
ec2("DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
ec2("DeleteInternetGateway", InternetGatewayId=gateway)
for s in subnets:
    ec2("DeleteSubnet", SubnetId=s)
ec2("DeleteVpc", VpcId=vpc)
for p in ("ops", "ops-spare"):
    iam("RemoveRoleFromInstanceProfile", InstanceProfileName=p, RoleName="ops")
    iam("DeleteInstanceProfile", InstanceProfileName=p)
for p in policies:
    iam("DetachRolePolicy", RoleName="ops", PolicyArn=p)
for p in ("files", "logs"):
    iam("DeleteRolePolicy", RoleName="ops", PolicyName=p)
iam("DeleteRole", RoleName="ops")
step("everything deleted in order")
