#!/usr/bin/env bash
# Builds the images aibom/trainer-outdated:dev and aibom/trainer-updated:dev.
#
# Purpose: tests of the release policy need a trainer with a package that is really vulnerable, and
# the same trainer after the package was upgraded. Both are the probe trainer with the package h11
# from the Python index: 0.14.0, which CVE-2025-43859 (critical) is in, and 0.16.0, which mends it.
# Version and SHA-256 of both wheels are pinned below.
# It does nothing when the engine already holds images made from these very files.
# Progress goes to stderr; the last two lines of stdout are the images' ids, `sha256:…`.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$HERE/../../.."
LABEL=org.aibom.source-digest
OUTDATED='h11==0.14.0 --hash=sha256:e3fe4ac4b851c468cc8363d500db52c2ead036020723024a109d37346efaa761'
UPDATED='h11==0.16.0 --hash=sha256:63cf8bbe7522de3bf65932fda1d9c2772064ffb3dae62d55932da54b31cb6c86'
CONTEXT=

say() { printf 'trainer-planted: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
clean_up() { [ -z "$CONTEXT" ] || rm -rf "$CONTEXT"; }
trap clean_up EXIT

need_pip() {
    python3 -m pip --version >/dev/null 2>&1 && return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
        || fail "python3 with pip is missing: install the package python3-pip"
    say "installing the Debian package python3-pip: the planted package comes from the Python index"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    apt-get install -y -qq --no-install-recommends python3 python3-pip ca-certificates >&2 \
        || fail "apt-get could not install python3-pip"
}

# Builds the trainer $1 with the pinned package $2 on the image $3, unless it is there.
build() {
    local trainer="$1" package="$2" base="$3" digest existing
    digest="$( (printf '%s\n%s\n' "$package" "$BASE_ID"; cat "$HERE/Dockerfile") | sha256sum | cut -d' ' -f1)"
    existing="$("$DOCKER" image ls --no-trunc --quiet --filter "label=$LABEL=$digest" --filter "label=org.aibom.trainer=$trainer" | sed 1q)"
    if [ -n "$existing" ]; then
        say "an image of these sources exists; nothing to build"
        "$DOCKER" tag "$existing" "aibom/trainer-$trainer:dev"
    else
        need_pip
        CONTEXT="$(mktemp -d)"
        say "downloading ${package%% *} with pip"
        printf '%s\n' "$package" >"$CONTEXT/requirements.txt"
        python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
            --only-binary=:all: --require-hashes --requirement "$CONTEXT/requirements.txt" \
            --dest "$CONTEXT" >&2 || fail "pip could not download ${package%% *}"
        mv "$CONTEXT"/h11-*.whl "$CONTEXT/h11.whl"
        cp "$HERE/Dockerfile" "$CONTEXT/"
        chmod 0644 "$CONTEXT"/*
        say "building aibom/trainer-$trainer:dev"
        DOCKER_BUILDKIT=1 "$DOCKER" build --tag "aibom/trainer-$trainer:dev" --progress plain \
            --build-arg "BASE=$base" --build-arg "TRAINER=$trainer" \
            --build-arg "SOURCE_DIGEST=$digest" "$CONTEXT" >&2 || fail "the build failed"
        rm -rf "$CONTEXT"
        CONTEXT=
    fi
    "$DOCKER" image inspect --format '{{.Id}}' "aibom/trainer-$trainer:dev"
}

main() {
    local base
    DOCKER="${AIBOM_DOCKER:-$("$ROOT/deploy/setup/engine.sh" --client)}"
    export AIBOM_DOCKER="$DOCKER"
    # By its tag: an id cannot stand in FROM where the engine would look for it in a registry.
    BASE_ID="$("$ROOT/e2e/trainers/probe/build.sh" | tail -n 1)"
    base=aibom/trainer-probe:dev
    build outdated "$OUTDATED" "$base"
    build updated "$UPDATED" "$base"
}

main "$@"
