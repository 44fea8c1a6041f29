#!/usr/bin/env bash
# Makes sure that a base image with nothing but Debian bookworm is in the engine, and prints its name.
#
# Purpose: trainers are built on one small base. In order of preference:
#   1. AIBOM_BASE_IMAGE, when set: that image, as it is;
#   2. an image already in the engine: the one imported by an earlier run, then debian:bookworm-slim;
#   3. debian:bookworm-slim, when a registry answers within AIBOM_PULL_WAIT_S seconds (default 20);
#   4. a minimal Debian with python3, made from the distribution's packages with mmdebstrap and
#      imported as aibom/base:bookworm (needs root, and installs mmdebstrap when it is missing).
# Progress goes to stderr; the last line of stdout is the name of the image.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ENGINE="$HERE/../../deploy/setup/engine.sh"
IMPORTED=aibom/base:bookworm
UPSTREAM=debian:bookworm-slim
SUITE=bookworm
# Fixed times inside the base: 2025-01-01T00:00:00Z.
export SOURCE_DATE_EPOCH=1735689600

say() { printf 'base: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

DOCKER="${AIBOM_DOCKER:-$("$ENGINE" --client)}"

has_image() { "$DOCKER" image inspect "$1" >/dev/null 2>&1; }

install_mmdebstrap() {
    command -v mmdebstrap >/dev/null 2>&1 && return 0
    command -v apt-get >/dev/null 2>&1 || fail "no registry answers, and mmdebstrap is not installed"
    [ "$(id -u)" = 0 ] || fail "no registry answers, and installing mmdebstrap needs root"
    say "installing the Debian package mmdebstrap: no registry of images answers, so the base is made here"
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap >&2 \
        || fail "apt-get could not install mmdebstrap"
}

# Writes the root file system to $1. The hook drops what names the machine or the moment of the build.
bootstrap() {
    local tar="$1"
    # shellcheck disable=SC2016 # mmdebstrap, not this shell, expands $1
    mmdebstrap --quiet --variant=minbase --include=python3 \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --customize-hook='rm -rf "$1"/var/log/* "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/tmp/*' \
        --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/machine-id "$1"/etc/hosts' \
        --customize-hook='rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/apt.conf.d/*roxy*' \
        "${EXTRA_OPTIONS[@]}" "$SUITE" "$tar" >&2
}

import_bootstrapped() {
    install_mmdebstrap
    WORK_DIR="$(mktemp -d)"
    trap 'rm -rf "$WORK_DIR"' EXIT
    say "making a minimal Debian $SUITE with python3 (about a minute)"
    EXTRA_OPTIONS=()
    if ! bootstrap "$WORK_DIR/base.tar"; then
        say "trying again with package lists whose validity has run out (a frozen mirror, or a wrong clock)"
        rm -f "$WORK_DIR/base.tar"
        EXTRA_OPTIONS=(--aptopt='Acquire::Check-Valid-Until "false"')
        bootstrap "$WORK_DIR/base.tar" || fail "mmdebstrap could not make the base"
    fi
    # A failing mirror can leave a tar without a Python; such an image would import without complaint.
    tar -tf "$WORK_DIR/base.tar" >"$WORK_DIR/listing" || fail "the base is not a readable tar"
    grep -q '^\./usr/bin/python3$' "$WORK_DIR/listing" || fail "the base is incomplete: no python3 in it"
    say "importing $(wc -l <"$WORK_DIR/listing") files as $IMPORTED"
    "$DOCKER" import --change 'CMD ["/bin/sh"]' --message "minimal Debian $SUITE with python3" \
        "$WORK_DIR/base.tar" "$IMPORTED" >/dev/null
}

main() {
    if [ -n "${AIBOM_BASE_IMAGE:-}" ]; then
        has_image "$AIBOM_BASE_IMAGE" || "$DOCKER" pull --quiet "$AIBOM_BASE_IMAGE" >/dev/null \
            || fail "AIBOM_BASE_IMAGE=$AIBOM_BASE_IMAGE is not in the engine and cannot be pulled"
        printf '%s\n' "$AIBOM_BASE_IMAGE"
    elif has_image "$IMPORTED"; then
        printf '%s\n' "$IMPORTED"
    elif has_image "$UPSTREAM"; then
        printf '%s\n' "$UPSTREAM"
    else
        say "asking a registry for $UPSTREAM (at most ${AIBOM_PULL_WAIT_S:-20} s)"
        if timeout "${AIBOM_PULL_WAIT_S:-20}" "$DOCKER" pull --quiet "$UPSTREAM" >/dev/null 2>&1; then
            printf '%s\n' "$UPSTREAM"
            return 0
        fi
        import_bootstrapped
        printf '%s\n' "$IMPORTED"
    fi
}

main
