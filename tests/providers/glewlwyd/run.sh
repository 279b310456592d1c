#!/usr/bin/env bash
# A gate that trusts Glewlwyd. It needs npm and Debian's packages, which it unpacks below target/:
# installed, Glewlwyd would be started as a service.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge glewlwyd
unpack "$here/root" glewlwyd dbconfig-no-thanks
install_only "$@" && exit
judge glewlwyd
