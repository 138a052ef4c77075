#!/usr/bin/env bash
# The article's walk through the console, with the AWS CLI: make the chain, look
# at all of it, go wrong in the ways of docs/aws-facts.md, section C, take it
# down in order.
# Reads VPC_ID, SUBNET_A, SUBNET_B; prints a line per step.
set -euo pipefail
export AWS_PAGER="" AWS_MAX_ATTEMPTS=1

step() { echo "ok $1"; }

# same GOT WANT WHAT
same() { [[ "$1" == "$2" ]] || { echo "FAILED $3: got '$1', want '$2'"; exit 1; }; }

# refused CODE COMMAND... : the CLI ends as it does for AWS's refusals (255 in
# version 1, 254 in version 2) and names the code.
refused() {
  local code=$1 out status=0
  shift
  out=$("$@" 2>&1) || status=$?
  [[ "$status" == 254 || "$status" == 255 ]] || { echo "FAILED $*: exit status $status: $out"; exit 1; }
  [[ "$out" == *"($code)"* ]] || { echo "FAILED $*: want $code, got $out"; exit 1; }
  step "$code from ${2} ${3}"
}

query() { local q=$1; shift; "$@" --query "$q" --output text; }

same "$(query Account aws sts get-caller-identity)" 000000000000 account
step "sts get-caller-identity"
ami=$(query Parameter.Value aws ssm get-parameter --name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64)
step "ssm get-parameter"
same "$(query 'Images[0].ImageId' aws ec2 describe-images --image-ids "$ami")" "$ami" image
step "ec2 describe-images"

group() { query GroupId aws ec2 create-security-group --group-name "$1" --description "$1" --vpc-id "$VPC_ID" --tag-specifications "ResourceType=security-group,Tags=[{Key=Name,Value=$1}]"; }
link_sg=$(group walk-vpclink-sg) alb_sg=$(group walk-alb-sg) ec2_sg=$(group walk-ec2-sg)
aws ec2 authorize-security-group-ingress --group-id "$alb_sg" --protocol tcp --port 80 --source-group "$link_sg" >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$ec2_sg" --protocol tcp --port 8000 --source-group "$alb_sg" >/dev/null
step "ec2 create-security-group, authorize-security-group-ingress"
refused InvalidGroup.Duplicate aws ec2 create-security-group --group-name walk-alb-sg --description x --vpc-id "$VPC_ID"
refused InvalidPermission.Duplicate aws ec2 authorize-security-group-ingress --group-id "$alb_sg" --protocol tcp --port 80 --source-group "$link_sg"
refused DryRunOperation aws ec2 create-security-group --dry-run --group-name never --description x --vpc-id "$VPC_ID"

launch=(aws ec2 run-instances --image-id "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  --instance-type t3.micro --subnet-id "$SUBNET_A" --security-group-ids "$ec2_sg" --user-data $'#!/bin/bash\nport=8000'
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=walk-ec2}]')
refused DryRunOperation "${launch[@]}" --dry-run
instance=$(query 'Instances[0].InstanceId' "${launch[@]}" --client-token walk-1)
same "$(query 'Instances[0].InstanceId' "${launch[@]}" --client-token walk-1)" "$instance" "instance of the same client token"
aws ec2 wait instance-running --instance-ids "$instance"
step "ec2 run-instances, wait instance-running"
aws ec2 wait instance-status-ok --instance-ids "$instance"
step "ec2 wait instance-status-ok"
refused InvalidInstanceID.NotFound aws ec2 describe-instances --instance-ids i-0123456789abcdef0
refused InvalidInstanceID.Malformed aws ec2 describe-instances --instance-ids i-x
refused InvalidAMIID.NotFound aws ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type t3.micro --subnet-id "$SUBNET_A"

target_group=$(query 'TargetGroups[0].TargetGroupArn' aws elbv2 create-target-group --name walk-tg --protocol HTTP --port 8000 --vpc-id "$VPC_ID" --health-check-path /health --target-type instance)
aws elbv2 register-targets --target-group-arn "$target_group" --targets "Id=$instance"
same "$(query 'TargetHealthDescriptions[0].TargetHealth.Reason' aws elbv2 describe-target-health --target-group-arn "$target_group")" Target.NotInUse "reason before the listener"
alb=$(query 'LoadBalancers[0].LoadBalancerArn' aws elbv2 create-load-balancer --name walk-alb --scheme internal --subnets "$SUBNET_A" "$SUBNET_B" --security-groups "$alb_sg")
aws elbv2 wait load-balancer-available --load-balancer-arns "$alb"
aws elbv2 wait load-balancer-exists --names walk-alb
step "elbv2 create-load-balancer, wait load-balancer-available"
listener=$(query 'Listeners[0].ListenerArn' aws elbv2 create-listener --load-balancer-arn "$alb" --protocol HTTP --port 80 --default-actions "Type=forward,TargetGroupArn=$target_group")
refused DuplicateListener aws elbv2 create-listener --load-balancer-arn "$alb" --protocol HTTP --port 80 --default-actions "Type=fixed-response,FixedResponseConfig={StatusCode=404}"
refused TargetGroupNotFound aws elbv2 describe-target-groups --names none
refused LoadBalancerNotFound aws elbv2 describe-load-balancers --names none
aws elbv2 wait target-in-service --target-group-arn "$target_group" --targets "Id=$instance"
step "elbv2 wait target-in-service"

link=$(query VpcLinkId aws apigatewayv2 create-vpc-link --name walk-vpclink --subnet-ids "$SUBNET_A" "$SUBNET_B" --security-group-ids "$link_sg")
same "$(query VpcLinkStatus aws apigatewayv2 get-vpc-link --vpc-link-id "$link")" AVAILABLE "VPC link"
api=$(query ApiId aws apigatewayv2 create-api --name walk-http-api --protocol-type HTTP --tags team=blue)
integrate=(aws apigatewayv2 create-integration --api-id "$api" --integration-type HTTP_PROXY --integration-method ANY --connection-type VPC_LINK --connection-id "$link" --payload-format-version 1.0)
refused BadRequestException "${integrate[@]}" --integration-uri "$alb"
integration=$(query IntegrationId "${integrate[@]}" --integration-uri "$listener")
route=$(query RouteId aws apigatewayv2 create-route --api-id "$api" --route-key 'ANY /{proxy+}' --target "integrations/$integration")
refused ConflictException aws apigatewayv2 create-route --api-id "$api" --route-key 'ANY /{proxy+}'
refused NotFoundException aws apigatewayv2 get-api --api-id 0000000000
aws apigatewayv2 create-stage --api-id "$api" --stage-name '$default' --auto-deploy >/dev/null
same "$(query 'AutoDeploy' aws apigatewayv2 get-stage --api-id "$api" --stage-name '$default')" True stage
aws apigatewayv2 tag-resource --resource-arn "arn:aws:apigateway:$AWS_REGION::/apis/$api/stages/\$default" --tags stage=yes
same "$(query Tags.stage aws apigatewayv2 get-tags --resource-arn "arn:aws:apigateway:$AWS_REGION::/apis/$api/stages/\$default")" yes "tag of the stage"
step "apigatewayv2 chain"
endpoint=$(query ApiEndpoint aws apigatewayv2 get-api --api-id "$api")
same "$(curl -s -o /dev/null -w '%{http_code}' "$endpoint/service-a")" 200 "curl $endpoint/service-a"
step "curl through the invoke URL"

# Pages: the CLI follows tokens by itself, and stops where it is told to.
pages() { local n; n=$(query "$1" "${@:3}" | wc -w); same "$n" "$2" "${*:3}"; step "pages of $4 $5"; }
pages 'SecurityGroups[].GroupId' 3 aws ec2 describe-security-groups --filters "Name=group-name,Values=walk-*" --page-size 5

pages 'SecurityGroupRules[].SecurityGroupRuleId' 2 aws ec2 describe-security-group-rules --filters "Name=group-id,Values=$alb_sg" --page-size 5
pages 'TargetGroups[].TargetGroupArn' 1 aws elbv2 describe-target-groups --page-size 1
pages 'Items[].RouteId' 1 aws apigatewayv2 get-routes --api-id "$api" --page-size 1
refused InvalidParameterValue aws ec2 describe-vpcs --filters Name=colour,Values=x

# What is used cannot go.
refused DependencyViolation aws ec2 delete-security-group --group-id "$alb_sg"
refused ResourceInUse aws elbv2 delete-target-group --target-group-arn "$target_group"
refused BadRequestException aws apigatewayv2 delete-vpc-link --vpc-link-id "$link"
refused ConflictException aws apigatewayv2 delete-integration --api-id "$api" --integration-id "$integration"

aws apigatewayv2 delete-route --api-id "$api" --route-id "$route"
aws apigatewayv2 delete-integration --api-id "$api" --integration-id "$integration"
aws apigatewayv2 delete-stage --api-id "$api" --stage-name '$default'
aws apigatewayv2 delete-api --api-id "$api"
aws apigatewayv2 delete-vpc-link --vpc-link-id "$link"
refused NotFoundException aws apigatewayv2 get-vpc-link --vpc-link-id "$link"
aws elbv2 delete-listener --listener-arn "$listener"
aws elbv2 delete-load-balancer --load-balancer-arn "$alb"
aws elbv2 wait load-balancers-deleted --load-balancer-arns "$alb"
aws elbv2 deregister-targets --target-group-arn "$target_group" --targets "Id=$instance"
aws elbv2 delete-target-group --target-group-arn "$target_group"
aws ec2 terminate-instances --instance-ids "$instance" >/dev/null
aws ec2 wait instance-terminated --instance-ids "$instance"
aws ec2 delete-security-group --group-id "$ec2_sg" >/dev/null
aws ec2 delete-security-group --group-id "$alb_sg" >/dev/null
aws ec2 delete-security-group --group-id "$link_sg" >/dev/null
step "everything deleted in order"
