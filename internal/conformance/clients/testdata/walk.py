"""The article's walk with boto3: waiters, paginators, every describe, list and
get, error cases by code, and the way back. Prints a line per step."""
import json
import os
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1})
ec2, elb, api, iam, ssm, sts = (boto3.client(s, config=once) for s in ("ec2", "elbv2", "apigatewayv2", "iam", "ssm", "sts"))
VPC, SUBNETS = os.environ["VPC_ID"], [os.environ["SUBNET_A"], os.environ["SUBNET_B"]]


def step(what):
    print("ok", what)


def same(got, want, what):
    if got != want:
        raise SystemExit(f"FAILED {what}: got {got!r}, want {want!r}")


def refused(code, status, call, **args):
    try:
        call(**args)
    except ClientError as e:
        same((e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]), (code, status), f"{call.__name__} {args}")
        step(f"{code} {status} from {call.__name__}")
        return e.response
    raise SystemExit(f"FAILED {call.__name__} {args}: no error, want {code}")


def status(answer, want):
    same(answer["ResponseMetadata"]["HTTPStatusCode"], want, "status of an answer")
    return answer


def wait(client, name, **args):
    client.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 20}, **args)
    step(f"wait {name}")


def all_pages(client, name, key, size, **args):
    """Reads with the smallest page that the service takes and all at once."""
    pages = list(client.get_paginator(name).paginate(PaginationConfig={"PageSize": size}, **args))
    items = [i for p in pages for i in p[key]]
    whole = getattr(client, name)(**args)[key]
    same(items, whole, f"pages of {name}")
    same(len(pages), max(1, -(-len(whole) // size)), f"number of pages of {name}")
    step(f"{name}: {len(items)} in {len(pages)} pages")
    return items


def group(name):
    return ec2.create_security_group(GroupName=name, Description=name, VpcId=VPC)["GroupId"]


def allow(to, source, port):
    ec2.authorize_security_group_ingress(GroupId=to, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": source}]}])


same(sts.get_caller_identity()["Account"], "000000000000", "account")
ami = ssm.get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", WithDecryption=True)["Parameter"]["Value"]
refused("ParameterNotFound", 400, ssm.get_parameter, Name="/none")
same(ssm.get_parameters(Names=["/none"])["InvalidParameters"], ["/none"], "invalid parameters")
link_sg, alb_sg, ec2_sg = group("walk-vpclink-sg"), group("walk-alb-sg"), group("walk-ec2-sg")
allow(alb_sg, link_sg, 80)
allow(ec2_sg, alb_sg, 8000)
more = [group(f"walk-{n}") for n in range(12)]
wait(ec2, "security_group_exists", GroupIds=more)

made = ec2.run_instances(ImageId=ami, InstanceType="t3.micro", MinCount=2, MaxCount=2, SubnetId=SUBNETS[0], SecurityGroupIds=[ec2_sg],
                         UserData="#!/bin/bash\nport=8000", TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "walk"}]}])
instances = [i["InstanceId"] for i in made["Instances"]]
wait(ec2, "instance_exists", InstanceIds=instances)
wait(ec2, "instance_running", InstanceIds=instances)
wait(ec2, "instance_status_ok", InstanceIds=instances)
wait(ec2, "system_status_ok", InstanceIds=instances)
refused("DryRunOperation", 412, ec2.terminate_instances, InstanceIds=instances, DryRun=True)
refused("IdempotentParameterMismatch", 400, lambda **a: [ec2.run_instances(ImageId=ami, MinCount=1, MaxCount=1, ClientToken="t", DryRun=False, **a),
        ec2.run_instances(ImageId=ami, MinCount=1, MaxCount=1, ClientToken="t", SubnetId=SUBNETS[0], InstanceType="t3.small")],
        InstanceType="t3.micro", SubnetId=SUBNETS[0])
again = ec2.run_instances(ImageId=ami, MinCount=1, MaxCount=1, ClientToken="t", InstanceType="t3.micro", SubnetId=SUBNETS[0])
instances += [i["InstanceId"] for i in again["Instances"]]

tg = elb.create_target_group(Name="walk-tg", Protocol="HTTP", Port=8000, VpcId=VPC, HealthCheckPath="/health", TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
same(elb.create_target_group(Name="walk-tg", Protocol="HTTP", Port=8000, VpcId=VPC, HealthCheckPath="/health", TargetType="instance")["TargetGroups"][0]["TargetGroupArn"], tg, "the same target group")
refused("DuplicateTargetGroupName", 400, elb.create_target_group, Name="walk-tg", Protocol="HTTP", Port=81, VpcId=VPC)
others = [elb.create_target_group(Name=f"walk-tg-{n}", Protocol="HTTP", Port=80, VpcId=VPC)["TargetGroups"][0]["TargetGroupArn"] for n in range(3)]
targets = [{"Id": i, "Port": 8000} for i in instances[:2]]
elb.register_targets(TargetGroupArn=tg, Targets=targets)
refused("InvalidTarget", 400, elb.register_targets, TargetGroupArn=tg, Targets=[{"Id": "i-0123456789abcdef0"}])
alb = elb.create_load_balancer(Name="walk-alb", Scheme="internal", Subnets=SUBNETS, SecurityGroups=[alb_sg])["LoadBalancers"][0]["LoadBalancerArn"]
wait(elb, "load_balancer_exists", LoadBalancerArns=[alb])
wait(elb, "load_balancer_available", LoadBalancerArns=[alb])
listener = elb.create_listener(LoadBalancerArn=alb, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": tg}])["Listeners"][0]["ListenerArn"]
wait(elb, "target_in_service", TargetGroupArn=tg, Targets=targets)

link = status(api.create_vpc_link(Name="walk", SubnetIds=SUBNETS, SecurityGroupIds=[link_sg], Tags={"team": "blue"}), 201)["VpcLinkId"]
http = status(api.create_api(Name="walk", ProtocolType="HTTP", Tags={"team": "blue"}), 201)
api_id = http["ApiId"]
integration = status(api.create_integration(ApiId=api_id, IntegrationType="HTTP_PROXY", IntegrationMethod="ANY", ConnectionType="VPC_LINK",
                                            ConnectionId=link, IntegrationUri=listener, PayloadFormatVersion="1.0"), 201)["IntegrationId"]
route = status(api.create_route(ApiId=api_id, RouteKey="ANY /{proxy+}", Target=f"integrations/{integration}"), 201)["RouteId"]
more_routes = [api.create_route(ApiId=api_id, RouteKey=f"GET /r{n}")["RouteId"] for n in range(4)]
stage = status(api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True), 201)
# Not every resolver knows names below localhost, so the endpoint is dialled.
host = urlsplit(http["ApiEndpoint"]).netloc
with urlopen(Request(os.environ["AWS_ENDPOINT_URL"] + "/service-a", headers={"Host": host})) as answer:
    same(answer.status, 200, "invoke URL")
step("request through the invoke URL")

# Everything that can be read, in pages where the service has them.
for name, key, args in [
    ("describe_instances", "Reservations", {}), ("describe_instance_status", "InstanceStatuses", {}), ("describe_vpcs", "Vpcs", {}),
    ("describe_subnets", "Subnets", {}), ("describe_route_tables", "RouteTables", {}), ("describe_security_groups", "SecurityGroups", {}),
    ("describe_security_group_rules", "SecurityGroupRules", {}), ("describe_network_interfaces", "NetworkInterfaces", {}),
    ("describe_volumes", "Volumes", {}), ("describe_tags", "Tags", {}), ("describe_images", "Images", {"Owners": ["amazon"]}),
    ("describe_internet_gateways", "InternetGateways", {}), ("describe_nat_gateways", "NatGateways", {}),
    ("describe_addresses_attribute", "Addresses", {"Attribute": "domain-name"}), ("describe_vpc_endpoints", "VpcEndpoints", {}),
    ("describe_prefix_lists", "PrefixLists", {}), ("describe_network_acls", "NetworkAcls", {}), ("describe_instance_types", "InstanceTypes", {}),
    ("describe_instance_credit_specifications", "InstanceCreditSpecifications", {}),
]:
    if name == "describe_instances":  # a page is cut between instances: see docs/simulator.md
        pages = ec2.get_paginator(name).paginate(PaginationConfig={"PageSize": 5})
        same(sorted(i["InstanceId"] for p in pages for r in p["Reservations"] for i in r["Instances"]),
             sorted(i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]), name)
        step(name)
        continue
    all_pages(ec2, name, key, 5, **args)
ec2.describe_availability_zones()
ec2.get_console_output(InstanceId=instances[0])
refused("InvalidNextToken", 400, ec2.describe_vpcs, NextToken="bogus")
for name, key, args in [("describe_load_balancers", "LoadBalancers", {}), ("describe_target_groups", "TargetGroups", {}),
                        ("describe_listeners", "Listeners", {"LoadBalancerArn": alb}), ("describe_rules", "Rules", {"ListenerArn": listener})]:
    all_pages(elb, name, key, 1, **args)
same(elb.describe_rules(ListenerArn=listener)["Rules"][-1]["IsDefault"], True, "default rule")
same(len(elb.describe_target_health(TargetGroupArn=tg)["TargetHealthDescriptions"]), 2, "targets")
same(elb.describe_load_balancer_attributes(LoadBalancerArn=alb)["Attributes"] != [], True, "load balancer attributes")
same(elb.describe_target_group_attributes(TargetGroupArn=tg)["Attributes"] != [], True, "target group attributes")
elb.add_tags(ResourceArns=[alb, tg], Tags=[{"Key": "team", "Value": "blue"}])
same([d["Tags"] for d in elb.describe_tags(ResourceArns=[alb, tg])["TagDescriptions"]], [[{"Key": "team", "Value": "blue"}]] * 2, "tags")
for name, key, args in [("get_apis", "Items", {}), ("get_routes", "Items", {"ApiId": api_id}), ("get_integrations", "Items", {"ApiId": api_id}),
                        ("get_stages", "Items", {"ApiId": api_id}), ("get_deployments", "Items", {"ApiId": api_id})]:
    all_pages(api, name, key, 1, **args)
spare = status(api.create_vpc_link(Name="walk-spare", SubnetIds=SUBNETS), 201)["VpcLinkId"]
first = api.get_vpc_links(MaxResults="1")  # the service pages these, but its model names no paginator
rest = api.get_vpc_links(MaxResults="1", NextToken=first["NextToken"])
same((sorted(i["VpcLinkId"] for p in (first, rest) for i in p["Items"]), rest.get("NextToken")), (sorted([link, spare]), None), "pages of get_vpc_links")
step("get_vpc_links: 2 in 2 pages")
status(api.delete_vpc_link(VpcLinkId=spare), 202)
same(api.get_vpc_link(VpcLinkId=link)["VpcLinkStatus"], "AVAILABLE", "VPC link")
same(api.get_api(ApiId=api_id)["Tags"], {"team": "blue"}, "tags of the API")
same(api.get_route(ApiId=api_id, RouteId=route)["RouteKey"], "ANY /{proxy+}", "route")
same(api.get_integration(ApiId=api_id, IntegrationId=integration)["ConnectionId"], link, "integration")
same(api.get_stage(ApiId=api_id, StageName="$default")["AutoDeploy"], True, "stage")
deployment = api.get_deployments(ApiId=api_id)["Items"][0]["DeploymentId"]
same(api.get_deployment(ApiId=api_id, DeploymentId=deployment)["DeploymentStatus"], "DEPLOYED", "deployment")
same(api.get_tags(ResourceArn=f"arn:aws:apigateway:{ec2.meta.region_name}::/vpclinks/{link}")["Tags"], {"team": "blue"}, "tags of the link")
for call, key, args in [
    (ec2.describe_addresses, "Addresses", {}),
    (ec2.describe_vpc_attribute, "EnableDnsSupport", {"VpcId": VPC, "Attribute": "enableDnsSupport"}),
    (ec2.describe_instance_attribute, "UserData", {"InstanceId": instances[0], "Attribute": "userData"}),
    (elb.describe_listener_attributes, "Attributes", {"ListenerArn": listener}),
    (elb.describe_capacity_reservation, "CapacityReservationState", {"LoadBalancerArn": alb}),
]:
    same(key in call(**args), True, f"{call.__name__} has {key}")
step("reads that have one page")

# A role with a profile, and an instance that has it.
trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
tags = [{"Key": k, "Value": "v"} for k in ("k", "l")]
role = iam.create_role(RoleName="walk", AssumeRolePolicyDocument=trust, Tags=tags)["Role"]
same(role["AssumeRolePolicyDocument"]["Statement"][0]["Action"], "sts:AssumeRole", "trust policy, decoded")
refused("EntityAlreadyExists", 409, iam.create_role, RoleName="walk", AssumeRolePolicyDocument=trust)
ssm_core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
more_policies = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
for arn in [ssm_core, more_policies]:
    iam.attach_role_policy(RoleName="walk", PolicyArn=arn)
read_only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
for name in ["files", "logs"]:
    iam.put_role_policy(RoleName="walk", PolicyName=name, PolicyDocument=json.dumps(read_only))
iam.create_role(RoleName="walk-spare", AssumeRolePolicyDocument=trust)
iam.create_instance_profile(InstanceProfileName="walk", Tags=tags)
iam.create_instance_profile(InstanceProfileName="walk-spare")
iam.add_role_to_instance_profile(InstanceProfileName="walk-spare", RoleName="walk")
iam.add_role_to_instance_profile(InstanceProfileName="walk", RoleName="walk")
wait(iam, "role_exists", RoleName="walk")
wait(iam, "instance_profile_exists", InstanceProfileName="walk")
same(iam.get_instance_profile(InstanceProfileName="walk")["InstanceProfile"]["Roles"][0]["RoleName"], "walk", "role of the profile")
same(iam.get_role_policy(RoleName="walk", PolicyName="files")["PolicyDocument"], read_only, "inline policy, decoded")
refused("NoSuchEntity", 404, iam.get_role_policy, RoleName="walk", PolicyName="none")
for name, key, args, want in [
    ("list_roles", "Roles", {}, 2), ("list_instance_profiles", "InstanceProfiles", {}, 2),
    ("list_instance_profiles_for_role", "InstanceProfiles", {"RoleName": "walk"}, 2), ("list_role_policies", "PolicyNames", {"RoleName": "walk"}, 2),
    ("list_attached_role_policies", "AttachedPolicies", {"RoleName": "walk"}, 2), ("list_role_tags", "Tags", {"RoleName": "walk"}, 2),
    ("list_instance_profile_tags", "Tags", {"InstanceProfileName": "walk"}, 2),
]:
    same(len(all_pages(iam, name, key, 1, **args)), want, name)
same(iam.list_role_tags(RoleName="walk")["Tags"], tags, "tags of the role")
step("every describe, list and get")
with_profile = dict(ImageId=ami, InstanceType="t3.micro", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "walk"}, DryRun=True)
refused("DryRunOperation", 412, ec2.run_instances, SubnetId=SUBNETS[0], **with_profile)
there = boto3.client("ec2", region_name="eu-west-1", config=once)  # IAM is the same in every Region, VPCs are not
refused("InvalidVpcID.NotFound", 400, there.describe_vpcs, VpcIds=[VPC])
vpc = there.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
subnet = there.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
refused("DryRunOperation", 412, there.run_instances, SubnetId=subnet, **with_profile)
refused("DeleteConflict", 409, iam.delete_role, RoleName="walk")
for name in ["walk", "walk-spare"]:
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName="walk")
    iam.delete_instance_profile(InstanceProfileName=name)
for arn in [ssm_core, more_policies]:
    iam.detach_role_policy(RoleName="walk", PolicyArn=arn)
for name in ["files", "logs"]:
    iam.delete_role_policy(RoleName="walk", PolicyName=name)
for name in ["walk", "walk-spare"]:
    iam.delete_role(RoleName=name)
refused("NoSuchEntity", 404, iam.get_role, RoleName="walk")

# A network of one's own, as Terraform makes it.
vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
wait(ec2, "vpc_available", VpcIds=[vpc])
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
wait(ec2, "subnet_available", SubnetIds=[subnet])
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
address = ec2.allocate_address(Domain="vpc")["AllocationId"]
nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
wait(ec2, "nat_gateway_available", NatGatewayIds=[nat])
table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
same([r.get("GatewayId") for r in ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]], ["local", igw], "routes")
refused("DependencyViolation", 400, ec2.delete_vpc, VpcId=vpc)
ec2.delete_nat_gateway(NatGatewayId=nat)
wait(ec2, "nat_gateway_deleted", NatGatewayIds=[nat])
ec2.release_address(AllocationId=address)
ec2.disassociate_route_table(AssociationId=association)
ec2.delete_route_table(RouteTableId=table)
ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=igw)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
refused("InvalidVpcID.NotFound", 400, ec2.describe_vpcs, VpcIds=[vpc])
step("a network made and deleted")

refused("ConflictException", 409, api.create_stage, ApiId=api_id, StageName="$default")
refused("NotFoundException", 404, api.get_route, ApiId=api_id, RouteId="0000000")
refused("BadRequestException", 400, api.create_vpc_link, Name="x", SubnetIds=["subnet-0123456789abcdef0"])
refused("BadRequestException", 400, api.delete_vpc_link, VpcLinkId=link)
refused("ConflictException", 409, api.delete_integration, ApiId=api_id, IntegrationId=integration)
refused("ResourceInUse", 400, elb.delete_target_group, TargetGroupArn=tg)
refused("DependencyViolation", 400, ec2.delete_security_group, GroupId=alb_sg)
refused("ValidationError", 400, elb.create_load_balancer, Name="one", Scheme="internal", Subnets=SUBNETS[:1])

for r in [route, *more_routes]:
    status(api.delete_route(ApiId=api_id, RouteId=r), 204)
status(api.delete_integration(ApiId=api_id, IntegrationId=integration), 204)
status(api.delete_stage(ApiId=api_id, StageName="$default"), 204)
status(api.delete_api(ApiId=api_id), 204)
status(api.delete_vpc_link(VpcLinkId=link), 202)
refused("NotFoundException", 404, api.get_vpc_link, VpcLinkId=link)
elb.delete_listener(ListenerArn=listener)
elb.delete_load_balancer(LoadBalancerArn=alb)
wait(elb, "load_balancers_deleted", LoadBalancerArns=[alb])
elb.deregister_targets(TargetGroupArn=tg, Targets=targets)
wait(elb, "target_deregistered", TargetGroupArn=tg, Targets=targets)
for arn in [tg, *others]:
    elb.delete_target_group(TargetGroupArn=arn)
ec2.terminate_instances(InstanceIds=instances)
wait(ec2, "instance_terminated", InstanceIds=instances)
for g in [ec2_sg, alb_sg, link_sg, *more]:
    ec2.delete_security_group(GroupId=g)
step("everything deleted in order")
