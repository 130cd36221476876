# Copyright 2020 X
<# .SYNOPSIS Does. #>
using module X
param([string]$a)
# Gets.
function Get-User {
  param([int]$Id)
  function Inner {}
}
class User : Base {
  [string]$Name
  User([string]$n) { }
  [void] Run() { }
}
enum Color { Red }
filter F { $_ }
