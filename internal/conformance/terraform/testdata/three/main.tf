variable "health_path" {
  type    = string
  default = "/health"
}

variable "instances" {
  type    = number
  default = 1
}

variable "team" {
  type    = string
  default = "blue"
}

variable "from_vpc" {
  type    = bool
  default = false
}

module "chain" {
  source      = "./chain"
  for_each    = { orders = "10.21.0.0/16", billing = "10.22.0.0/16", search = "10.23.0.0/16" }
  name        = each.key
  cidr        = each.value
  health_path = var.health_path
  instances   = var.instances
  team        = var.team
  from_vpc    = var.from_vpc
}

output "invoke_url" {
  value = [for chain in module.chain : chain.invoke_url]
}
