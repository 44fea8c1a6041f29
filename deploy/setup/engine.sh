#!/usr/bin/env bash
# Makes a Docker engine answer on this machine, and changes nothing when one already does.
#
# Purpose: the executor runs every training job in a container, so a machine needs an engine before
# the first job. This script
#   1. does nothing at all when an engine answers (a running engine is never touched),
#   2. otherwise installs Debian's docker.io when no dockerd is present, and says so,
#   3. starts the engine: through systemd where it runs, else dockerd itself, detached,
#   4. waits until the engine answers, and shows the end of its log when it does not.
#
# Environment (all optional):
#   AIBOM_DOCKER_DATA_ROOT   directory for images and containers instead of the engine's own default
#   AIBOM_STATE_DIR          directory for dockerd's log when /var/log cannot be written
#   AIBOM_ENGINE_WAIT_S      seconds to wait for the engine to answer (default 60)
#
# With --client the script prints only the path of the docker client to build with and ends.
set -euo pipefail

WAIT_S="${AIBOM_ENGINE_WAIT_S:-60}"
DATA_ROOT="${AIBOM_DOCKER_DATA_ROOT:-}"

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# A client can build with BuildKit when it has the builder inside (before 23.0) or has buildx.
# A newer client without buildx may come first on PATH, hence the search.
builds_with_buildkit() {
    local client="$1" version
    [ -x "$client" ] || return 1
    if "$client" buildx version >/dev/null 2>&1; then
        return 0
    fi
    version="$("$client" --version 2>/dev/null | sed -n 's/^Docker version \([0-9]*\)\..*/\1/p')"
    [ -n "$version" ] && [ "$version" -lt 23 ]
}

find_client() {
    local candidate
    for candidate in "$(command -v docker || true)" /usr/bin/docker /usr/local/bin/docker; do
        if [ -n "$candidate" ] && builds_with_buildkit "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Any client will do to ask whether an engine answers.
engine_answers() {
    local candidate
    for candidate in "$(command -v docker || true)" /usr/bin/docker; do
        if [ -n "$candidate" ] && [ -x "$candidate" ] \
            && timeout 10 "$candidate" info --format '{{.ServerVersion}}' >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

require_root() {
    [ "$(id -u)" = 0 ] || fail "no engine answers, and starting one needs root: run this script as root"
}

install_engine() {
    if command -v dockerd >/dev/null 2>&1 && find_client >/dev/null; then
        return 0
    fi
    command -v apt-get >/dev/null 2>&1 \
        || fail "no Docker engine is installed and there is no apt-get: install Docker by hand"
    say "installing the Debian package docker.io: the executor runs each training job in a container"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update reported problems; trying with the package lists at hand"
    # iptables is only recommended by docker.io, but dockerd cannot make its bridge without it.
    # The policy file keeps the package from starting a daemon that we are about to start ourselves.
    apt-get install -y -qq --no-install-recommends docker.io iptables >&2 \
        || fail "apt-get could not install docker.io"
}

log_path() {
    if [ -w /var/log ]; then
        printf '/var/log/aibom-dockerd.log\n'
    else
        mkdir -p "${AIBOM_STATE_DIR:-/tmp}"
        printf '%s/aibom-dockerd.log\n' "${AIBOM_STATE_DIR:-/tmp}"
    fi
}

start_with_systemd() {
    [ -d /run/systemd/system ] && [ -z "$DATA_ROOT" ] || return 1
    say "starting docker.service"
    systemctl start docker.service
}

start_detached() {
    local log="$1"
    local -a arguments=()
    if [ -n "$DATA_ROOT" ]; then
        mkdir -p "$DATA_ROOT"
        arguments+=(--data-root "$DATA_ROOT")
    fi
    say "starting dockerd (log: $log)"
    setsid nohup dockerd "${arguments[@]}" >>"$log" 2>&1 </dev/null &
    DOCKERD_PID=$!
}

wait_for_answer() {
    local log="$1" deadline=$((SECONDS + WAIT_S))
    until engine_answers; do
        if [ -n "${DOCKERD_PID:-}" ] && ! kill -0 "$DOCKERD_PID" 2>/dev/null; then
            show_log "$log"
            fail "dockerd ended before it answered"
        fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            show_log "$log"
            fail "the engine did not answer within $WAIT_S s"
        fi
        sleep 0.3
    done
}

show_log() {
    if [ -s "$1" ]; then
        say "the last lines of $1:"
        tail -n 20 "$1" >&2
    fi
}

main() {
    if [ "${1:-}" = --client ]; then
        find_client || fail "no docker client here can build with BuildKit: run $0"
        return 0
    fi
    if engine_answers; then
        say "an engine already answers; nothing to do"
        return 0
    fi
    case "${DOCKER_HOST:-unix:///var/run/docker.sock}" in
        unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
        *) fail "DOCKER_HOST=$DOCKER_HOST does not answer; this script starts an engine on the default socket only" ;;
    esac
    require_root
    install_engine
    local log
    log="$(log_path)"
    start_with_systemd || start_detached "$log"
    wait_for_answer "$log"
    say "the engine answers (client: $(find_client || command -v docker))"
}

main "$@"
