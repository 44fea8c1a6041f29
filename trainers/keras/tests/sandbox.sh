#!/usr/bin/env bash
# Runs the built trainer in the hard sandbox, on the examples and on inputs that it must refuse.
#
# Purpose: shows on this machine that the image keeps its contract: byte-identical outputs for identical
# inputs, the exit codes, and JSON lines alone on stdout. Needs the image (build.sh) and permission to
# hand a directory to user 65532 (root). AIBOM_TRAINER_IMAGE names another image.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$HERE/../../.."
IMAGE="${AIBOM_TRAINER_IMAGE:-aibom/trainer-keras:dev}"
DOCKER="${AIBOM_DOCKER:-$("$ROOT/deploy/setup/engine.sh" --client)}"
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
chmod 0755 "$WORK"
FAILED=0

# prepare EXAMPLE TASK EPOCHS: fills $WORK/in from an example.
prepare() {
    rm -rf "$WORK/in"
    mkdir "$WORK/in"
    cp "$ROOT/examples/$1/model.keras" "$ROOT/examples/$1/definition.yaml" "$WORK/in/"
    cp "$ROOT/examples/$1/wine.csv" "$WORK/in/dataset.csv"
    cat >"$WORK/in/spec.json" <<SPEC
{"schema":"aibom.trainer.spec.v1","task":"$2",
 "inputs":{"model":"/aibom/in/model.keras","dataset":"/aibom/in/dataset.csv","definition":"/aibom/in/definition.yaml"},
 "output_dir":"/aibom/out",
 "parameters":{"epochs":$3,"batch_size":16,"validation_split":0.2,"initial_epoch":0,"steps_per_epoch":null,
  "validation_steps":null,"validation_freq":1,"seed":20260101}}
SPEC
}

# train OUT: runs the trainer; its events go to $WORK/events. Returns its exit code.
train() {
    rm -rf "${WORK:?}/$1"
    mkdir "$WORK/$1"
    chown 65532:65532 "$WORK/$1"
    chmod -R a+rX "$WORK/in"
    "$DOCKER" run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
        --user 65532:65532 --tmpfs /tmp:rw,noexec,nosuid,nodev,size=256m --memory 2g --memory-swap 2g \
        --cpus 2 --pids-limit 128 \
        --mount "type=bind,src=$WORK/in,dst=/aibom/in,readonly" --mount "type=bind,src=$WORK/$1,dst=/aibom/out" \
        "$IMAGE" >"$WORK/events" 2>"$WORK/stderr"
}

report() {
    if [ "$2" = ok ]; then
        printf 'ok      %s\n' "$1"
    else
        printf 'FAILED  %s: %s\n' "$1" "$2"
        tail -n 5 "$WORK/events" "$WORK/stderr" || true
        FAILED=1
    fi
}

# expect NAME CODE REASON: trains and compares exit code and the reason of the last event.
expect() {
    local code=0
    train refused || code=$?
    if [ "$code" != "$2" ]; then
        report "$1" "exit code $code instead of $2"
    elif ! tail -n 1 "$WORK/events" | grep -q "^{\"event\":\"error\",\"reason\":\"$3\""; then
        report "$1" "the last event does not give the reason $3"
    else
        report "$1" ok
    fi
}

# twice NAME: two runs of the same inputs must give the same files and the same events.
twice() {
    local run code result=ok
    for run in first second; do
        code=0
        train "$run" || code=$?
        [ "$code" = 0 ] || { report "$1" "exit code $code"; return; }
        mv "$WORK/events" "$WORK/events.$run"
    done
    diff -r "$WORK/first" "$WORK/second" >/dev/null || result="the outputs of two runs differ"
    cmp -s "$WORK/events.first" "$WORK/events.second" || result="the events of two runs differ"
    [ "$(find "$WORK/first" -type f | wc -l)" = 4 ] || result="there are not exactly four outputs"
    if grep -qv '^{"event":"[a-z]*",.*}$' "$WORK/events.first"; then result="stdout holds more than events"; fi
    cp "$WORK/events.first" "$WORK/events"
    report "$1" "$result"
    (cd "$WORK/first" && sha256sum -- *)
}

prepare wine classification 30
twice "wine, two runs"
prepare wine-regression regression 60
twice "wine-regression, two runs"

prepare wine classification 3
sed -i 's/"seed"/"speed"/' "$WORK/in/spec.json"
expect "unknown parameter" 2 spec_unknown_key
prepare wine classification 3
sed -i '5s/^[^,]*,/,/' "$WORK/in/dataset.csv"
expect "missing cell" 3 cell_missing
prepare wine classification 3
printf 'type: image\nimage_size: [28, 28]\nlabel: x\n' >"$WORK/in/definition.yaml"
expect "image definition" 3 unsupported_dataset_type
prepare wine classification 3
head -c 100 "$ROOT/examples/wine/model.keras" >"$WORK/in/model.keras"
expect "truncated model" 4 model_malformed
prepare wine classification 3
cp "$ROOT/examples/wine-regression/model.keras" "$WORK/in/model.keras"
expect "model of another shape" 4 model_shape

exit "$FAILED"
