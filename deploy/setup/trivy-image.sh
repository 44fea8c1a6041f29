#!/usr/bin/env bash
# Makes the image that the scanner runs Trivy from (tool.sandbox = "container"), and prints its id.
#
# Usage: trivy-image.sh [BINARY]     (default: .tools/bin/trivy in the repository)
#
# Purpose: a container needs an image, and Trivy is one static binary: this image holds it and
# nothing else, so that there is no shell and no library in it. This script
#   1. refuses a binary that is not static, for it could not run there,
#   2. imports it as /trivy, with that as the entry point, under the name aibom/trivy:<SHA-256>,
#   3. prints the image's id, which is what tool.image must be.
# An image of that name that is there already is taken, and nothing is made.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
WORK_DIR=

say() { printf 'trivy-image: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
clean_up() { [ -z "$WORK_DIR" ] || rm -rf "$WORK_DIR"; }
trap clean_up EXIT

# A dynamically linked program names its loader; binutils are not everywhere, hence the two ways.
is_static() {
    if command -v readelf >/dev/null 2>&1; then
        ! readelf --program-headers --wide "$1" | grep -q INTERP
    elif command -v file >/dev/null 2>&1; then
        file -L "$1" | grep -q 'statically linked'
    else
        fail "neither readelf nor file is here to tell whether $1 is static"
    fi
}

id_of() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

main() {
    local binary="${1:-$HERE/../../.tools/bin/trivy}" sha256 name
    [ -x "$binary" ] || fail "no Trivy at $binary: deploy/setup/trivy.sh installs it"
    docker info >/dev/null 2>&1 || fail "no engine answers: deploy/setup/engine.sh starts one"
    is_static "$binary" || fail "$binary is not static: it needs libraries that the image lacks"
    sha256="$(sha256sum "$binary" | cut -d ' ' -f 1)"
    name="aibom/trivy:$sha256"
    if id_of "$name"; then
        say "$name is there already"
        return 0
    fi
    WORK_DIR="$(mktemp -d)"
    cp "$(readlink -f "$binary")" "$WORK_DIR/trivy"
    chmod 755 "$WORK_DIR/trivy"
    # Always the same archive: owner, order and times do not depend on this machine.
    tar --create --directory "$WORK_DIR" --owner 0 --group 0 --numeric-owner --mtime @0 trivy \
        | docker import --change 'ENTRYPOINT ["/trivy"]' - "$name" >/dev/null
    say "made $name; tool.image in the scanner's configuration is:"
    id_of "$name"
}

main "$@"
