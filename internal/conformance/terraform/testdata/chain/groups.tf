# Each hop is let in by the one before it.

resource "aws_security_group" "link" {
  name        = "${var.name}-vpclink-sg"
  description = "VPC link of ${var.name}"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "alb" {
  name        = "${var.name}-alb-sg"
  description = "Load balancer of ${var.name}"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "app" {
  name        = "${var.name}-ec2-sg"
  description = "Instances of ${var.name}"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each          = { link = aws_security_group.link.id, alb = aws_security_group.alb.id, app = aws_security_group.app.id }
  security_group_id = each.value
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  security_group_id            = aws_security_group.alb.id
  referenced_security_group_id = aws_security_group.link.id
  ip_protocol                  = "tcp"
  from_port                    = 80
  to_port                      = 80
  description                  = "HTTP from the VPC link"
  tags                         = { Name = "from-vpclink" }
}

resource "aws_vpc_security_group_ingress_rule" "vpc" {
  count             = var.from_vpc ? 1 : 0
  security_group_id = aws_security_group.alb.id
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_security_group_rule" "app" {
  type                     = "ingress"
  security_group_id        = aws_security_group.app.id
  source_security_group_id = aws_security_group.alb.id
  protocol                 = "tcp"
  from_port                = 8000
  to_port                  = 8000
  description              = var.from_vpc ? "The app, from the load balancer alone" : "The app"
}
