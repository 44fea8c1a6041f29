"""Runs other people's scanners and ours over both corpora, and writes docs/evidence/inspect-corpus.md.

    python3 -m venv s && s/bin/pip install picklescan modelscan fickling typing_extensions h5py tensorflow-cpu==2.18.1
    cargo build --release -p inspect --example inspect
    s/bin/python compare.py TARGET_DIR/release/examples/inspect

Each tool gets each file under its own name, in one process with 30 seconds a file and 24 GiB of address space (TensorFlow).
Found: the tool reports an issue of any severity (ours: high or critical, or the rule that the manifest
names). Error: it fails or gives up, which a careful caller can take for a refusal.
"""

import importlib.metadata
import json
import logging
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TOOLS = ("picklescan", "modelscan", "fickling")
SEVERE = ("critical", "high")


def picklescan(path: str) -> str:
    from picklescan.scanner import scan_file_path

    result = scan_file_path(path)
    return "found" if result.issues_count else "error" if result.scan_err else "-"


def modelscan(path: str) -> str:
    from modelscan.modelscan import ModelScan

    result = ModelScan().scan(path)
    if result["summary"]["total_issues"]:
        return "found"
    return "error" if result["errors"] else "-"


def fickling(path: str) -> str:
    import zipfile

    from fickling.analysis import Severity
    from fickling.loader import scan_file, scan_zip_archive

    results = [scan_file(path, graceful=True)]
    if zipfile.is_zipfile(path):
        results = list(scan_zip_archive(path, graceful=True).values())
    # It reads any file as a pickle; what it cannot read comes back as an error and "suspicious".
    if any(result.severity >= Severity.LIKELY_UNSAFE for result in results):
        return "found"
    if any(not result.is_safe and not result.errors for result in results):
        return "found"
    return "error" if any(result.errors for result in results) else "-"


class Late(Exception):
    pass


def late(*_):
    raise Late


def run(tool: str, paths: list, out) -> None:
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
    signal.signal(signal.SIGALRM, late)
    sys.stdout = sys.stderr = open(os.devnull, "w")
    for path in paths:
        signal.alarm(30)
        try:
            answer = globals()[tool](path)
        except BaseException as error:  # a scanner that fails must not end the comparison
            answer = "error"
        finally:
            signal.alarm(0)
        out.send((path, answer))
    out.send(None)


def theirs(tool: str, paths: list) -> dict:
    answers, left = {}, list(paths)
    while left:
        receive, send = multiprocessing.Pipe(False)
        process = multiprocessing.Process(target=run, args=(tool, left, send))
        process.start()
        send.close()
        try:
            while (answer := receive.recv()) is not None:
                answers[answer[0]] = answer[1]
        except EOFError:
            # The process died at the next file.
            dead = next(path for path in left if path not in answers)
            answers[dead] = "error"
        process.join()
        left = [path for path in left if path not in answers]
    return answers


def ours(binary: str, paths: list) -> dict:
    """Path to (severity, rule) pairs, and whether it was read to its end."""
    text = subprocess.run([binary, *paths], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        if not line.startswith(" "):
            path = line.rsplit(": ", 1)[0]
            found[path] = []
        elif line.startswith("  unread"):
            found[path].append(("unread", ""))
        else:
            severity, rule = line.split()[:2]
            found[path].append((severity, rule))
    return found


def forbidden() -> dict:
    """What the three tools list as forbidden imports: (module, name), with who lists it."""
    from fickling.fickle import UNSAFE_IMPORTS
    from modelscan.settings import DEFAULT_SETTINGS
    from picklescan.scanner import _unsafe_globals

    listed = defaultdict(set)

    def add(who, module, names) -> None:
        for name in ["anything"] if names == "*" else names:
            listed[module, name].add(who)

    for module, names in _unsafe_globals.items():
        add("picklescan", module, names)
    scanner = DEFAULT_SETTINGS["scanners"]["modelscan.scanners.PickleUnsafeOpScan"]
    for severity in scanner.get("unsafe_globals", DEFAULT_SETTINGS.get("unsafe_globals", {})).values():
        for module, names in severity.items():
            add("modelscan", module, names)
    for module in UNSAFE_IMPORTS:
        add("fickling", module, "*")
    return listed


def call(module: str, name: str) -> bytes:
    short = lambda text: b"\x8c" + bytes([len(text)]) + text.encode()
    return b"\x80\x04" + short(module) + short(name) + b"\x93" + short("true") + b"\x85R."


def lists(binary: str) -> tuple:
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for index, key in enumerate(sorted(forbidden())):
            path = f"{folder}/{index}.pkl"
            Path(path).write_bytes(call(*key))
            paths[path] = key
        found = ours(binary, list(paths))
        missed = [paths[path] for path, hazards in found.items() if not any(s in SEVERE for s, _ in hazards)]
        return len(paths), sorted(missed)


def main(binary: str) -> None:
    manifest = json.loads((HERE / "corpus.json").read_text())
    full = lambda path: str((HERE / path).resolve())
    hostile = {full(path): expected for path, expected in manifest["hostile"].items()}
    benign = [full(path) for path in manifest["benign"]]
    paths = [*hostile, *benign]
    mine = ours(binary, paths)
    answers = {tool: theirs(tool, paths) for tool in TOOLS}
    answers["inspect"] = {}
    for path, hazards in mine.items():
        expected = hostile.get(path, {}).get("rule")
        hit = any(severity in SEVERE or rule == expected for severity, rule in hazards)
        answers["inspect"][path] = "found" if hit else "error" if ("unread", "") in hazards else "-"
    tools = ["inspect", *TOOLS]
    family = lambda path: hostile[path]["rule"].split(".")[0]
    kinds = {"pickle": "pickle", "numpy": "NumPy", "keras": "Keras", "hdf5": "HDF5", "zip": "zip", "tar": "tar"}
    groups = defaultdict(list)
    for path in hostile:
        groups[kinds.get(family(path), "others")].append(path)

    lines = ["# What `inspect` and other scanners find", "",
             "Written by `libs/inspect/corpus/compare.py`, which says what counts; one run over both corpora.", "",
             "Versions: " + ", ".join(f"{tool} {importlib.metadata.version(tool)}" for tool in TOOLS)
             + ", and `libs/inspect` of this tree.", "",
             "The corpus was made for `inspect`, so its own column shows only that it does what it was written to "
             "do. The others are made for pickles (picklescan, fickling) and for pickles, Keras and TensorFlow "
             "(modelscan); archives, polyglots and HDF5 links are not what they promise to find.", "",
             f"## Hostile: found of {len(hostile)}", "",
             "| rules | files | " + " | ".join(tools) + " |", "|---|---|" + "---|" * len(tools)]
    count = lambda tool, group, what: sum(answers[tool][path] == what for path in group)
    cell = lambda tool, group: f"{count(tool, group, 'found')}" + (
        f" (+{errors} errors)" if (errors := count(tool, group, "error")) else "")
    for name in [*kinds.values(), "others"]:
        lines.append(f"| {name} | {len(groups[name])} | " + " | ".join(cell(tool, groups[name]) for tool in tools) + " |")
    lines.append(f"| all | {len(hostile)} | " + " | ".join(cell(tool, list(hostile)) for tool in tools) + " |")
    lines += ["", f"## Benign: blamed of {len(benign)}", "", "| | " + " | ".join(tools) + " |", "|---|" + "---|" * len(tools),
              "| blamed | " + " | ".join(cell(tool, benign) for tool in tools) + " |"]
    medium = [path for path in benign if any(severity in (*SEVERE, "medium") for severity, _ in mine[path])]
    lines += ["", f"Of severity medium or worse by `inspect`: {len(medium)}.", ""]
    for tool in TOOLS:
        blamed = [Path(path).name for path in benign if answers[tool][path] == "found"]
        if blamed:
            lines.append(f"- {tool} blames {', '.join(f'`{name}`' for name in blamed)}.")
    total, missed = lists(binary)
    lines += ["", "## Their lists of forbidden imports", "",
              f"Each of the {total} imports that one of the three lists as forbidden, in a pickle of its own (a whole "
              f"module as `module.anything`): `inspect` gives severity high or critical for {total - len(missed)}."]
    if missed:
        lines += ["", "The rest it calls unknown (medium): " + ", ".join(f"`{m}.{n}`" for m, n in missed) + "."]
    lines += ["", "## Each hostile file", "", "| file | rule | " + " | ".join(tools) + " |", "|---|---|" + "---|" * len(tools)]
    for path, expected in hostile.items():
        row = " | ".join(answers[tool][path] for tool in tools)
        lines.append(f"| `{Path(path).name}` | {expected['rule']} | {row} |")
    (ROOT / "docs/evidence/inspect-corpus.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines[: lines.index("## Each hostile file")]))


if __name__ == "__main__":
    main(sys.argv[1])
