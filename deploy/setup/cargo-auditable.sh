#!/usr/bin/env bash
# Makes cargo-auditable available as DIR/bin/cargo-auditable, and changes nothing when it already is.
#
# Usage: cargo-auditable.sh [DIR]     (default: .tools in the repository)
#
# Purpose: `cargo auditable build` writes the list of a program's dependencies into the program
# (section .dep-v0), where the scanner finds it in the mesh's own services. It is compiled here from
# the crate registry that cargo is configured for; version and lock file are the crate's own.
set -euo pipefail

VERSION=0.7.7

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

say() { printf 'cargo-auditable: %s\n' "$*" >&2; }

main() {
    local directory="${1:-$HERE/../../.tools}"
    mkdir -p "$directory"
    directory="$(cd "$directory" && pwd)"
    if grep -qF "\"cargo-auditable $VERSION " "$directory/.crates.toml" 2>/dev/null \
        && [ -x "$directory/bin/cargo-auditable" ]; then
        say "version $VERSION is in $directory/bin; nothing to do"
        return 0
    fi
    say "compiling version $VERSION (about a minute)"
    local scratch
    scratch="$(mktemp -d)"
    # Not the project's target directory: its locks and its profile are the project's.
    CARGO_TARGET_DIR="$scratch" cargo install --quiet --locked --root "$directory" \
        "cargo-auditable@$VERSION" >&2 || { rm -rf "$scratch"; say "error: it did not compile"; exit 1; }
    rm -rf "$scratch"
    say "installed $directory/bin/cargo-auditable"
}

main "$@"
