#!/usr/bin/env bash
# Copyright 2020 X
# Builds it.
set -e
source ./lib.sh
. "$HOME/x"
VERSION=1
readonly NAME="a"

# Builds.
build() {
  local x=1
  inner() { :; }
}
function push {
  echo
}
function tag () { git tag; }
alias ll='ls -l'
if true; then
  cond() { :; }
fi
