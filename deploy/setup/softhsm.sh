#!/usr/bin/env bash
# Makes SoftHSM available on this machine, and changes nothing when it already is.
#
# Purpose: SoftHSM is an HSM in software behind the same interface (PKCS#11) as a real one. The
# tests and the demo keep the platform key in it; a deployment names the module of its own HSM.
# This script
#   1. does nothing when the module is here,
#   2. otherwise installs Debian's softhsm2 with apt-get, and says so,
#   3. prints the path of the module, the only line on standard output.
# It makes no token: a token's PIN belongs to whoever makes the token.
#
# Environment (optional):
#   SOFTHSM2_MODULE   path of the module, when it lies where no distribution puts it
set -euo pipefail

say() { printf 'softhsm: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

find_module() {
    local candidate
    for candidate in "${SOFTHSM2_MODULE:-}" \
        /usr/lib/softhsm/libsofthsm2.so \
        /usr/lib/"$(uname -m)"-linux-gnu/softhsm/libsofthsm2.so \
        /usr/lib64/pkcs11/libsofthsm2.so \
        /usr/local/lib/softhsm/libsofthsm2.so; do
        if [ -n "$candidate" ] && [ -f "$candidate" ]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

install_softhsm() {
    command -v apt-get >/dev/null 2>&1 \
        || fail "SoftHSM is not installed and there is no apt-get: install SoftHSM 2.6 by hand"
    [ "$(id -u)" = 0 ] || fail "SoftHSM is not installed, and installing it needs root"
    say "installing the Debian package softhsm2: an HSM in software, for tests and the demo"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    apt-get install -y -qq --no-install-recommends softhsm2 >&2 \
        || fail "apt-get could not install softhsm2"
}

main() {
    local module
    if module="$(find_module)"; then
        say "$module is here; nothing to do"
    else
        install_softhsm
        module="$(find_module)" || fail "softhsm2 is installed, but its module is in no usual place: set SOFTHSM2_MODULE"
        say "installed $module"
    fi
    printf '%s\n' "$module"
}

main "$@"
