#!/usr/bin/env bash
# A gate that trusts Canaille. It needs Python and npm, and installs everything
# below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge canaille
python_install "$here/venv" tests/providers/canaille/requirements.txt
install_only "$@" && exit
judge canaille
