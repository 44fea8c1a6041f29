#!/usr/bin/env python3
"""`aibom model sign` beside `openssl dgst -sha256`: processor and wall time, taken in turns.

One file of 2 GB and 2,000 of 1 MB, of random bytes, in the page cache; made in a directory of their
own and removed at the end. The ratios are medians over the pairs.

    cargo build --release -p cli && python3 loadtest/model_sign.py target/release/aibom
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import tempfile
import time

MB = 1_000_000


def measure(command, cores=None):
    """Runs a command to its end: seconds of processor (user + system) and of wall time."""
    if cores is not None:
        command = ["taskset", "--cpu-list", cores, *command]
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, wall


def make(directory, count, size):
    """Fills a directory with files that are all different."""
    directory.mkdir()
    block = random.Random(count).randbytes(MB)
    for number in range(count):
        with open(directory / f"{number:05}", "wb") as file:
            file.write(number.to_bytes(8, "big"))
            for _ in range(size // MB):
                file.write(block)
    os.sync()


def pairs(rounds, ours, theirs, one_core):
    """Rounds of ours, theirs, and ours on one core, in turns."""
    found = {"aibom": [], "openssl": [], "aibom on one core": []}
    measure(ours), measure(theirs)  # the first reads fill the page cache
    for _ in range(rounds):
        found["aibom"].append(measure(ours))
        found["openssl"].append(measure(theirs))
        found["aibom on one core"].append(measure(ours, one_core))
    return found


def ratios(found, ours, theirs, figure):
    return [a[figure] / b[figure] for a, b in zip(found[ours], found[theirs])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("aibom", type=pathlib.Path, help="the release build of aibom")
    parser.add_argument("--dir", type=pathlib.Path, default=None, help="where the files go")
    parser.add_argument("--pairs", type=int, default=5, help="rounds, 1 to 100")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    arguments = parser.parse_args()
    if not 1 <= arguments.pairs <= 100:
        parser.error("--pairs is 1 to 100")
    place = pathlib.Path(tempfile.mkdtemp(prefix="model-sign-", dir=arguments.dir))
    one_core = str(min(os.sched_getaffinity(0)))
    report = {}
    try:
        key = place / "key.pem"
        generate = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt"]
        subprocess.run([*generate, "ec_paramgen_curve:P-256", "-out", key], check=True)
        key.chmod(0o600)
        for what, count, size in (("2 GB", 1, 2000 * MB), ("2,000 x 1 MB", 2000, MB)):
            model = place / "model"
            make(model, count, size)
            files = sorted(map(str, model.iterdir()))
            sign = [arguments.aibom, "model", "sign", model, "--key", key]
            sign = list(map(str, [*sign, "--signature", place / "model.sig"]))
            found = pairs(
                arguments.pairs, sign, ["openssl", "dgst", "-sha256", *files], one_core
            )
            shutil.rmtree(model)
            cpu = ratios(found, "aibom", "openssl", 0)
            report[what] = {
                "seconds": found,
                "cpu": statistics.median(cpu),
                "cpu_range": [min(cpu), max(cpu)],
                "wall": statistics.median(ratios(found, "aibom", "openssl", 1)),
                "speedup": statistics.median(ratios(found, "aibom on one core", "aibom", 1)),
            }
    finally:
        shutil.rmtree(place)
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{len(os.sched_getaffinity(0))} cores, load {load}, {arguments.pairs} pairs")
    print("| model | aibom CPU s | openssl CPU s | CPU ratio | wall ratio | one core / all |")
    print("|---|---|---|---|---|---|")
    for what, row in report.items():
        middle = {k: statistics.median(c for c, _ in v) for k, v in row["seconds"].items()}
        low, high = row["cpu_range"]
        print(
            f"| {what} | {middle['aibom']:.2f} | {middle['openssl']:.2f} "
            f"| {row['cpu']:.2f} ({low:.2f} to {high:.2f}) | {row['wall']:.2f} "
            f"| {row['speedup']:.2f} |"
        )


if __name__ == "__main__":
    main()
