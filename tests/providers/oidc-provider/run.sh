#!/usr/bin/env bash
# A gate that trusts oidc-provider. It needs npm, and installs everything below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge oidc-provider
install_only "$@" && exit
judge oidc-provider
