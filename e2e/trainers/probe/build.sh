#!/usr/bin/env bash
# Builds the probe trainer as the image aibom/trainer-probe:dev.
#
# Purpose: tests of the sandbox's limits need a trainer that misbehaves on demand and starts in a
# moment. It needs no packages and no network beyond what the base image needs (trainers/keras/base-image.sh).
# It does nothing when the engine already holds an image made from these very files.
# Progress goes to stderr; the last line of stdout is the image's id, `sha256:…`.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$HERE/../../.."
TAG=aibom/trainer-probe:dev
LABEL=org.aibom.source-digest

say() { printf 'trainer-probe: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# SHA-256 over the sorted list of "digest  path" of every file that the image is made from.
source_digest() {
    (cd "$HERE" && printf '%s\n' Dockerfile ./*.py | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
}

build() {
    local digest="$1" base
    base="$("$ROOT/trainers/keras/base-image.sh")"
    say "building $TAG on $base"
    CONTEXT="$(mktemp -d)"
    trap 'rm -rf "$CONTEXT"' EXIT
    cp "$HERE/Dockerfile" "$HERE"/*.py "$CONTEXT/"
    chmod 0644 "$CONTEXT"/*
    DOCKER_BUILDKIT=1 "$DOCKER" build --tag "$TAG" --progress plain \
        --build-arg "BASE=$base" --build-arg "SOURCE_DIGEST=$digest" "$CONTEXT" >&2 || fail "the build failed"
}

main() {
    local digest existing
    digest="$(source_digest)"
    DOCKER="${AIBOM_DOCKER:-$("$ROOT/deploy/setup/engine.sh" --client)}"
    export AIBOM_DOCKER="$DOCKER"
    existing="$("$DOCKER" image ls --no-trunc --quiet --filter "label=$LABEL=$digest" --filter label=org.aibom.trainer=probe | sed 1q)"
    if [ -n "$existing" ]; then
        say "an image of these sources exists; nothing to build"
        "$DOCKER" tag "$existing" "$TAG"
    else
        build "$digest"
    fi
    "$DOCKER" image inspect --format '{{.Id}}' "$TAG"
}

main "$@"
