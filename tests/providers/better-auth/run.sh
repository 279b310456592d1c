#!/usr/bin/env bash
# A gate that trusts better-auth. It needs npm, and installs everything below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge better-auth
install_only "$@" && exit
judge better-auth
