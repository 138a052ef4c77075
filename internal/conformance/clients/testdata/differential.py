"""One script for two implementations of AWS: it makes the chain, goes wrong
here and there, reads everything, and takes it down. It prints JSON: for every
step the answer or the error, without what must differ (ids, times, addresses).
"""
import datetime
import json
import os
import re
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

once = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
ec2, elb, api, sts = (boto3.client(s, config=once) for s in ("ec2", "elbv2", "apigatewayv2", "sts"))
names, steps = {}, {}


def known(name, value):
    """Lets value be called <name> in every answer from here on."""
    if value:
        names[value] = f"<{name}>"
    return value


def plain(v):
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items() if k not in ("ResponseMetadata", "NextToken")}
    if isinstance(v, list) and v and all(isinstance(x, dict) and set(x) == {"Key", "Value"} for x in v):
        return {x["Key"]: plain(x["Value"]) for x in v}
    if isinstance(v, list):
        return sorted((plain(x) for x in v), key=lambda x: json.dumps(x, sort_keys=True))
    if isinstance(v, (datetime.datetime, datetime.date)):
        return "<time>"
    if not isinstance(v, str):
        return v
    for value in sorted(names, key=len, reverse=True):  # an ARN before the id in it
        v = v.replace(value, names[value])
    v = re.sub(r"\b(?!pl-|us-)([a-z]{1,8})-[0-9a-f]{8,17}\b", r"<\1>", v)
    v = re.sub(r"\b\d+\.\d+\.\d+\.\d+\b(?!/)", "<address>", v)
    v = re.sub(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "<mac>", v)
    v = re.sub(r"ip-[\d-]+\.", "<host>.", v)
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC| GMT)?", "<time>", v)


def do(step, call, **args):
    """Carries out a step and returns its answer, {} when it was refused."""
    try:
        out = call(**args)
        steps[step] = {"status": out["ResponseMetadata"]["HTTPStatusCode"], "answer": out}
        return out
    except ClientError as e:
        steps[step] = {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "error": e.response["Error"]["Code"],
                       "message": e.response["Error"]["Message"]}
        return {}


def at(answer, *path):
    for p in path:
        try:
            answer = answer[p]
        except (KeyError, IndexError):
            return None
    return answer


do("identity", sts.get_caller_identity)
vpc = known("vpc", at(do("vpc", ec2.create_vpc, CidrBlock="10.9.0.0/16"), "Vpc", "VpcId"))
a = known("subnet-a", at(do("subnet a", ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.0.0/24", AvailabilityZone="ap-northeast-1a"), "Subnet", "SubnetId"))
c = known("subnet-c", at(do("subnet c", ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.1.0/24", AvailabilityZone="ap-northeast-1c"), "Subnet", "SubnetId"))
do("subnet in conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.9.0.0/25")
do("vpcs", ec2.describe_vpcs, VpcIds=[vpc])
do("subnets", ec2.describe_subnets, Filters=[{"Name": "vpc-id", "Values": [vpc]}])
do("unknown vpc", ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"])

alb_sg = known("alb-sg", at(do("group", ec2.create_security_group, GroupName="d-alb", Description="d", VpcId=vpc), "GroupId"))
ec2_sg = known("ec2-sg", at(do("group 2", ec2.create_security_group, GroupName="d-ec2", Description="d", VpcId=vpc), "GroupId"))
do("group twice", ec2.create_security_group, GroupName="d-alb", Description="d", VpcId=vpc)
do("group dry", ec2.create_security_group, GroupName="d-dry", Description="d", VpcId=vpc, DryRun=True)
rule = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "UserIdGroupPairs": [{"GroupId": alb_sg}]}
do("rule", ec2.authorize_security_group_ingress, GroupId=ec2_sg, IpPermissions=[rule])
do("rule twice", ec2.authorize_security_group_ingress, GroupId=ec2_sg, IpPermissions=[rule])
do("groups", ec2.describe_security_groups, GroupIds=[alb_sg, ec2_sg])
do("rules", ec2.describe_security_group_rules, Filters=[{"Name": "group-id", "Values": [ec2_sg]}])
do("unknown group", ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
do("group in use", ec2.delete_security_group, GroupId=alb_sg)

image = os.environ["IMAGE"]
names[image] = "<image>"
launch = dict(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=a, SecurityGroupIds=[ec2_sg], ClientToken="d-1")
i = known("instance", at(do("launch", ec2.run_instances, **launch), "Instances", 0, "InstanceId"))
second = at(do("launch again", ec2.run_instances, **launch), "Instances", 0, "InstanceId")
steps["launch again"] = {"same instance": second == i}
if second != i:
    ec2.terminate_instances(InstanceIds=[second])
do("launch dry", ec2.run_instances, DryRun=True, **{**launch, "ClientToken": "d-2"})
do("launch unknown image", ec2.run_instances, **{**launch, "ClientToken": "d-3", "ImageId": "ami-0123456789abcdef0", "DryRun": True})
do("launch unknown subnet", ec2.run_instances, **{**launch, "ClientToken": "d-4", "SubnetId": "subnet-0123456789abcdef0"})
do("instances", ec2.describe_instances, InstanceIds=[i])
do("instance status", ec2.describe_instance_status, InstanceIds=[i])
do("unknown instance", ec2.describe_instances, InstanceIds=["i-0123456789abcdef0"])

tg = known("tg", at(do("target group", elb.create_target_group, Name="d-tg", Protocol="HTTP", Port=8000, VpcId=vpc, HealthCheckPath="/health"), "TargetGroups", 0, "TargetGroupArn"))
do("target group again", elb.create_target_group, Name="d-tg", Protocol="HTTP", Port=8000, VpcId=vpc, HealthCheckPath="/health")
do("target group other", elb.create_target_group, Name="d-tg", Protocol="HTTP", Port=81, VpcId=vpc)
do("target group attributes", elb.describe_target_group_attributes, TargetGroupArn=tg)
do("unknown target group", elb.describe_target_groups, Names=["none"])
do("register", elb.register_targets, TargetGroupArn=tg, Targets=[{"Id": i}])
do("target health", elb.describe_target_health, TargetGroupArn=tg)
made = do("load balancer", elb.create_load_balancer, Name="d-alb", Scheme="internal", Subnets=[a, c], SecurityGroups=[alb_sg])
lb = at(made, "LoadBalancers", 0, "LoadBalancerArn")
known("alb", lb)
known("alb-path", lb and lb.split(":loadbalancer/")[1])
known("alb-dns", at(made, "LoadBalancers", 0, "DNSName"))
do("load balancer in one zone", elb.create_load_balancer, Name="d-one", Scheme="internal", Subnets=[a])
do("load balancer other", elb.create_load_balancer, Name="d-alb", Scheme="internal", Subnets=[a, c], SecurityGroups=[ec2_sg])
do("load balancers", elb.describe_load_balancers, LoadBalancerArns=[lb])
do("unknown load balancer", elb.describe_load_balancers, Names=["none"])
forward = [{"Type": "forward", "TargetGroupArn": tg}]
listener = known("listener", at(do("listener", elb.create_listener, LoadBalancerArn=lb, Protocol="HTTP", Port=80, DefaultActions=forward), "Listeners", 0, "ListenerArn"))
do("listeners", elb.describe_listeners, LoadBalancerArn=lb)
do("target group in use", elb.delete_target_group, TargetGroupArn=tg)
do("interfaces of the load balancer", ec2.describe_network_interfaces, Filters=[{"Name": "requester-id", "Values": ["amazon-elb"]}])

link = known("link", at(do("link", api.create_vpc_link, Name="d", SubnetIds=[a, c], SecurityGroupIds=[alb_sg], Tags={"k": "v"}), "VpcLinkId"))
do("get link", api.get_vpc_link, VpcLinkId=link)
do("link in unknown subnet", api.create_vpc_link, Name="d", SubnetIds=["subnet-0123456789abcdef0"])
http = do("api", api.create_api, Name="d", ProtocolType="HTTP", Tags={"k": "v"})
h = known("api", at(http, "ApiId"))
do("get api", api.get_api, ApiId=h)
do("unknown api", api.get_api, ApiId="0000000000")
integrate = dict(ApiId=h, IntegrationType="HTTP_PROXY", IntegrationMethod="ANY", ConnectionType="VPC_LINK", ConnectionId=link, IntegrationUri=listener, PayloadFormatVersion="1.0")
n = known("integration", at(do("integration", api.create_integration, **integrate), "IntegrationId"))
do("integration on no link", api.create_integration, **{**integrate, "ConnectionId": "000000"})
r = known("route", at(do("route", api.create_route, ApiId=h, RouteKey="ANY /{proxy+}", Target=f"integrations/{n}"), "RouteId"))
do("route twice", api.create_route, ApiId=h, RouteKey="ANY /{proxy+}")
deployed = do("stage", api.create_stage, ApiId=h, StageName="$default", AutoDeploy=True)
do("stage twice", api.create_stage, ApiId=h, StageName="$default")
do("get stage", api.get_stage, ApiId=h, StageName="$default")
do("routes", api.get_routes, ApiId=h)
do("integrations", api.get_integrations, ApiId=h)
do("tag api", api.tag_resource, ResourceArn=f"arn:aws:apigateway:ap-northeast-1::/apis/{h}", Tags={"more": "yes"})
do("tag stage", api.tag_resource, ResourceArn=f"arn:aws:apigateway:ap-northeast-1::/apis/{h}/stages/$default", Tags={"more": "yes"})
do("integration in use", api.delete_integration, ApiId=h, IntegrationId=n)
do("link in use", api.delete_vpc_link, VpcLinkId=link)

do("delete route", api.delete_route, ApiId=h, RouteId=r)
do("delete integration", api.delete_integration, ApiId=h, IntegrationId=n)
do("delete stage", api.delete_stage, ApiId=h, StageName="$default")
do("delete api", api.delete_api, ApiId=h)
do("delete link", api.delete_vpc_link, VpcLinkId=link)
do("delete unknown link", api.delete_vpc_link, VpcLinkId="000000")
do("delete listener", elb.delete_listener, ListenerArn=listener)
do("delete load balancer", elb.delete_load_balancer, LoadBalancerArn=lb)
do("deregister", elb.deregister_targets, TargetGroupArn=tg, Targets=[{"Id": i}])
do("delete target group", elb.delete_target_group, TargetGroupArn=tg)
do("terminate", ec2.terminate_instances, InstanceIds=[i])
do("delete group", ec2.delete_security_group, GroupId=ec2_sg)
do("delete group 2", ec2.delete_security_group, GroupId=alb_sg)
# Only now are all names known.
known("endpoint", at(http, "ApiEndpoint"))
known("deployment", at(deployed, "DeploymentId"))
json.dump(plain(steps), sys.stdout, indent=1, sort_keys=True, default=str)
