#!/usr/bin/env bash
# Makes Go and its reference implementation of transparency logs available on this machine, and changes
# nothing when they already are.
#
# Purpose: golang.org/x/mod/sumdb (note and tlog) is the program that checks Go's own checksum database.
# The tests have it read the logs that we publish. Nothing of it is in the product.
# This script
#   1. does nothing when both are here,
#   2. otherwise installs Debian's golang-go and golang-golang-x-mod-dev with apt-get, and says so.
set -euo pipefail

say() { printf 'go: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

SOURCES=/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog

present() { command -v go >/dev/null 2>&1 && [ -d "$SOURCES" ]; }

main() {
    if present; then
        say "go and $SOURCES are here; nothing to do"
        return 0
    fi
    command -v apt-get >/dev/null 2>&1 \
        || fail "Go or $SOURCES is missing and there is no apt-get: install Go, and golang.org/x/mod below /usr/share/gocode/src"
    [ "$(id -u)" = 0 ] || fail "Go or $SOURCES is missing, and installing them needs root"
    say "installing the Debian packages golang-go and golang-golang-x-mod-dev: they read our logs in tests"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    apt-get install -y -qq --no-install-recommends golang-go golang-golang-x-mod-dev >&2 \
        || fail "apt-get could not install golang-go and golang-golang-x-mod-dev"
    present || fail "the packages are installed, but go or $SOURCES is missing"
    say "installed $(go version)"
}

main "$@"
