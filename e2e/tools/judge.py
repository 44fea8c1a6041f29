"""Checks a fetched directory with other people's code: CycloneDX, Sigstore and DSSE, in Python.

    judge.py DIR

Prints one line for each check; the exit status is 0 when every one held.
"""

import base64
import copy
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from sigstore_models.bundle.v1 import Bundle


def check(name: str, holds: bool, detail: object = "") -> None:
    """Prints one check; a failed one ends everything."""
    print(f"{'ok' if holds else 'FAILED'}  {name}  {detail}".rstrip())
    if not holds:
        sys.exit(1)


def main() -> None:
    """Checks DIR."""
    folder = Path(sys.argv[1])
    aibom = (folder / "aibom.cdx.json").read_bytes()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(aibom.decode())
    check("CycloneDX 1.6, strict", error is None, error or "")

    text = (folder / "signatures/aibom.sigstore.json").read_text(encoding="utf-8")
    bundle = Bundle.from_json(text)
    raw = json.loads(text)
    check("Sigstore bundle v0.3", raw["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json")
    check("it has an envelope", bundle.dsse_envelope is not None)

    key = serialization.load_pem_public_key((folder / "signatures/platform.pub").read_bytes())
    check("the platform's key is Ed25519", isinstance(key, Ed25519PublicKey))
    envelope = raw["dsseEnvelope"]
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    keyid = hashlib.sha256(spki).hexdigest()
    check("the envelope names that key", envelope["signatures"][0]["keyid"] == keyid)
    verified = Envelope.from_dict(copy.deepcopy(envelope)).verify([SSlibKey.from_crypto(key, keyid=keyid)], 1)
    check("DSSE holds (securesystemslib)", list(verified) == [keyid])
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)
    check("DSSE holds (cryptography)", True)

    statement = json.loads(payload)
    check("in-toto Statement v1", statement["_type"] == "https://in-toto.io/Statement/v1")
    check("the predicate is the AIBoM", statement["predicate"] == json.loads(aibom))
    named = {entry["name"]: entry["digest"] for entry in statement["subject"]}
    check("the AIBoM is a subject", named["aibom.cdx.json"]["sha256"] == hashlib.sha256(aibom).hexdigest())
    for path in sorted((folder / "artifacts/outputs").iterdir()):
        if path.name in named:
            data = path.read_bytes()
            same = named[path.name] == {
                "sha256": hashlib.sha256(data).hexdigest(),
                "sha512": hashlib.sha512(data).hexdigest(),
            }
            check(f"the subject {path.name} has both digests of the file", same)
    check("the model is a subject", "model.keras" in named)


if __name__ == "__main__":
    main()
