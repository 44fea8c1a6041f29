#!/usr/bin/env bash
# Builds the Keras trainer as the image aibom/trainer-keras:dev.
#
# Purpose: one command from a checkout to the image that jobs run in. It does nothing when the engine
# already holds an image made from these very files (label org.aibom.source-digest).
# Progress goes to stderr; the last line of stdout is the image's id, `sha256:…`.
#
# Environment (all optional):
#   AIBOM_BASE_IMAGE   base image to build on (see base-image.sh for what happens without it)
#   AIBOM_CA_BUNDLE    PEM bundle for reaching the package index (default: the host's own); it is a
#                      build secret, so it never becomes part of the image
#   AIBOM_PIP_CONF     pip configuration file (an index of your own); a build secret as well
#   AIBOM_DOCKER       docker client to use
# `build.sh --digest` prints the source digest and builds nothing.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ENGINE="$HERE/../../deploy/setup/engine.sh"
TAG=aibom/trainer-keras:dev
LABEL=org.aibom.source-digest

say() { printf 'trainer-keras: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# SHA-256 over the sorted list of "digest  path" of every file that the image is made from.
source_digest() {
    (cd "$HERE" && printf '%s\n' Dockerfile requirements.lock aibom_trainer/*.py \
        | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1)
}

ca_bundle() {
    local candidate
    for candidate in "${AIBOM_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" \
        /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -n "$candidate" ] && [ -s "$candidate" ]; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
}

image_id() { "$DOCKER" image inspect --format '{{.Id}}' "$1"; }

build() {
    local digest="$1" base bundle version name
    base="$("$HERE/base-image.sh")"
    bundle="$(ca_bundle)"
    version="$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' "$HERE/aibom_trainer/contract.py")"
    [ -n "$version" ] || fail "no VERSION in aibom_trainer/contract.py"
    local -a options=(--tag "$TAG" --progress plain
        --build-arg "BASE=$base" --build-arg "SOURCE_DIGEST=$digest" --build-arg "TRAINER_VERSION=$version")
    [ -z "$bundle" ] || options+=(--secret "id=ca,src=$bundle")
    [ -z "${AIBOM_PIP_CONF:-}" ] || options+=(--secret "id=pip_conf,src=$AIBOM_PIP_CONF")
    for name in http_proxy https_proxy no_proxy; do # predefined arguments: they stay out of the history
        [ -z "${!name:-}" ] || options+=(--build-arg "$name")
    done
    say "building $TAG on $base (one to three minutes; about 600 MB of packages)"
    # A directory of its own as context: what lies beside the sources cannot slip into the image.
    CONTEXT="$(mktemp -d)"
    trap 'rm -rf "$CONTEXT"' EXIT
    cp "$HERE/Dockerfile" "$HERE/requirements.lock" "$CONTEXT/"
    mkdir "$CONTEXT/aibom_trainer"
    cp "$HERE"/aibom_trainer/*.py "$CONTEXT/aibom_trainer/"
    DOCKER_BUILDKIT=1 "$DOCKER" build "${options[@]}" "$CONTEXT" >&2 || fail "the build failed"
}

main() {
    local digest existing
    digest="$(source_digest)"
    if [ "${1:-}" = --digest ]; then
        printf '%s\n' "$digest"
        return 0
    fi
    DOCKER="${AIBOM_DOCKER:-$("$ENGINE" --client)}"
    export AIBOM_DOCKER="$DOCKER"
    existing="$("$DOCKER" image ls --no-trunc --quiet --filter "label=$LABEL=$digest" --filter label=org.aibom.trainer=keras | sed 1q)"
    if [ -n "$existing" ]; then
        say "an image of these sources exists; nothing to build"
        "$DOCKER" tag "$existing" "$TAG"
    else
        build "$digest"
    fi
    image_id "$TAG"
}

main "$@"
