"""Writes the corpora and their manifest, corpus.json.

    python3 -m venv v
    v/bin/pip install h5py numpy scikit-learn joblib safetensors onnx pandas pyyaml pillow
    v/bin/python make.py

Payloads are genuine in form and harmless in effect: they run `true`, or read a file that is not there.
`hostile/` names the rule by which each file must be found; `benign/` holds what real libraries write.
The tests need the files, not this script.
"""

import bz2
import collections
import datetime
import decimal
import gzip
import io
import json
import pickle
import shutil
import struct
import tarfile
import uuid
import zipfile
import zlib
from pathlib import Path

import h5py
import joblib
import numpy as np
import onnx
import pandas as pd
import yaml
from onnx import TensorProto, helper
from PIL import Image
from safetensors.numpy import save as safetensors_save

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HOSTILE, BENIGN = HERE / "hostile", HERE / "benign"
manifest = {"hostile": {}, "benign": []}


def hostile(name: str, rule: str, content: bytes, severity: str = "high") -> None:
    """`severity` is the least that the rule must give."""
    (HOSTILE / name).write_bytes(content)
    manifest["hostile"][f"hostile/{name}"] = {"rule": rule, "severity": severity}


def benign(name: str, content: bytes) -> None:
    (BENIGN / name).write_bytes(content)
    manifest["benign"].append(f"benign/{name}")


def zipped(entries, compression=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, content in entries:
            z.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def h5(fill, **kwargs) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w", **kwargs) as f:
        fill(f)
    return out.getvalue()


# --- pickles -------------------------------------------------------------------------------------

SYSTEM = b"cos\nsystem\n(S'true'\ntR."


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def call(module: str, name: str, argument: str = "true") -> bytes:
    """Protocol 4, as `__reduce__` makes it."""
    return b"\x80\x04" + short(module) + short(name) + b"\x93" + short(argument) + b"\x85R."


class Reduce:
    def __init__(self, function, *arguments):
        self.made = function, arguments

    def __reduce__(self):
        return self.made


def pickles() -> None:
    import os
    import subprocess

    for protocol in range(6):
        hostile(f"protocol{protocol}.pkl", "pickle.code",
                pickle.dumps({"weights": Reduce(os.system, "true")}, protocol), "critical")
    hostile("inst.pkl", "pickle.code", b"(S'true'\nios\nsystem\n.", "critical")
    hostile("obj.pkl", "pickle.code", b"(cos\nsystem\nS'true'\no.", "critical")
    hostile("newobj.pkl", "pickle.code", b"\x80\x02csubprocess\nPopen\n]S'true'\na\x85\x81.", "critical")
    hostile("newobj_ex.pkl", "pickle.code",
            b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93]\x8c\x04truea\x85}\x92.", "critical")
    hostile("eval.pkl", "pickle.code", pickle.dumps(Reduce(eval, "1+1"), 2), "critical")
    hostile("build_setattr.pkl", "pickle.code", b"cbuiltins\nsetattr\n(cos\nenviron\nS'x'\nI1\ntR.", "critical")
    hostile("getattr_chain.pkl", "pickle.code",
            b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93\x8c\x08builtins\x8c\x0a__import__\x93"
            b"\x8c\x02os\x85R\x8c\x06system\x86R\x8c\x04true\x85R.", "critical")
    # The names come from the memo, by PUTs that a scanner may count differently (picklescan #14).
    hostile("memo_confusion.pkl", "pickle.code",
            b"\x80\x04T\x02\x00\x00\x00osq\x00T\x06\x00\x00\x00systemq\x01"
            b"\x8c\x0btorch._utils\x94\x8c\x12_rebuild_tensor_v2\x9400h\x00h\x01\x93\x8c\x04true\x85R."
            .replace(b"\x8c\x0btorch._utils", b"\x8c\x0ctorch._utils"), "critical")
    hostile("memo_overwrite.pkl", "pickle.code",
            b"\x80\x04\x8c\x0bcollectionsq\x05\x8c\x02osq\x05\x8c\x06systemq\x0600" b"0h\x05h\x06\x93"
            b"\x8c\x04true\x85R.", "critical")
    hostile("memo_dup.pkl", "pickle.code",
            b"\x80\x04\x8c\x06systemq\x01\x8c\x02os2" b"0h\x01\x93\x8c\x04true\x85R.", "critical")
    hostile("escaped_string.pkl", "pickle.code",
            b"\x80\x04S'\\x6f\\163'\nVsys\\u0074em\n\x93\x8c\x04true\x85R.", "critical")
    hostile("hidden_import.pkl", "pickle.hidden-import",
            b"\x80\x04cbuiltins\nstr\n\x8c\x02os\x85R\x8c\x06system\x93\x8c\x04true\x85R.")
    hostile("extension.pkl", "pickle.extension", b"\x80\x02\x82\x01)R.")
    hostile("extension4.pkl", "pickle.extension", b"\x80\x02\x84\x01\x02\x00\x00)R.")
    # nullifAI: the payload stands first, and the rest is broken.
    hostile("broken_after.pkl", "pickle.code", SYSTEM[:-1] + b"0\xff\xff\xff", "critical")
    hostile("truncated.pkl", "pickle.code", b"\x80\x04" + call("os", "system")[2:-1] + b"\x8c", "critical")
    hostile("broken_only.pkl", "pickle.broken", pickle.dumps(list(range(40)), 4)[:-8])
    hostile("behind_fault.pkl", "pickle.code", b"\x80\x04N0000\xfe" + call("os", "system")[2:], "critical")
    hostile("behind_stop.pkl", "pickle.code", pickle.dumps([1, 2], 4) + call("posix", "system"), "critical")
    hostile("trailing.pkl", "pickle.trailing", pickle.dumps({"a": 1}, 4) + b"\0" * 64, "medium")
    hostile("many_behind.pkl", "pickle.code", pickle.dumps(1, 4) * 20 + SYSTEM, "critical")
    hostile("frame_lie.pkl", "pickle.code",
            b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\x00\x00" + call("os", "system")[2:], "critical")
    hostile("persistent.pkl", "pickle.persistent-id", b"\x80\x02Pfile\n.", "low")
    hostile("memory.pkl", "pickle.memory", b"\x80\x04Nr\xff\xff\xff\xff.", "medium")
    hostile("huge_string.pkl", "pickle.memory",
            b"\x80\x04\x8e\x00\x00\x00\x00\x00\x01\x00\x00.", "medium")
    hostile("unknown.pkl", "pickle.unknown-call", call("evil_package.models", "Net"))
    hostile("unknown_built.pkl", "pickle.unknown-call", b"\x80\x04cevil_package\nNet\n}b.")
    hostile("unknown_inst.pkl", "pickle.unknown-call", b"(ievil_package\nNet\n.")
    hostile("unknown_given.pkl", "pickle.unknown-call",
            b"ccopy_reg\n_reconstructor\n(cevil_package\nNet\nc__builtin__\nobject\nNtR.")
    hostile("unknown_referenced.pkl", "pickle.unknown-import", b"\x80\x04]cevil_package\nNet\na.", "medium")
    # The place of a PUT is what `int` makes of it, so that a GET finds another name than it seems.
    def put_at(place: str) -> bytes:
        return (f"S'collections'\np1\n0S'OrderedDict'\np2\n0S'os'\np{place}\n0S'system'\np2\n0g1\ng2\n".encode()
                + b"\x93(S'true'\ntR.")

    hostile("place_zeros.pkl", "pickle.code", put_at("0" * 32 + "1"), "critical")
    hostile("place_underscore.pkl", "pickle.code", put_at("0_1"), "critical")
    hostile("place_nul.pkl", "pickle.code", put_at("1\0x"), "critical")
    hostile("place_spaced.pkl", "pickle.hidden-import", put_at(" 1"))
    hostile("place_long.pkl", "pickle.hidden-import", put_at("0" * 5000 + "1"))
    # Numbers that CPython takes, and that no pickler writes.
    for name, number in [("binary.bin", "0B1"), ("octal.csv", "0O7"), ("spaced.bin", " 1"), ("underscore", "1_0")]:
        hostile(f"number_{name}", "pickle.unknown-call", f"I{number}\n0cevil_package\nrun\n(tR.".encode())
    hostile("number_odd.pkl", "pickle.broken", b"I0B1\n.")
    hostile("operand_fails.pkl", "pickle.code", b"S'os'\nS'system'\nIx\n0\x93(S'true'\ntR.", "critical")
    # What scanners with a list of the forbidden had to learn one by one.
    for module, name in [
        ("pip", "main"),  # CVE-2025-1716
        ("asyncio.unix_events", "_UnixSubprocessTransport._start"),  # CVE-2025-10157
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("idlelib.pyshell", "ModifiedInterpreter.runcode"),
        ("cProfile", "run"),
        ("timeit", "timeit"),
        ("pkgutil", "resolve_name"),
        ("importlib", "import_module"),
        ("marshal", "loads"),
        ("ensurepip", "_run_pip"),
        ("torch.utils.collect_env", "run"),
        ("torch.utils._config_module", "ConfigModule.load_config"),
        ("torch.storage", "_load_from_bytes"),
        ("lib2to3.pgen2.grammar", "Grammar.loadgrammar"),
        ("operator", "attrgetter"),
        ("distutils.file_util", "write_file"),
        ("mailcap", "findmatch"),
        ("numpy.core", "_ufunc_reconstruct"),
        ("numpy", "load"),
        ("pandas", "read_pickle"),
        ("joblib", "load"),
        ("numpy", "ctypeslib.os.system"),
        ("sklearn.tree._classes", "numbers.sys.modules"),
        ("collections", "_sys.modules"),
        ("_io", "FileIO"),
        ("ssl", "get_server_certificate"),
        ("cloudpickle.cloudpickle", "_make_function"),
        ("functools", "partial"),
    ]:
        hostile(f"import_{module}.{name}.pkl", "pickle.code", call(module, name), "critical")
    hostile("import_logging_config.pkl", "pickle.code", call("logging.config", "listen"), "critical")
    hostile("import_tkinter.pkl", "pickle.stdlib-import", call("tkinter.filedialog", "test"))
    hostile("import_urllib_py2.pkl", "pickle.code", call("urllib2", "urlopen"), "critical")
    # The wrong name (CVE-2025-1889, CVE-2025-10155).
    hostile("pickle_as.csv", "name.mismatch", call("os", "system"))
    hostile("pickle_as.csv.pickle0.csv", "pickle.code", SYSTEM, "critical")
    hostile("pickle_as.json", "pickle.code", SYSTEM, "critical")
    hostile("pickle_as_model.bin", "pickle.code", call("os", "system"), "critical")
    hostile("pickle_as.keras", "pickle.code", call("os", "system"), "critical")
    hostile("pickle_as.h5", "pickle.code", call("os", "system"), "critical")
    hostile("pickle_as.safetensors", "pickle.code", call("os", "system"), "critical")
    hostile("pickle_as.onnx", "pickle.code", call("os", "system"), "critical")
    hostile("noname", "pickle.code", call("subprocess", "check_output"), "critical")

    def joblib_bytes(value, **kwargs) -> bytes:
        out = io.BytesIO()
        joblib.dump(value, out, **kwargs)
        return out.getvalue()

    evil = Reduce(subprocess.Popen, ["true"])
    hostile("arrays.joblib", "pickle.code", joblib_bytes([np.arange(5.0), evil, np.ones(3)]), "critical")
    hostile("compressed.joblib", "pickle.code", joblib_bytes([np.arange(5.0), evil], compress=3), "critical")
    hostile("gzip.joblib", "pickle.code", joblib_bytes([evil], compress=("gzip", 3)), "critical")
    # joblib passes over the numbers of an array; pickle.load runs them.
    inside = call("os", "system")[2:]
    inside += b"N" * (-len(inside) % 8)
    hostile("in_array.joblib", "pickle.code", joblib_bytes([np.frombuffer(inside, "u1")]), "critical")

    def wrapper(dtype: str, size: int) -> bytes:
        """As joblib wrote before it padded, so that the first number is the first opcode."""
        return (b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(\x8c\x08subclasscnumpy\nndarray\n"
                b"\x8c\x05shapeK" + bytes([size]) + b"\x85\x8c\x05order\x8c\x01C\x8c\x05dtypecnumpy\ndtype\n("
                + short(dtype) + b"\x89\x88tR\x8c\x0aallow_mmap\x89ub")

    for name, rule, severity, numbers in [
        ("memo", "pickle.code", "critical",
         b"\x8c\x02osq\xff0\x8c\x06systemq\xfe0h\xffh\xfe\x93\x8c\x04true\x85R."),
        ("stack", "pickle.code", "critical", b"0\x93\x8c\x04true\x85R."),
        ("hidden", "pickle.hidden-import", "high",
         b"cbuiltins\nstr\n\x8c\x02os\x85R\x8c\x06system\x93\x8c\x04true\x85R."),
        ("unknown", "pickle.unknown-call", "high", b"cevil_package\nrun\n)R."),
    ]:
        hostile(f"in_array_{name}.joblib", rule, b"\x80\x04\x8c\x02os\x8c\x06system" + wrapper("u1", len(numbers))
                + numbers + b".", severity)
    # The objects of an array have a memo of their own for joblib, and not for pickle.load.
    inner = b"\x80\x04\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94h\x00h\x01\x93)R."
    hostile("in_objects_memo.joblib", "pickle.code",
            b"\x80\x04\x8c\x02os\x94\x8c\x06system\x9400" + wrapper("O8", 1) + inner + b".", "critical")


# --- arrays and PyTorch --------------------------------------------------------------------------

def torch_zip(data: bytes, extra=(), numbers: bytes = b"\0" * 16) -> bytes:
    return zipped([("m/data.pkl", data), ("m/byteorder", b"little"), ("m/data/0", numbers),
                   ("m/version", b"3\n"), *extra])


def tensor_pickle() -> bytes:
    """What torch.save writes for a float tensor, with the `pickle` module alone."""
    return (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00((X\x07\x00\x00\x00storageq\x01"
            b"ctorch\nFloatStorage\nq\x02X\x01\x00\x00\x000q\x03X\x03\x00\x00\x00cpuq\x04K\x04tq\x05QK\x00"
            b"K\x04\x85q\x06K\x01\x85q\x07\x89ccollections\nOrderedDict\nq\x08)Rq\ttq\nRq\x0b.")


def legacy_torch(middle: bytes) -> bytes:
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}
    return (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps(info, 2)
            + middle + pickle.dumps(["0"], 2) + struct.pack("<q4f", 4, 1, 2, 3, 4))


def npy(value, **kwargs) -> bytes:
    out = io.BytesIO()
    np.save(out, value, **kwargs)
    return out.getvalue()


def npz(save=np.savez, **arrays) -> bytes:
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def tampered(content: bytes, at: int, value: bytes) -> bytes:
    return content[:at] + value + content[at + len(value):]


def arrays() -> None:
    import os

    evil = np.array([Reduce(os.system, "true")], object)
    hostile("object.npy", "pickle.code", npy(evil), "critical")
    hostile("object_plain.npy", "numpy.object", npy(np.array([{"a": 1}], object)), "medium")
    hostile("structured_object.npy", "numpy.object",
            npy(np.array([(1, {"a": 1})], [("n", "i4"), ("o", "O")])), "medium")
    spelled = npy(evil).replace(b"'|O'", b"'\\x4f'", 1)
    spelled = spelled.replace(b"(1,), } ", b"(1,), }", 1).replace(b"}  ", b"}", 1)
    hostile("object_escaped.npy", "pickle.code", spelled, "critical")
    hostile("object.npz", "pickle.code", npz(a=np.ones(2), b=evil), "critical")
    hostile("object_compressed.npz", "pickle.code", npz(np.savez_compressed, a=evil), "critical")
    hostile("header.npy", "numpy.header", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{'descr'")
    hostile("version.npy", "numpy.header", tampered(npy(evil), 6, b"\x07"))
    hostile("code.pt", "pickle.code", torch_zip(call("os", "system")), "critical")
    hostile("code.bin", "pickle.code", torch_zip(call("runpy", "_run_code")), "critical")
    hostile("constants.pt", "pickle.code",
            torch_zip(tensor_pickle(), [("m/constants.pkl", SYSTEM)]), "critical")
    hostile("data0.pt", "pickle.code",
            torch_zip(tensor_pickle(), numbers=call("os", "system")), "critical")
    hostile("data_zip.pt", "pickle.code",
            torch_zip(tensor_pickle(), numbers=zipped([("m.txt", SYSTEM)], zipfile.ZIP_DEFLATED)), "critical")
    hostile("data_model.zip", "keras.code", zipped([("data.pkl", tensor_pickle()), ("data/model", legacy(LAMBDA))]),
            "critical")
    hostile("legacy.pt", "pickle.code", legacy_torch(call("os", "system")), "critical")
    content = torch_zip(call("os", "system"))
    central = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x01\x02") + 4)
    # CVE-2025-1945: a flag that some readers take for "encrypted"; CVE-2025-10156: a wrong checksum;
    # CVE-2025-1944: another name in the entry's own header.
    hostile("flag_bits.pt", "pickle.code", tampered(content, central + 8, b"\x20\x00"), "critical")
    hostile("flag_mismatch.pt", "zip.mismatch", tampered(content, central + 8, b"\x20\x00"))
    hostile("wrong_crc.pt", "zip.checksum", tampered(content, central + 16, b"\0\0\0\0"))
    hostile("local_name.pt", "zip.mismatch", tampered(content, 30, b"m/data.txt"))
    hostile("encrypted.zip", "zip.encrypted",
            tampered(tampered(content, central + 8, b"\x01\x00"), 6, b"\x01\x00"), "medium")
    hostile("sevenzip.pt", "name.mismatch", b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\0" * 24, "medium")


# --- Keras ---------------------------------------------------------------------------------------

def layer(module: str, name: str, config, **more):
    return {"module": module, "class_name": name, "config": config, "registered_name": None} | more


DENSE = layer("keras.layers", "Dense", {"name": "d", "units": 2, "activation": "linear"})
INPUT = layer("keras.layers", "InputLayer", {"batch_shape": [None, 3], "dtype": "float32", "name": "i"})
CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
LAMBDA = layer("keras.layers", "Lambda", {"name": "l", "function": CODE})


def sequential(*layers):
    return layer("keras", "Sequential", {"name": "s", "layers": [INPUT, *layers]})


WEIGHTS = h5(lambda f: None)


def keras(config, weights: bytes = WEIGHTS, extra=(), compression=zipfile.ZIP_STORED) -> bytes:
    config = config if isinstance(config, str) else json.dumps(config)
    return zipped([("metadata.json", '{"keras_version": "3.15.1", "date_saved": "2026-01-01@00:00:00"}'),
                   ("config.json", config), ("model.weights.h5", weights), *extra], compression)


def legacy(config, as_bytes: bool = False, **kwargs) -> bytes:
    text = config if isinstance(config, str) else json.dumps(config)

    def fill(f) -> None:
        f.attrs["keras_version"] = "2.15.0"
        f.attrs["backend"] = "tensorflow"
        f.attrs["model_config"] = np.bytes_(text) if as_bytes else text
        f["model_weights/d/kernel"] = np.zeros(4, "f4")

    return h5(fill, **kwargs)


def models() -> None:
    hostile("lambda.keras", "keras.code", keras(sequential(LAMBDA)), "critical")
    deep = layer("keras.layers", "TimeDistributed", {"layer": layer("keras.layers", "Bidirectional", {"layer": LAMBDA})})
    hostile("lambda_nested.keras", "keras.code", keras(sequential(deep)), "critical")
    escaped = json.dumps(sequential(LAMBDA)).replace("Lambda", "\\u004camb\\u0064a").replace(
        "class_name", "c\\u006cass_name").replace("__lambda__", "\\u005f\\u005flambda__")
    hostile("lambda_escaped.keras", "keras.code", keras(escaped), "critical")
    hostile("lambda_deflated.keras", "keras.code",
            keras(sequential(LAMBDA), compression=zipfile.ZIP_DEFLATED), "critical")
    hostile("lambda_nan.keras", "keras.code",
            keras(json.dumps(sequential(LAMBDA)).replace('"name": "l"', '"name": NaN')), "critical")
    # CVE-2025-1550: any module and function by name.
    hostile("cve_2025_1550.keras", "keras.function", keras(sequential(
        layer("os", "function", "system", registered_name="function"))))
    hostile("cve_2025_1550_popen.keras", "keras.function", keras(layer(
        "keras.src.models.functional", "Functional", {"layers": [layer("subprocess", "Popen", {"args": "true"})]})))
    # CVE-2025-8747: Keras's own functions that load or download.
    hostile("cve_2025_8747.keras", "keras.function", keras(sequential(layer(
        "keras.layers", "Lambda", {"function": layer("keras.utils", "get_file", {"origin": "http://localhost/x"})}))))
    hostile("cve_2025_8747_config.keras", "keras.function", keras(sequential(layer(
        "keras.config", "enable_unsafe_deserialization", {}))))
    # CVE-2025-9905: safe_mode is ignored for .h5; CVE-2025-9906: config that turns it off.
    hostile("cve_2025_9905.h5", "keras.code", legacy(
        {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {
            "function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}}]}}), "critical")
    hostile("cve_2025_9906.keras", "keras.function", keras(sequential(
        layer("keras.saving", "enable_unsafe_deserialization", {}), LAMBDA)))
    # CVE-2025-12058: a vocabulary by path or address.
    for place in ("/nonexistent/vocabulary", "http://localhost/x"):
        hostile(f"cve_2025_12058_{place[0] == 'h' and 'url' or 'path'}.keras", "keras.file",
                keras(sequential(layer("keras.layers", "StringLookup", {"vocabulary": place}))))
    # CVE-2026-1669: weights in another file.
    outside = h5(lambda f: f.create_dataset("layers/d/vars/0", (4,), "f4", external=[("/nonexistent", 0, 16)]))
    hostile("cve_2026_1669.keras", "hdf5.external", keras(sequential(DENSE), outside))
    hostile("torch_module.keras", "keras.runtime", keras(sequential(
        layer("keras.layers", "TorchModuleWrapper", {"module": "gAJjb3MKc3lzdGVtCg=="}))))
    hostile("tfsm.keras", "keras.runtime", keras(sequential(layer("keras.layers", "TFSMLayer", {"filepath": "/nonexistent"}))))
    hostile("custom.keras", "keras.class", keras(sequential(layer("pkg", "Net", {}, registered_name="pkg>Net"))))
    hostile("typespec.keras", "keras.function", keras(sequential(layer("builtins", "__typespec__", ["os", "system"]))))
    hostile("asset.keras", "keras.file", keras(sequential(DENSE), extra=[("assets/vocabulary.txt", b"a\n")]))
    hostile("slip.keras", "zip.path", keras(sequential(DENSE), extra=[("../../outside.py", b"pass\n")]))
    hostile("pickle_inside.keras", "pickle.code", keras(sequential(DENSE), extra=[("x.bin", call("os", "system"))]), "critical")
    far = json.dumps(layer("os", "function", "system")).replace(', "class_name"', "," + " " * (2 << 20) + '"class_name"')
    hostile("module_far.json.gz", "keras.function", gzip.compress(far.encode(), 9, mtime=0))
    hostile("config_only.json", "keras.code", json.dumps(sequential(LAMBDA)).encode(), "critical")

    old = {"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda", "config": {"function": ["4wE=", None, None]}}]}}
    hostile("lambda.h5", "keras.code", legacy(old), "critical")
    hostile("lambda_bytes.h5", "keras.code", legacy(old, True), "critical")
    hostile("lambda_latest.h5", "keras.code", legacy(old, libver="latest"), "critical")
    hostile("lambda_escaped.h5", "keras.code", legacy(
        json.dumps(old).replace("Lambda", "\\u004c\\u0061\\u006d\\u0062\\u0064\\u0061")), "critical")
    hostile("lambda_spaced.h5", "keras.code", legacy(json.dumps(old).replace(": ", " \n\t : \r\n ")), "critical")
    hostile("lambda_padded.h5", "keras.class", legacy(json.dumps(old).replace(': "Lambda"', ":" + " " * 9000 + '"Lambda"')))
    hostile("lambda_userblock.h5", "keras.code", legacy(old, userblock_size=512), "critical")


# --- HDF5 ----------------------------------------------------------------------------------------

def hdf5() -> None:
    for version in ("earliest", "latest"):
        kwargs = {"libver": version}
        hostile(f"external_link_{version}.h5", "hdf5.external",
                h5(lambda f: f.__setitem__("x", h5py.ExternalLink("/nonexistent.h5", "/x")), **kwargs))
        hostile(f"external_storage_{version}.h5", "hdf5.external",
                h5(lambda f: f.create_dataset("x", (4,), "f4", external=[("/nonexistent", 0, 16)]), **kwargs))

        def virtual(f) -> None:
            layout = h5py.VirtualLayout((4,), "f4")
            layout[:] = h5py.VirtualSource("/nonexistent.h5", "x", (4,))
            f.create_virtual_dataset("x", layout)

        hostile(f"virtual_{version}.h5", "hdf5.virtual", h5(virtual, **kwargs))

    def dense(f) -> None:
        for index in range(12):
            f[f"link{index}"] = h5py.ExternalLink(f"/nonexistent{index}.h5", "/x")
        f.create_dataset("z", (4,), "f4", external=[("/nonexistent", 0, 16)])

    hostile("external_dense.h5", "hdf5.external", h5(dense, libver="latest"))
    hostile("bomb.h5", "hdf5.bomb", h5(lambda f: f.create_dataset("x", (1 << 40,), "f4")))
    hostile("userblock.h5", "polyglot", tampered(
        h5(lambda f: f.__setitem__("x", np.ones(2)), userblock_size=512), 0, call("os", "system")))

    def plugin(f) -> None:
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((4,))
        create.set_filter(305, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(f.id, b"x", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), create)

    hostile("filter.h5", "hdf5.filter", h5(plugin), "medium")


# --- archives ------------------------------------------------------------------------------------

def raw_zip(entries, comment: bytes = b"") -> bytes:
    """Entries of (name, packed, size, method, crc), written as told."""
    body, directory = b"", b""
    for name, packed, size, method, crc in entries:
        name = name.encode()
        common = struct.pack("<HHHHHIII", 20, 0, method, 0, 33, crc, len(packed), size)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack(
            "<HHHHHII", len(name), 0, 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + common + struct.pack("<HH", len(name), 0) + name + packed
    count = len(entries)
    return body + directory + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, count, count, len(directory), len(body), len(comment)) + comment


def overlapping(count: int) -> bytes:
    """Every entry's directory record points at the same bytes."""
    plain = b"\0" * (1 << 20)
    packed = zlib.compress(plain, 9)[2:-4]
    one = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, zlib.crc32(plain), len(packed), len(plain))
    body = b"PK\x03\x04" + one + struct.pack("<HH", 1, 0) + b"0" + packed
    directory = b"".join(
        b"PK\x01\x02" + struct.pack("<H", 20) + one + struct.pack("<HHHHHII", 1, 0, 0, 0, 0, 0, 0)
        + b"0" for index in range(count))
    return body + directory + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)


def tarred(*members, format=tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as t:
        for member in members:
            name, kind, more = member
            info = tarfile.TarInfo(name)
            info.type = kind
            content = more if isinstance(more, bytes) else b""
            if isinstance(more, str):
                info.linkname = more
            info.size = len(content)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()[: -(tarfile.RECORDSIZE - 1024)] if len(out.getvalue()) > 20480 else out.getvalue()


def small_tar(content: bytes) -> bytes:
    """Without the padding to 10 kB."""
    return content.rstrip(b"\0").ljust(-(-len(content.rstrip(b"\0")) // 512) * 512, b"\0") + b"\0" * 1024


def archives() -> None:
    a = [("a.txt", b"text\n")]
    for index, name in enumerate(["../outside.txt", "/etc/outside", "a/../../outside", "C:\\outside", "..\\outside",
                                  "a/.. /outside"]):
        hostile(f"slip{index}.zip", "zip.path", raw_zip([(name, b"x", 1, 0, zlib.crc32(b"x"))]))
    hostile("nul.zip", "zip.path", raw_zip([("a.txt\0.py", b"x", 1, 0, zlib.crc32(b"x"))]))
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr(link, "/etc")
    hostile("symlink.zip", "zip.link", out.getvalue())
    hostile("duplicate.zip", "zip.duplicate",
            raw_zip([("a", b"x", 1, 0, zlib.crc32(b"x")), ("a", b"y", 1, 0, zlib.crc32(b"y"))]))
    bomb = zlib.compress(b"\0" * (17 << 20), 9)[2:-4]
    hostile("bomb.zip", "zip.bomb", raw_zip([("zeros", bomb, 17 << 20, 8, zlib.crc32(b"\0" * (17 << 20)))]))
    hostile("bomb_lying.zip", "zip.bomb", raw_zip([("zeros", bomb, 100, 8, 0)]))
    inner = raw_zip([("zeros", bomb, 17 << 20, 8, zlib.crc32(b"\0" * (17 << 20)))])
    packed = zlib.compress(inner, 9)[2:-4]
    hostile("bomb_nested.zip", "zip.bomb",
            raw_zip([(f"{i}.zip", packed, len(inner), 8, zlib.crc32(inner)) for i in range(4)]))
    hostile("overlap.zip", "zip.overlap", overlapping(200))
    hostile("wide.zip", "zip.bomb", raw_zip([("a", b"x", (1 << 32) - 2, 8, 0)]))
    nested = zipped(a)
    for _ in range(5):
        nested = zipped([("inner.zip", nested)])
    hostile("deep.zip", "archive.depth", nested)
    behind = b"text\n"
    for _ in range(12):
        behind = b"text\n" + zipped([("a.txt", behind)])
    hostile("deep_behind_texts.txt", "archive.depth", behind)
    hostile("pickle_in_zip_in_tar.tar", "pickle.code",
            small_tar(tarred(("x.zip", tarfile.REGTYPE, zipped([("m.pkl", SYSTEM)])))), "critical")
    hostile("pickle_in_zip.zip", "pickle.code", zipped([("readme.txt", call("os", "system"))], zipfile.ZIP_DEFLATED), "critical")
    hostile("prefix.zip", "polyglot", b"#!/bin/sh\ntrue; exit\n" + zipped(a))
    hostile("html.zip", "polyglot", b"<html><script>1</script></html>\n" + zipped(a))
    hostile("pdf.zip", "polyglot", b"%PDF-1.4\n%%EOF\n" + zipped(a))
    hostile("suffix.zip", "polyglot", zipped(a) + b"#!/bin/sh\ntrue\n")
    hostile("pickle_then_zip.pt", "polyglot", call("os", "system") + torch_zip(tensor_pickle()))
    hostile("pickle_then_zip.pkl", "pickle.code", call("os", "system") + zipped(a), "critical")
    hostile("image_then_zip.png", "polyglot", png() + zipped(a))
    hostile("two_zips.zip", "polyglot", zipped(a) + zipped([("b.txt", b"other\n")]))
    # The comment of one archive is the directory and end of another.
    both = zipped([("a.txt", b"text\n"), ("b.txt", b"other\n")])
    start, end = both.index(b"PK\x01\x02"), both.index(b"PK\x05\x06")
    middle = both.index(b"PK\x01\x02", start + 4)
    final = lambda size, at, comment: b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, size, at, comment)
    second = both[middle:end] + final(end - middle, middle + 22, 0)
    hostile("two_ends.zip", "zip.contradiction",
            both[:middle] + final(middle - start, start, len(second)) + second)
    hidden = zipped([("m.pkl", SYSTEM), ("a.txt", b"text\n")])
    second = hidden.index(b"PK\x03\x04", 4)
    central = hidden.index(b"PK\x01\x02")
    keep = hidden.index(b"PK\x01\x02", central + 4)
    end = hidden.index(b"PK\x05\x06")
    directory = hidden[keep:end]
    hostile("hidden.zip", "zip.hidden", hidden[:central] + directory + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, 1, 1, len(directory), central, 0))
    count = zipped(a)
    hostile("count.zip", "zip.contradiction", tampered(count, len(count) - 14, b"\x05\0\x05\0"))
    start, size = count.index(b"PK\x01\x02"), len(count) - 22 - count.index(b"PK\x01\x02")
    wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(count) - 22, 1)
    lies = count[:-22] + wide + locator + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, 7, 7, size, start, 0)
    hostile("zip64.zip", "zip.contradiction", lies)
    hostile("cut.zip", "zip.broken", zipped(a)[:-30], "medium")
    hostile("program.zip", "executable", zipped([("tool", b"\x7fELF\x02\x01\x01" + b"\0" * 57)]))
    hostile("elf", "executable", b"\x7fELF\x02\x01\x01" + b"\0" * 57)
    hostile("pe.csv", "executable", b"MZ\x90\0\x03\0\0\0" + b"\0" * 56)
    hostile("script.csv", "script", b"#!/bin/sh\ntrue\n", "medium")
    hostile("page.csv", "script", b"<html><body><script>1</script></body></html>\n", "medium")
    hostile("object.yaml", "yaml.tag", b"a: !!python/object/apply:os.system ['true']\n")

    hostile("slip.tar", "tar.path", small_tar(tarred(("../outside", tarfile.REGTYPE, b"x"))))
    hostile("absolute.tar", "tar.path", small_tar(tarred(("/etc/outside", tarfile.REGTYPE, b"x"))))
    hostile("pax_path.tar", "tar.path", small_tar(tarred(("a/" * 60 + "../" * 70 + "x", tarfile.REGTYPE, b"x"))))
    hostile("gnu_path.tar", "tar.path", small_tar(tarred(("a/" * 60 + "../" * 70 + "x", tarfile.REGTYPE, b"x"),
                                                         format=tarfile.GNU_FORMAT)))
    hostile("symlink.tar", "tar.link", small_tar(tarred(("l", tarfile.SYMTYPE, "../../etc"), ("l/x", tarfile.REGTYPE, b"x"))))
    hostile("hardlink.tar", "tar.link", small_tar(tarred(("l", tarfile.LNKTYPE, "/etc/passwd"))))
    hostile("device.tar", "tar.device", small_tar(tarred(("d", tarfile.CHRTYPE, b""))))
    hostile("fifo.tar", "tar.device", small_tar(tarred(("f", tarfile.FIFOTYPE, b""))))
    hostile("duplicate.tar", "tar.duplicate",
            small_tar(tarred(("a", tarfile.REGTYPE, b"x"), ("./a", tarfile.REGTYPE, b"y"))), "medium")
    # CVE-2025-62518: the two headers give two sizes.
    size = b"16 size=00000512\n"
    pax = tarfile.TarInfo("pax")
    pax.type, pax.size = tarfile.XHDTYPE, 17
    record = b"17 size=00000512\n"
    real = tarfile.TarInfo("a")
    real.size = 5
    hostile("two_sizes.tar", "tar.mismatch", pax.tobuf() + record.ljust(512, b"\0") + real.tobuf()
            + b"hello".ljust(512, b"\0") + b"\0" * 1024)
    first = tarfile.TarInfo("a")
    hostile("behind_end.tar", "tar.mismatch", first.tobuf() + b"\0" * 1024 + first.tobuf() + b"\0" * 1024, "medium")
    # A reader that calls itself for each archive behind the end of one runs out of stack.
    hostile("behind_end_many.tar.gz", "tar.mismatch",
            gzip.compress((first.tobuf() + b"\0" * 512) * 9000, 9, mtime=0), "medium")
    hostile("path_behind_end.tar.gz", "tar.path", gzip.compress(
        first.tobuf() + b"\0" * 1024 + tarfile.TarInfo("../a").tobuf() + b"\0" * 1024, 9, mtime=0))
    name = tarfile.TarInfo("cos\nsystem\n(S'true'\ntR.")
    hostile("pickle_name.tar", "polyglot", name.tobuf() + b"\0" * 1024)
    hostile("bomb.csv.gz", "compressed.bomb", gzip.compress(b"\0" * (17 << 20), 9, mtime=0))
    hostile("pickle.csv.gz", "pickle.code", gzip.compress(SYSTEM, mtime=0), "critical")
    hostile("pickle.gz", "pickle.code", gzip.compress(call("os", "system"), mtime=0), "critical")


# --- other models --------------------------------------------------------------------------------

def onnx_model(location=None, op="Add", domain="") -> bytes:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if location:
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in [("location", location), ("offset", "0"), ("length", "8")]:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    node = helper.make_node(op, ["x", "w"], ["y"], domain=domain)
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
    graph = helper.make_graph([node], "g", [value("x")], [value("y")], [tensor])
    return helper.make_model(graph).SerializeToString()


def nested_onnx(location: str) -> bytes:
    """The tensor is an attribute of a node in the branch of an If."""
    model = onnx.load_model_from_string(onnx_model(location))
    constant = helper.make_node("Constant", [], ["c"], value=model.graph.initializer[0])
    branch = helper.make_graph([constant], "b", [], [])
    node = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    return helper.make_model(helper.make_graph([node], "g", [], [])).SerializeToString()


def field(number: int, content: bytes) -> bytes:
    length, out = len(content), b""
    while length > 127:
        out, length = out + bytes([length & 127 | 128]), length >> 7
    return bytes([number << 3 | 2]) + out + bytes([length]) + content


def saved_model(op: str, in_function: bool = False) -> bytes:
    node = field(1, b"n") + field(2, op.encode())
    graph = field(2, field(1, field(1, field(1, b"f")) + field(3, node))) if in_function else field(1, node)
    return b"\x08\x01" + field(2, field(1, field(5, b"2.16")) + field(2, graph))


def gguf(template: str, count=None) -> bytes:
    text = lambda value: struct.pack("<Q", len(value)) + value.encode()
    pairs = [text("general.architecture") + struct.pack("<I", 8) + text("llama"),
             text("x.list") + struct.pack("<IIQ", 9, 4, 3) + struct.pack("<III", 1, 2, 3),
             text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template)]
    return b"GGUF" + struct.pack("<IQQ", 3, 0, count or len(pairs)) + b"".join(pairs)


def safetensors(header, data: bytes) -> bytes:
    header = json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def others() -> None:
    hostile("traversal.onnx", "onnx.external", onnx_model("../../../nonexistent"))
    hostile("absolute.onnx", "onnx.external", onnx_model("/nonexistent"))
    hostile("nested.onnx", "onnx.external", nested_onnx("../nonexistent"))
    hostile("python_op.onnx", "onnx.custom-op", onnx_model(op="PyOp", domain="ai.onnx.contrib"), "medium")
    hostile("saved_model.pb", "saved-model.op", saved_model("WriteFile"))
    hostile("function_saved_model.pb", "saved-model.op", saved_model("PyFunc", True), "critical")
    hostile("template.gguf", "gguf.template-code", gguf("{{ x.__class__.__base__.__subclasses__() }}"))
    hostile("count.gguf", "gguf.header", gguf("", 1 << 60), "medium")
    hostile("overlap.safetensors", "safetensors.header", safetensors(
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
         "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, b"\0" * 12))
    hostile("behind.safetensors", "safetensors.header", safetensors(
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8 + SYSTEM))
    hostile("header.safetensors", "safetensors.header", struct.pack("<Q", 1 << 40) + b"{}")


def png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(64, dtype="u1").reshape(8, 8)).save(out, "PNG")
    return out.getvalue()


# --- benign --------------------------------------------------------------------------------------

def plain_pickles() -> None:
    values = {
        "list": [1, 2.5, "three", None, True, b"four"],
        "nested": {"a": [{"b": (1, 2, (3, {4, 5}))}], "c": frozenset("xy"), "big": 1 << 80},
        "dates": [datetime.datetime(2026, 1, 1), datetime.timedelta(1), decimal.Decimal("1.5"), uuid.UUID(int=1)],
        "collections": [collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]),
                        collections.Counter("aab"), collections.deque([1, 2])],
        "arrays": {"f": np.arange(6.0).reshape(2, 3), "i": np.int64(3), "s": np.array(["a", "bc"]),
                   "t": np.array(["2026-01-01"], "M8[D]")},
        "random": np.random.RandomState(1).get_state(),
    }
    for name, value in values.items():
        benign(f"{name}.pkl", pickle.dumps(value, 4))
    for protocol in range(6):
        benign(f"mixed{protocol}.pkl", pickle.dumps([values["list"], values["nested"], values["dates"]], protocol))
        benign(f"long{protocol}.pkl", pickle.dumps(
            ["x" * 5000, "ü" * 3000, b"x" * 3000, 10**30, -5, True, 1e-300, float("nan"), float("-inf")], protocol))
        benign(f"array{protocol}.pkl", pickle.dumps(values["arrays"], protocol))
    frame = pd.DataFrame({"x": [1.0, 2.0], "n": [1, 2], "s": ["a", "b"], "c": pd.Categorical(["u", "v"]),
                          "t": pd.to_datetime(["2026-01-01", "2026-01-02"])})
    benign("frame.pkl", pickle.dumps(frame, 4))
    benign("frame_object.pkl", pickle.dumps(pd.DataFrame({"s": np.array(["a", "b"], object)}), 5))
    benign("series.pkl", pickle.dumps(pd.Series([1, 2, 3], index=["a", "b", "c"]), 4))


def estimators() -> None:
    from sklearn.cluster import KMeans
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    x = np.random.RandomState(1).rand(12, 3)
    y = np.arange(12) % 2
    models = {
        "logistic": LogisticRegression().fit(x, y),
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y),
        "tree": DecisionTreeClassifier(max_depth=2).fit(x, y),
        "forest": RandomForestClassifier(2, max_depth=2).fit(x, y),
        "knn": KNeighborsClassifier(2).fit(x, y),
        "svc": SVC().fit(x, y),
        "bayes": GaussianNB().fit(x, y),
        "kmeans": KMeans(2, n_init=1).fit(x),
        "onehot": OneHotEncoder().fit([["a"], ["b"]]),
        "tfidf": TfidfVectorizer().fit(["one two", "two three"]),
    }
    for name, model in models.items():
        benign(f"{name}.pkl", pickle.dumps(model, 4))
        out = io.BytesIO()
        joblib.dump(model, out)
        benign(f"{name}.joblib", out.getvalue())
    for compress, name in [(3, "zlib"), (("gzip", 3), "gzip")]:
        out = io.BytesIO()
        joblib.dump([models["forest"], x], out, compress=compress)
        benign(f"forest_{name}.joblib", out.getvalue())
    out = io.BytesIO()
    joblib.dump({"objects": np.array(["a", {"b": 1}], object), "x": x, "f": np.asfortranarray(x)}, out)
    benign("objects.joblib", out.getvalue())
    # As joblib wrote before it padded: numbers that look like every opcode.
    make = joblib.numpy_pickle.NumpyArrayWrapper.__init__
    padded = make.__defaults__
    make.__defaults__ = (*padded[:-1], None)
    draw = np.random.RandomState(1)
    ramp = np.tile(np.arange(256, dtype="u1"), 4)
    numbers = [ramp[first:first + 600].copy() for first in range(256)]
    out = io.BytesIO()
    joblib.dump([numbers, [draw.randint(0, 256, 80).astype("u1") for _ in range(400)], x], out)
    benign("unpadded.joblib", out.getvalue())
    make.__defaults__ = padded


def files() -> None:
    benign("float.npy", npy(np.arange(6.0).reshape(2, 3)))
    benign("fortran.npy", npy(np.asfortranarray(np.ones((3, 3), "f4"))))
    benign("record.npy", npy(np.array([(1, 2.0)], [("a", "i4"), ("Ob", "f8")])))
    benign("text.npy", npy(np.array(["Object", "b"])))
    benign("arrays.npz", npz(a=np.ones(3), b=np.arange(4)))
    benign("compressed.npz", npz(np.savez_compressed, a=np.zeros(2000)))
    benign("tensors.safetensors", safetensors_save({"w": np.ones((2, 2), "f4"), "b": np.zeros(3, "i8")}, {"format": "pt"}))
    benign("empty.safetensors", safetensors_save({}))
    benign("plain.onnx", onnx_model())
    benign("sidecar.onnx", onnx_model("weights.bin"))
    benign("ml.onnx", onnx_model(op="Scaler", domain="ai.onnx.ml"))
    benign("plain.gguf", gguf("{% for m in messages %}{{ m['content'] }}{% endfor %}"))
    benign("plain_saved_model.pb", saved_model("MatMul"))
    benign("tensor.pt", torch_zip(tensor_pickle()))
    benign("floats.pt", torch_zip(tensor_pickle(), numbers=struct.pack("<4f", -0.0, 1e-38, 2.5, 3e30)))
    # Numbers that begin as a program, a script and a compressed stream do.
    for index, start in enumerate([b"MZ\x90\0", b"#!\0\x3f", b"\x78\x9c\xff\xff", b"\x1f\x8b\x80\x3f"]):
        benign(f"chance{index}.pt", torch_zip(tensor_pickle(), numbers=start + b"\0" * 12))
    benign("legacy.pth", legacy_torch(tensor_pickle()))
    benign("stored.zip", zipped([("a.txt", b"text\n"), ("d/b.csv", b"a,b\n1,2\n")]))
    benign("deflated.zip", zipped([("a.txt", b"text\n" * 100), ("b.json", b'{"a": 1}')], zipfile.ZIP_DEFLATED))
    benign("nested.zip", zipped([("inner.zip", zipped([("a.txt", b"text\n")]))]))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z, z.open("streamed.txt", "w", force_zip64=True) as f:
        f.write(b"text\n")
    benign("zip64.zip", out.getvalue())
    benign("plain.tar", small_tar(tarred(("a.txt", tarfile.REGTYPE, b"text\n"), ("d/", tarfile.DIRTYPE, b""), ("d/" + "n" * 120, tarfile.REGTYPE, b"x\n"))))
    benign("gnu.tar", small_tar(tarred(("d/" + "n" * 120, tarfile.REGTYPE, b"x\n"), format=tarfile.GNU_FORMAT)))
    benign("ustar.tar", small_tar(tarred(("a.csv", tarfile.REGTYPE, b"a,b\n1,2\n"), format=tarfile.USTAR_FORMAT)))
    benign("plain.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0))
    benign("plain.tgz", gzip.compress(small_tar(tarred(("a.txt", tarfile.REGTYPE, b"text\n"))), mtime=0))
    benign("plain.csv", b"a,b,c\n1,2,3\n4,5,6\n")
    benign("semicolon.csv", "größe;name\n1,5;Ä\n".encode())
    benign("latin.csv", "größe;name\n1,5;hallo\n".encode("latin-1"))
    benign("bom.csv", b"\xef\xbb\xbfa,b\n1,2\n")
    benign("one_column.csv", b"country\nFrance\nGermany\nSpain\n")
    benign("opcodes.csv", b"id,(S'a'\ncolumn\nIN,N.\n]),}\n")
    benign("names.csv", b"cid\nname\n(x)\n.\n")
    benign("quoted.csv", b'text,label\n"{""class_name"": 1}",0\n"!!important",1\n')
    benign("empty.csv", b"")
    benign("plain.json", json.dumps({"a": [1, None, "x"], "module": "core", "b": {"c": 1.5}}).encode())
    benign("lines.jsonl", b'{"text": "Lambda is a letter"}\n{"text": "os.system"}\n')
    benign("keras_config.json", json.dumps(sequential(DENSE)).encode())
    benign("plain.yaml", yaml.safe_dump({"a": [1, "two"], "d": datetime.date(2026, 1, 1)}).encode())
    benign("readme.md", b"# Readme\n\nMZ is not a program, PK is no zip, and os.system is a word.\n")
    benign("gray.png", png())
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "JPEG")
    benign("red.jpg", out.getvalue())
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    benign("black.gif", out.getvalue())
    benign("plain.keras", keras(sequential(DENSE), h5(lambda f: f.__setitem__("layers/d/vars/0", np.ones(4, "f4")))))
    old = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 2}}]}}
    benign("legacy.h5", legacy(old))
    benign("legacy_latest.h5", legacy(old, libver="latest"))
    benign("gzip.h5", h5(lambda f: f.create_dataset("x", data=np.zeros(500), compression="gzip", shuffle=True)))
    benign("lzf.h5", h5(lambda f: f.create_dataset("x", data=np.zeros(500), compression="lzf")))

    def tree(f) -> None:
        for index in range(12):
            f[f"g/{index}"] = np.ones(2)
            f["g"].attrs[f"attribute {index}"] = "text"
        f["soft"] = h5py.SoftLink("/g/1")
        f["text"] = ["a", "bc"]

    benign("tree.h5", h5(tree))
    benign("tree_latest.h5", h5(tree, libver="latest"))


def existing() -> None:
    """Files of this repository that real Keras wrote."""
    fixtures = ROOT / "libs/model/fixtures"
    names = ["functional.keras", "sequential.keras", "recurrent.keras", "plain.h5", "chunked.h5", "gzip.h5",
             "hard_link.h5", "named_type.h5", "new_style.h5", "reference.h5", "soft_link.h5", "text.h5", "tracked.h5"]
    paths = [fixtures / name for name in names]
    for example in ("wine", "wine-regression"):
        folder = ROOT / "examples" / example
        paths += [folder / name for name in ("model.keras", "wine.csv", "definition.yaml", "job.yaml", "LICENSE.md")]
    manifest["benign"] += ["../../../" + path.relative_to(ROOT).as_posix() for path in paths]
    for name, rule, severity in [("lambda.keras", "keras.code", "critical"), ("external_link.h5", "hdf5.external", "high"),
                                 ("external_storage.h5", "hdf5.external", "high"), ("virtual_old.h5", "hdf5.virtual", "high"),
                                 ("virtual.h5", "hdf5.virtual", "high"), ("shape_bomb.h5", "hdf5.bomb", "high")]:
        path = "../../../" + (fixtures / name).relative_to(ROOT).as_posix()
        manifest["hostile"][path] = {"rule": rule, "severity": severity}


for folder in (HOSTILE, BENIGN):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
for part in (pickles, arrays, models, hdf5, archives, others, plain_pickles, estimators, files, existing):
    part()
(HERE / "corpus.json").write_text(json.dumps(manifest, indent=1) + "\n")
