#!/usr/bin/env bash
# Looks for traces of the building machine in a trainer's image, and for what a job's image must not hold.
#
# Purpose: the image's digest is published in every AI Bill of Materials, so the image may give away
# nothing about where it was built (host name, paths, proxies, mirrors, certificates, caches), and it
# must start as an unprivileged user. Checks the image as an engine stores it (docker export, history,
# configuration), not as a running container shows it. Exit code 0: nothing found; 1: something was.
#
# Usage: check-image.sh [IMAGE]      (default: aibom/trainer-keras:dev)
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
IMAGE="${1:-aibom/trainer-keras:dev}"
DOCKER="${AIBOM_DOCKER:-$("$HERE/../../deploy/setup/engine.sh" --client)}"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
FAILED=0

report() { # NAME FINDINGS: no findings is good
    if [ -z "$2" ]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s:\n%s\n' "$1" "$(printf '%s\n' "$2" | sed -n '1,10s/^/          /p')"
        FAILED=1
    fi
}

export_image() {
    local container
    container="$("$DOCKER" create --network none "$IMAGE")"
    "$DOCKER" export "$container" >"$WORK/root.tar"
    "$DOCKER" rm "$container" >/dev/null
    tar -tvf "$WORK/root.tar" >"$WORK/listing"
    [ "$(wc -l <"$WORK/listing")" -gt 1000 ] || { echo "the export of $IMAGE is incomplete" >&2; exit 1; }
    "$DOCKER" history --no-trunc --format '{{.CreatedBy}}' "$IMAGE" >"$WORK/history"
    "$DOCKER" image inspect --format '{{json .Config}}' "$IMAGE" >"$WORK/config"
}

# Paths in the image that match an extended expression; directories do not count.
paths() { grep -v '^d' "$WORK/listing" | awk '{ $1=$2=$3=$4=$5=""; sub(/^ +/, ""); print }' | grep -E "$1" || true; }

# As paths, but without empty files: the engine leaves empty mount points behind.
filled_paths() { grep -v '^d' "$WORK/listing" | awk '$3 > 0 { $1=$2=$3=$4=$5=""; sub(/^ +/, ""); print }' | grep -E "$1" || true; }

# Strings that only the building machine knows; one per line.
machine_strings() {
    local name file
    name="$(hostname 2>/dev/null || true)"
    [ "${#name}" -lt 6 ] || [ "$name" = localhost ] || printf '%s\n' "$name"
    printf '%s\n' "$HERE"
    [ ! -s /etc/machine-id ] || head -n 1 /etc/machine-id
    for name in http_proxy https_proxy HTTP_PROXY HTTPS_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL; do
        [ -z "${!name:-}" ] || printf '%s\n' "${!name}"
    done
    # One line out of the middle of every certificate that this machine trusts beyond its distribution.
    for file in /usr/local/share/ca-certificates/*.crt "${AIBOM_CA_BUNDLE:-}"; do
        [ ! -s "$file" ] || sed -n '/BEGIN CERT/{n;n;n;p}' "$file"
    done
}

check_files() {
    report "no machine identity" "$(filled_paths '^etc/(machine-id|hostname|resolv\.conf|hosts)$')"
    report "no package lists or archives" "$(paths '^var/(lib/apt/lists|cache/apt)/.')"
    report "no proxy or transport settings" "$(paths '^etc/(pip\.conf|apt/apt\.conf\.d/(.*[pP]roxy.*|99mmdebstrap))$|/\.(netrc|pypirc|wgetrc|curlrc)$')"
    report "no added certificates" "$(paths '^usr/local/share/ca-certificates/.|^(etc|usr)/.*ca-certificates\.crt$')"
    report "no secrets or build folders" "$(paths '^(run/secrets|build|root/\.|home)/.')"
    report "no caches, logs or temporary files" "$(paths '^(root/\.cache|tmp|var/tmp|var/log)/.|/pip/.*cache')"
    report "no installation origins" "$(paths '/direct_url\.json$')"
    report "no pip at run time" "$(paths '/(pip|ensurepip)/__main__\.py$')"
    report "no device nodes" "$(grep '^[bc]' "$WORK/listing" | grep -vE ' dev/' || true)"
    report "no uncompiled trainer modules" "$(uncompiled)"
}

# Sources of the trainer and its packages without bytecode beside them: each would cost time at every start.
uncompiled() {
    paths '^opt/aibom/.*\.py$' | sed -E 's|/([^/]*)\.py$|/__pycache__/\1|' | sort >"$WORK/sources"
    paths '^opt/aibom/.*\.pyc$' | sed -E 's|\.cpython-[0-9]+\.pyc$||' | sort >"$WORK/compiled"
    [ -s "$WORK/compiled" ] || return 0 # an image without bytecode at all made that choice
    # Some packages ship templates that are not valid Python; a handful is no loss.
    local missing
    missing="$(comm -23 "$WORK/sources" "$WORK/compiled")"
    [ "$(printf '%s' "$missing" | wc -l)" -le 5 ] || printf '%s\n' "$missing"
}

check_contents() {
    local found=""
    machine_strings | sort -u >"$WORK/needles"
    if [ -s "$WORK/needles" ]; then
        found="$(cat "$WORK/root.tar" "$WORK/history" "$WORK/config" | grep -aoF -f "$WORK/needles" | sort -u || true)"
    fi
    report "no string that only this machine knows ($(wc -l <"$WORK/needles") looked for)" "$found"
    report "no proxies or secrets in the history" "$(grep -iE 'https?_proxy=|password|token=|index-url' "$WORK/history" || true)"
}

check_configuration() {
    local user bad
    user="$("$DOCKER" image inspect --format '{{.Config.User}}' "$IMAGE")"
    [ "$user" = 65532:65532 ] && bad="" || bad="user is '$user'"
    report "runs as 65532:65532" "$bad"
    report "no proxies or certificates in the environment" "$(grep -oiE '"[a-z_]*(proxy|cert|ca_bundle|index_url)[a-z_]*=[^"]*"' "$WORK/config" || true)"
    report "carries its source digest" "$(grep -qE '"org.aibom.source-digest":"[0-9a-f]{64}"' "$WORK/config" || echo 'label missing')"
    report "no ports, volumes or shell in front" "$(grep -oE '"(ExposedPorts|Volumes)":\{[^}]*\}|"Entrypoint":\["/bin/sh"[^]]*\]' "$WORK/config" || true)"
}

export_image
check_files
check_contents
check_configuration
exit "$FAILED"
