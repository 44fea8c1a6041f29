"""Makes the files beside it with the reference implementation.

    pip install in-toto==3.1.0 securesystemslib==1.6.0 cryptography
    python make.py

Two layouts (owner key ECDSA P-256), each with the link of its step: one by an Ed25519
functionary, one by an ECDSA P-256 functionary. The reference verifier accepts both before they
are written. Keys are made anew on every run and thrown away.
"""

import os
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from in_toto import verifylib
from in_toto.models.layout import Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Metablock
from securesystemslib.signer import CryptoSigner

HERE = os.path.dirname(os.path.abspath(__file__))
SHA = {"a": "a" * 64, "b": "b" * 64, "c": "c" * 64}


def make(name, owner, functionary):
    step = Step(name="run_training")
    step.pubkeys = [functionary.public_key.keyid]
    step.set_expected_command_from_string("python3 -m aibom_trainer")
    step.expected_materials = [
        ["REQUIRE", "inputs/model.keras"],
        ["ALLOW", "inputs/[!.]*"],
        ["DISALLOW", "*"],
    ]
    step.expected_products = [
        ["MATCH", "model.keras", "IN", "inputs", "WITH", "MATERIALS", "IN", "inputs",
         "FROM", "run_training"],
        ["MODIFY", "inputs/dataset.cs?"],
        ["CREATE", "outputs/*"],
        ["DISALLOW", "*"],
    ]
    layout = Layout(
        expires="2099-01-02T03:04:05Z",
        readme='A quote ", a backslash \\, and é.',
        keys={
            functionary.public_key.keyid: {
                "keyid": functionary.public_key.keyid,
                **functionary.public_key.to_dict(),
            }
        },
        steps=[step],
    )
    link = Link(
        name="run_training",
        materials={
            "inputs/model.keras": {"sha256": SHA["a"]},
            "inputs/dataset.csv": {"sha256": SHA["b"]},
        },
        products={
            "inputs/model.keras": {"sha256": SHA["a"]},
            "inputs/dataset.csv": {"sha256": SHA["c"]},
            "outputs/model.keras": {"sha256": SHA["c"]},
            "outputs/deep/er/log": {"sha256": SHA["b"]},
        },
        command=["python3", "-m", "aibom_trainer"],
        byproducts={"return-value": 0, "stdout": "naïve\n\ttabs", "stderr": ""},
        environment={},
    )
    layout_block, link_block = Metablock(signed=layout), Metablock(signed=link)
    layout_block.create_signature(owner)
    link_block.create_signature(functionary)
    pem = owner.public_key.keyval["public"]
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    layout_block.dump(os.path.join(folder, "root.layout"))
    link_name = f"run_training.{functionary.public_key.keyid[:8]}.link"
    link_block.dump(os.path.join(folder, "run_training.link"))
    with open(os.path.join(folder, "owner.pub"), "w", encoding="utf-8") as file:
        file.write(pem)
    with tempfile.TemporaryDirectory() as links:
        link_block.dump(os.path.join(links, link_name))
        owner_key = {"keyid": owner.public_key.keyid, **owner.public_key.to_dict()}
        verifylib.in_toto_verify(
            layout_block, {owner.public_key.keyid: owner_key}, link_dir_path=links
        )


def ecdsa():
    key = ec.generate_private_key(ec.SECP256R1())
    return CryptoSigner(key)


if __name__ == "__main__":
    make("ed25519", ecdsa(), CryptoSigner(ed25519.Ed25519PrivateKey.generate()))
    make("ecdsa", ecdsa(), ecdsa())
