"""Reads a bundle and its JSON Lines with other people's software, and tries it on spoiled copies.

    bundle.py BUNDLE LINES KEYS SCHEMA

KEYS is JSON: {"signing": {use: PEM, ...}, "ledger": verifier key}. Prints `ok  ...` for what is taken and
`refused  ...` for each spoiled copy; the exit status is 1 when anything is not as it should be.
"""

import base64
import copy
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_der_x509_certificate
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft202012Validator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import verify_checkpoint
from sigstore._internal.trust import Keyring
from sigstore.models import TransparencyLogEntry
from sigstore_models.bundle.v1 import Bundle
from sigstore_models.common.v1 import PublicKey, PublicKeyDetails
from sigstore_models.rekor.v1 import TransparencyLogEntry as LogEntry

FAILED = []
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


def accepts(what, act):
    try:
        act()
        print(f"ok  {what}")
    except Exception as error:  # noqa: BLE001: whatever it says, it is told
        print(f"FAIL  {what}: {type(error).__name__}: {str(error)[:200]}")
        FAILED.append(what)


def refuses(what, act):
    try:
        act()
    except Exception as error:  # noqa: BLE001
        print(f"refused  {what}: {type(error).__name__}")
        return
    print(f"ACCEPTED  {what}")
    FAILED.append(what)


def edited(value, edit):
    value = copy.deepcopy(value)
    edit(value)
    return value


def flipped(text):
    """Base64 with one bit of the first byte changed."""
    raw = bytearray(base64.b64decode(text))
    raw[0] ^= 1
    return base64.b64encode(bytes(raw)).decode()


def schema(bundle, path):
    validator = Draft202012Validator(json.loads(Path(path).read_text(encoding="utf-8")))
    Draft202012Validator.check_schema(validator.schema)
    accepts("JSON Schema: the bundle", lambda: validator.validate(bundle))
    for name in bundle:
        refuses(f"JSON Schema: without {name}", lambda: validator.validate(edited(bundle, lambda b: b.pop(name))))
    refuses("JSON Schema: a member more", lambda: validator.validate({**bundle, "trustRoot": "e30="}))
    cut = edited(bundle, lambda b: b["inclusion"].update(proof=b["inclusion"]["proof"].rstrip()))
    refuses("JSON Schema: a proof cut short", lambda: validator.validate(cut))


def signer(line, keys):
    """The public key that a line names: by its hint, or by its certificate."""
    material = line["verificationMaterial"]
    if "certificate" in material:
        return load_der_x509_certificate(base64.b64decode(material["certificate"]["rawBytes"])).public_key()
    hints = {hashlib.sha256(pem.encode()).hexdigest(): pem for pem in keys["signing"].values()}
    return load_pem_public_key(hints[material["publicKey"]["hint"]].encode())


def verify_dsse(line, keys):
    envelope = Envelope.from_dict(copy.deepcopy(line["dsseEnvelope"]))
    key = SSlibKey.from_crypto(signer(line, keys))
    # model.sig names no key id, as OpenSSF Model Signing has it.
    (key.keyid,) = envelope.signatures
    envelope.verify([key], 1)


def statement(line):
    payload = base64.b64decode(line["dsseEnvelope"]["payload"])
    parsed = json_format.Parse(payload, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()


def verify_log(entry, ledger):
    inner = LogEntry.from_json(json.dumps(entry))
    verified = TransparencyLogEntry(inner)
    verify_merkle_inclusion(verified)
    raw = ED25519_SPKI + base64.b64decode(ledger.split("+", 2)[2])[1:]
    raw = base64.b64encode(raw).decode()
    key = PublicKey.from_dict({"rawBytes": raw, "keyDetails": PublicKeyDetails.PKIX_ED25519})
    verify_checkpoint(Keyring([key]), verified)


def one_line(number, line, keys):
    read = lambda value: Bundle.from_json(json.dumps(value))
    name = f"line {number}"
    accepts(f"sigstore: {name}", lambda: read(line))
    refuses(f"sigstore: {name} of another media type", lambda: read({**line, "mediaType": "text/plain"}))
    refuses(f"sigstore: {name} without material", lambda: read(edited(line, lambda b: b.pop("verificationMaterial"))))
    refuses(f"sigstore: {name} with a member more", lambda: read({**line, "more": 1}))
    accepts(f"securesystemslib: {name}", lambda: verify_dsse(line, keys))
    bad = edited(line, lambda b: b["dsseEnvelope"].update(payload=flipped(b["dsseEnvelope"]["payload"])))
    refuses(f"securesystemslib: {name} with another payload", lambda: verify_dsse(bad, keys))
    bad = edited(line, lambda b: b["dsseEnvelope"].update(payloadType="text/plain"))
    refuses(f"securesystemslib: {name} of another type", lambda: verify_dsse(bad, keys))
    if line["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json":
        accepts(f"in-toto: {name}", lambda: statement(line))


def log_entry(entry, ledger):
    accepts("sigstore: inclusion proof and checkpoint", lambda: verify_log(entry, ledger))
    proof = entry["inclusionProof"]
    edits = {
        "body": lambda e: e.update(canonicalizedBody=flipped(e["canonicalizedBody"])),
        "hash": lambda e: e["inclusionProof"]["hashes"].__setitem__(0, flipped(proof["hashes"][0])),
        "hash less": lambda e: e["inclusionProof"]["hashes"].pop(),
        "index": lambda e: e["inclusionProof"].update(logIndex=str(int(proof["logIndex"]) ^ 1)),
        "root": lambda e: e["inclusionProof"].update(rootHash=flipped(proof["rootHash"])),
        "checkpoint": lambda e: e["inclusionProof"]["checkpoint"].update(
            envelope=proof["checkpoint"]["envelope"].replace(f"\n{proof['treeSize']}\n", "\n77\n")
        ),
    }
    for what, edit in edits.items():
        refuses(f"sigstore: another {what}", lambda: verify_log(edited(entry, edit), ledger))


def main():
    bundle, lines, keys, schema_path = sys.argv[1:]
    keys = json.loads(Path(keys).read_text(encoding="utf-8"))
    schema(json.loads(Path(bundle).read_text(encoding="utf-8")), schema_path)
    lines = [json.loads(line) for line in Path(lines).read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines):
        one_line(number, line, keys)
    log_entry(lines[0]["verificationMaterial"]["tlogEntries"][0], keys["ledger"])
    print(f"total  {len(lines)} lines")
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
