#!/bin/sh
# Stands for Trivy where a test needs one that misbehaves: what it does is in the name it is called
# by. Beside that name lie `report.json` (what to answer; `fs.json` and `rootfs.json` to those commands) and what it leaves behind for the test.
here="$(dirname "$0")"
echo run >>"$here/runs"
printf '%s\n' "$@" >"$here/arguments"
env >"$here/environment"
case "$0" in
    *-ok) if [ -f "$here/$1.json" ]; then cat "$here/$1.json"; else cat "$here/report.json"; fi ;;
    *-truncated) head -c 5000 "$here/report.json" ;;
    *-garbage) echo 'no report at all' ;;
    *-huge) exec yes '{"SchemaVersion":2,' ;;
    *-huge-drip) while :; do printf ' '; done ;;
    *-noisy) yes 'much ado' | head -c 50000000 >&2; cat "$here/report.json" ;;
    *-segfault) kill -SEGV $$ ;;
    *-panic)
        printf 'panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n' >&2
        yes 'main.main()' | head -c 20000 >&2
        exit 2
        ;;
    *-fills)
        head -c 50000000 /dev/zero >"$HOME/layer"
        sleep 1000
        ;;
    *-exit1) echo 'FATAL the database is broken' >&2; exit 1 ;;
    *-download) cp -r "$here/published/db" . ;;
    *-nothing) ;;
    *-replaced) cat "$here/report.json"; echo more >>"$here/directory/db/trivy.db" ;;
    *-timeout)
        trap '' TERM INT HUP
        sh -c "trap '' TERM INT HUP; sleep 1000" &
        echo "$$ $!" >"$here/pids.new"
        mv "$here/pids.new" "$here/pids"
        wait
        ;;
esac
