# The same things as in the chain, written in the other ways that people write
# them in, and what they put beside it.

variable "greeting" {
  type    = string
  default = "hello"
}

variable "open" {
  description = "Ports that are let in."
  type        = list(number)
  default     = [8000]
}

data "aws_caller_identity" "me" {}

data "aws_regions" "all" {}

data "aws_ec2_instance_type" "small" {
  instance_type = "t4g.small"
}

data "aws_ec2_instance_type_offerings" "small" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = ["t4g.small"]
  }
}

data "aws_ami" "al2023" {
  most_recent = true
  owners      = ["amazon"]

  filter {
    name   = "name"
    values = ["al2023-ami-2023*"]
  }

  filter {
    name   = "architecture"
    values = ["arm64"]
  }
}

resource "aws_vpc" "this" {
  cidr_block           = "10.30.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "ways" }
}

# What AWS makes along with the VPC is taken over.

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
}

resource "aws_default_route_table" "main" {
  default_route_table_id = aws_vpc.this.default_route_table_id
  tags                   = { Name = "ways-main" }
}

resource "aws_subnet" "this" {
  vpc_id            = aws_vpc.this.id
  cidr_block        = "10.30.1.0/24"
  availability_zone = "ap-northeast-1a"
  tags              = { Name = "ways" }
}

resource "aws_nat_gateway" "private" {
  connectivity_type = "private"
  subnet_id         = aws_subnet.this.id
}

# Rules inside their group.
resource "aws_security_group" "app" {
  name_prefix = "ways-"
  vpc_id      = aws_vpc.this.id

  dynamic "ingress" {
    for_each = var.open

    content {
      description = "port ${ingress.value}"
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.value
      cidr_blocks = [aws_vpc.this.cidr_block]
      self        = true
    }
  }

  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
    prefix_list_ids  = [aws_vpc_endpoint.s3.prefix_list_id]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.this.id
  service_name = "com.amazonaws.ap-northeast-1.s3"
}

resource "aws_vpc_endpoint_route_table_association" "s3" {
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
  route_table_id  = aws_default_route_table.main.id
}

resource "aws_vpc_endpoint" "ssm" {
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.ap-northeast-1.ssm"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [aws_subnet.this.id]
  security_group_ids  = [aws_security_group.app.id]
}

resource "aws_iam_role" "app" {
  name_prefix        = "ways-"
  path               = "/apps/"
  description        = "Says ${var.greeting}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  tags               = { Greeting = var.greeting }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "logs" {
  name   = "logs"
  role   = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:PutLogEvents", Resource = "*" }] })
}

resource "aws_iam_instance_profile" "app" {
  name_prefix = "ways-"
  role        = aws_iam_role.app.name
  tags        = { Greeting = var.greeting }
}

# New user data stops the instance and starts it again.
resource "aws_instance" "app" {
  ami                     = data.aws_ami.al2023.id
  instance_type           = "t4g.small"
  subnet_id               = aws_subnet.this.id
  vpc_security_group_ids  = [aws_security_group.app.id]
  iam_instance_profile    = aws_iam_instance_profile.app.name
  user_data               = "#!/bin/sh\necho ${var.greeting}"
  disable_api_termination = false
  ebs_optimized           = true
  volume_tags             = { Greeting = var.greeting }

  credit_specification {
    cpu_credits = "standard"
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = var.greeting == "hello" ? 1 : 2
    instance_metadata_tags      = "enabled"
  }
}

# A second version of the template changes nothing at the instance of the first.
# It has no user data: with some the provider 5 never comes to an empty plan, here
# as on AWS (terraform-provider-aws#39476).
resource "aws_launch_template" "app" {
  name_prefix            = "ways-"
  description            = var.greeting
  image_id               = data.aws_ami.al2023.id
  instance_type          = "t4g.micro"
  vpc_security_group_ids = [aws_security_group.app.id]
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_size = 10
      encrypted   = true
    }
  }

  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}

resource "aws_instance" "templated" {
  subnet_id = aws_subnet.this.id

  launch_template {
    id      = aws_launch_template.app.id
    version = "1"
  }
}

data "aws_subnets" "found" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.this.id]
  }

  depends_on = [aws_subnet.this]
}

output "found" {
  value = length(data.aws_subnets.found.ids)
}
