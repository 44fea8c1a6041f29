"""A second trainer by the same contract, without any framework: it starts in a moment, to test limits.

The first line of /aibom/in/dataset.csv that starts with `mode=` chooses what it does: `ok` behaves;
every other mode misbehaves in one way that the executor must contain. See README in trainers/keras for
the contract.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

IN = Path("/aibom/in")
OUT = Path("/aibom/out")
OUTPUTS = ("model.keras", "metrics.json", "preprocessing.json", "split.json")
MIB = 1024 * 1024


def emit(event: str, **fields: object) -> None:
    """Writes one event as one JSON line."""
    print(json.dumps({"event": event, **fields}, allow_nan=False), flush=True)


def fail(reason: str, message: str, code: int) -> None:
    """Reports an error and ends with its exit code."""
    emit("error", reason=reason, message=message)
    sys.exit(code)


def write_json(name: str, value: object) -> None:
    """Writes an output whose bytes depend on `value` alone."""
    (OUT / name).write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def chosen_mode() -> str:
    """The mode that the dataset asks for."""
    with (IN / "dataset.csv").open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("mode="):
                return line[len("mode=") :].split(",")[0].strip()
    return "ok"


# === A run that behaves ===


def start() -> dict:
    """Reads the specification and says that the run starts."""
    try:
        spec = json.loads((IN / "spec.json").read_bytes())
        parameters = spec["parameters"]
    except (OSError, ValueError, KeyError) as error:
        fail("spec_malformed", f"cannot use spec.json: {error}", 2)
    emit(
        "start", trainer={"name": "probe", "version": "1.0.0"}, frameworks={"python": sys.version.split()[0]}
    )
    return {"task": spec.get("task"), **parameters}


def behave(extra_outputs: tuple = ()) -> None:
    """The whole course of a good run: three epochs and the four outputs, the same bytes every time."""
    effective = start()
    model = (IN / "model.keras").read_bytes()
    (IN / "definition.yaml").read_bytes()
    rows = max((IN / "dataset.csv").read_bytes().count(b"\n") - 1, 0)
    emit("data", rows=rows, columns=1, train_rows=rows, validation_rows=0, classes=None)
    emit("effective", parameters=effective)
    epochs = [{"epoch": epoch, "metrics": {"loss": 1.0 / epoch}} for epoch in (1, 2, 3)]
    for entry in epochs:
        emit("epoch", epochs=len(epochs), **entry)
    (OUT / "model.keras").write_bytes(model)
    write_json(
        "metrics.json",
        {
            "schema": "aibom.trainer.metrics.v1",
            "task": effective["task"],
            "epochs": epochs,
            "final": {"train": epochs[-1]["metrics"], "validation": None},
            "best": {"monitor": "loss", **epochs[-1]},
            "effective": effective,
            "frameworks": {"python": sys.version.split()[0]},
        },
    )
    write_json("preprocessing.json", {"schema": "aibom.trainer.preprocessing.v1", "kind": "none"})
    write_json(
        "split.json",
        {
            "schema": "aibom.trainer.split.v1",
            "algorithm": "none",
            "seed": effective["seed"],
            "train": list(range(rows)),
            "validation": [],
        },
    )
    emit("done", outputs=[*OUTPUTS, *extra_outputs])


# === Runs that do not ===


def training_raises() -> None:
    """Fails as a diverging training would."""
    start()
    fail("training_raised", "the probe was asked to fail", 5)


def sleeps_forever() -> None:
    """Never ends, and ignores polite signals."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    start()
    while True:
        time.sleep(3600)


def takes_its_time() -> None:
    """Behaves, but long enough that something can happen to the mesh meanwhile."""
    time.sleep(4)
    behave()


def eats_memory() -> None:
    """Allocates, and touches what it allocated, until it is killed."""
    start()
    held = []
    while True:
        held.append(b"x" * (16 * MIB))


def eats_pids() -> None:
    """Forks until the system refuses, with all children alive."""
    start()
    children = []
    try:
        while len(children) < 100_000:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        emit("error", reason="pids_exhausted", message=f"{error.strerror} after {len(children)} children")
    else:
        emit("error", reason="pids_unlimited", message=f"no limit after {len(children)} children")
    for child in children:
        os.kill(child, signal.SIGKILL)
    sys.exit(5)


def fills_disk() -> None:
    """Writes to the output directory for ever, past every error."""
    start()
    block = b"\xaa" * MIB
    with (OUT / "filler.bin").open("wb", buffering=0) as file:
        while True:
            try:
                file.write(block)
            except OSError:
                time.sleep(0.1)


def floods_stdout() -> None:
    """Writes valid events for ever."""
    start()
    line = json.dumps({"event": "epoch", "epoch": 1, "epochs": 1, "metrics": {"loss": 1.0}}) + "\n"
    block = (line * 1000).encode()
    while True:
        os.write(1, block)


def metrics_not_finite() -> None:
    """Writes NaN and Infinity, which are not JSON."""
    start()
    print('{"event":"epoch","epoch":1,"epochs":3,"metrics":{"loss":NaN,"accuracy":Infinity}}', flush=True)
    behave()


def output_not_json() -> None:
    """Writes lines that are no events, with control characters and invalid UTF-8 in them."""
    for line in (
        b"this is not JSON\n",
        b'{"event":"epoch","epoch":\n',
        b"\x1b[2J\x1b[31mred\x07\x00 \xff\xfe\n",
        b'{"event":"epoch","event":"done"}\n',
        b"[1,2,3]\n",
        b"\r\n",
    ):
        os.write(1, line)
    behave()


def output_is_symlink() -> None:
    """Replaces an output by a link to a file outside."""
    behave()
    (OUT / "metrics.json").unlink()
    (OUT / "metrics.json").symlink_to("/etc/passwd")


def tries_to_escape() -> None:
    """Tries what the sandbox must refuse, and reports each attempt."""
    import escape  # only this mode needs it

    results = []
    for name, attempt in escape.ATTEMPTS:
        succeeded, detail = escape.attempted(attempt)
        results.append({"attempt": name, "succeeded": succeeded, "detail": detail})
        emit("probe", attempt=name, succeeded=succeeded, detail=detail)
    write_json("escape.json", results)
    behave(("escape.json",))


MODES = {
    "ok": behave,
    "slow": takes_its_time,
    "raise": training_raises,
    "sleep": sleeps_forever,
    "memory": eats_memory,
    "pids": eats_pids,
    "disk": fills_disk,
    "flood": floods_stdout,
    "nan": metrics_not_finite,
    "badjson": output_not_json,
    "symlink": output_is_symlink,
    "escape": tries_to_escape,
}


def main() -> None:
    """Does what the dataset asks for."""
    try:
        mode = chosen_mode()
    except (OSError, UnicodeDecodeError) as error:
        fail("dataset_unreadable", str(error), 3)
    if mode not in MODES:
        fail("mode_unknown", f"unknown mode {mode!r}; known: {', '.join(MODES)}", 3)
    MODES[mode]()


if __name__ == "__main__":
    main()
