#!/bin/sh
# Stands for Trivy in a container, where a test needs one that tries to break out: what it does is
# in a file of its database. What it could do it says on standard output.
could() { echo "could $1"; }
case "$(cat "$TRIVY_CACHE_DIR/behaviour")" in
    break-out)
        exec 2>/dev/null
        [ "$(id -u)" != 0 ] || could be-root
        [ "$(ls /sys/class/net)" = lo ] || could use-a-network
        grep -q '^CapBnd:.*[1-9a-f]' /proc/self/status && could have-capabilities
        grep -q '^NoNewPrivs:.*1$' /proc/self/status || could gain-privileges
        (cat /etc/shadow >/dev/null) && could read-shadow
        (echo x >/etc/new) && could write-root
        (echo x >"$TRIVY_CACHE_DIR/new") && could write-database
        (echo x >/input) && could write-input
        (cp /bin/true /scratch/true && /scratch/true) && could run-what-it-wrote
        (head -c 10000000000 /dev/zero >/scratch/big) && could write-10-gb
        rm -f /scratch/big
        (n=0; while [ "$n" -lt 10000 ]; do sleep 100 & n=$((n + 1)); done) && could fork-10000
        [ "$(cat /input)" = 'an input' ] && echo x >/scratch/new && could do-its-work
        ;;
    hang) trap '' TERM INT HUP; sleep 1000; sleep 1000 ;;
    huge) exec yes '{"SchemaVersion":2,' ;;
    memory) head -c 2000000000 /dev/zero | tail; exit 1 ;;
    exit) echo 'FATAL no luck' >&2; exit 7 ;;
esac
