# The simulator in place of AWS.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "endpoint" {
  type = string
}

provider "aws" {
  region     = "ap-northeast-1"
  access_key = "AKIDLOCAL"
  secret_key = "local"

  endpoints {
    apigatewayv2 = var.endpoint
    ec2          = var.endpoint
    elbv2        = var.endpoint
    iam          = var.endpoint
    ssm          = var.endpoint
    sts          = var.endpoint
  }

  default_tags {
    tags = { ManagedBy = "terraform" }
  }
}
