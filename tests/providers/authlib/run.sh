#!/usr/bin/env bash
# A gate that trusts an authorization server of Authlib. It needs Python and npm, and installs everything
# below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge authlib
python_install "$here/venv" tests/providers/authlib/requirements.txt
install_only "$@" && exit
judge authlib
