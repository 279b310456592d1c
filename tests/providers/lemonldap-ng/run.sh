#!/usr/bin/env bash
# A gate that trusts LemonLDAP::NG. It needs Perl, npm and Debian's packages, which it unpacks below target/.
source "$(dirname "${BASH_SOURCE[0]}")/../install.sh"

install_judge lemonldap-ng
unpack "$here/root" liblemonldap-ng-portal-perl lemonldap-ng-fastcgi-server libio-string-perl \
    libstring-random-perl libconvert-pem-perl
install_only "$@" && exit
judge lemonldap-ng
