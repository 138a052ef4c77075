# Beside the chain itself, which is the root module with the files of chain/:

# the same as a module, three times;
module "three" {
  source      = "./chain"
  for_each    = { orders = "10.21.0.0/16", billing = "10.22.0.0/16", search = "10.23.0.0/16" }
  name        = each.key
  cidr        = each.value
  health_path = var.health_path
  instances   = var.instances
  team        = var.team
  from_vpc    = var.from_vpc
}

# and the same things written in other ways.
module "ways" {
  source   = "./ways"
  greeting = var.greeting
  open     = var.open
}

variable "greeting" {
  type    = string
  default = "hello"
}

variable "open" {
  type    = list(number)
  default = [8000]
}

output "invoke_urls" {
  value = [for chain in module.three : chain.invoke_url]
}
