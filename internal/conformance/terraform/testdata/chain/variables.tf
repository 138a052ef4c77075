variable "name" {
  description = "Begins the names of everything."
  type        = string
  default     = "test"
}

variable "cidr" {
  description = "Range of the VPC, a /16."
  type        = string
  default     = "10.20.0.0/16"
}

variable "health_path" {
  type    = string
  default = "/health"
}

variable "instances" {
  type    = number
  default = 1
}

variable "team" {
  description = "A tag that is changed later."
  type        = string
  default     = "blue"
}

variable "from_vpc" {
  description = "Whether the whole VPC may call the load balancer, beside the VPC link."
  type        = bool
  default     = false
}
