# Copyright 2020 X
# The network.
terraform { required_version = "1" }
variable "region" {
  description = "Where."
}
resource "aws_vpc" "main" {
  cidr = "x"
  tags { a = 1 }
}
module "net" { source = "./net" }
output "id" { value = 1 }
locals { a = 1 }
data "aws_ami" "x" {}
provider "aws" {}
region = "x"
