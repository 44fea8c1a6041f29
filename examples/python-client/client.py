"""Trains a model on an AIBoM mesh from plain Python: submit, watch, fetch, verify.

Nothing of the mesh's own code is used. The gRPC client is generated from proto/ (see README.md);
the request is signed here, with the user's key: RFC 8785 JSON in a DSSE envelope, ECDSA P-256.

    python client.py --mesh .aibom/mesh.json --generated generated examples/wine/job.yaml --out wine
"""

import argparse
import base64
import datetime
import hashlib
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import rfc8785
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CHUNK_BYTES = 256 * 1024
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
REQUEST_PAYLOAD_TYPE = "application/vnd.aibom.request.v1+json"


class User:
    """The user's certificate and key, as the connection profile names them."""

    def __init__(self, profile: dict, directory: Path) -> None:
        paths = {name: directory / path for name, path in profile["identity"].items()}
        self.chain_pem = paths["certificate"].read_bytes()
        self.key_pem = paths["key"].read_bytes()
        self.ca_pem = paths["ca"].read_bytes()
        self.chain = x509.load_pem_x509_certificates(self.chain_pem)
        self.key = serialization.load_pem_private_key(self.key_pem, password=None)
        names = self.chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
        (self.spiffe_id,) = names.value.get_values_for_type(x509.UniformResourceIdentifier)

    def channel(self, endpoint: dict) -> grpc.Channel:
        """A channel with mutual TLS. The server's certificate names its host as well as its SPIFFE id."""
        credentials = grpc.ssl_channel_credentials(self.ca_pem, self.key_pem, self.chain_pem)
        options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
        return grpc.secure_channel(endpoint["url"].removeprefix("https://"), credentials, options)

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """A DSSE envelope (v1.0.2) in canonical JSON; the key id is SHA-256 of the public key (SPKI)."""
        spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        message = b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)
        signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        return rfc8785.dumps(
            {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": payload_type,
                "signatures": [
                    {"keyid": hashlib.sha256(spki).hexdigest(), "sig": base64.b64encode(signature).decode()}
                ],
            }
        )


# === The request ===


def listed(said: str | list | None) -> list:
    """A list of texts; one text is a list of one."""
    return [said] if isinstance(said, str) else said or []


def only_said(members: dict) -> dict:
    """What was said; these members are left out where nothing was."""
    return {name: said for name, said in members.items() if said not in (None, [])}


def version(said: str | int | None) -> str | None:
    """A version as text, as a job file may write it as a number."""
    return None if said is None else str(said)


def base_model(base: dict | None) -> dict | None:
    """The model that it was derived from."""
    if base is None:
        return None
    more = {"version": version(base.get("version")), "sha256": base.get("sha256"), "derivation": base.get("derivation")}
    return {"name": base["name"], "source": base.get("source"), **only_said(more)}


def model_info(model: dict, file: Path) -> dict:
    """What the submitter says of the model."""
    described = ("description", "author", "type", "licence", "misuse")
    return {
        **{name: model.get(name) for name in described},
        "name": model.get("name", file.stem),
        "version": version(model.get("version", "1")),
        "baseModel": base_model(model.get("base_model")),
        "intendedUse": model.get("intended_use"),
        "outOfScope": model.get("out_of_scope"),
        **only_said(
            {
                "users": listed(model.get("users")),
                "limitations": listed(model.get("limitations")),
                "tradeOffs": listed(model.get("trade_offs")),
                "ethicalRisks": model.get("ethical_risks"),
                "fairness": model.get("fairness"),
                "compliance": model.get("compliance"),
                "securityPolicy": model.get("security_policy"),
            }
        ),
    }


def dataset_info(dataset: dict, file: Path) -> dict:
    """What the submitter says of the dataset."""
    return {
        "name": dataset.get("name", file.stem),
        **{name: dataset.get(name) for name in ("description", "licence", "source")},
        **only_said(
            {
                "version": version(dataset.get("version")),
                "provenance": dataset.get("provenance"),
                "classification": dataset.get("classification"),
                "sensitiveData": listed(dataset.get("sensitive_data")),
                "owners": listed(dataset.get("owners")),
                "custodians": listed(dataset.get("custodians")),
                "stewards": listed(dataset.get("stewards")),
            }
        ),
    }


def bom_options(aibom: dict) -> dict:
    """The rules that the AIBoM is written by; the profile is fixed, so that any later verifier knows them."""
    tlp = aibom.get("tlp")
    return {
        "profile": 2,
        "cycloneDx": str(aibom.get("cyclonedx", "1.6")),
        **only_said({"licence": aibom.get("licence"), "tlp": tlp and tlp.upper().replace("+", "_AND_")}),
    }


def specification(job: dict, inputs: dict[str, tuple[Path, bytes]], image: str) -> dict:
    """The specification that is signed: every member is there, `None` where nothing was said, but for
    those that `only_said` leaves out."""
    parameters, resources = job.get("parameters", {}), job.get("resources", {})
    return {
        "task": job["task"],
        "trainer": {"name": job["trainer"], "image": image},
        "inputs": {
            role: {"name": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for role, (path, data) in inputs.items()
        },
        "parameters": {
            "epochs": parameters.get("epochs", 50),
            "initialEpoch": parameters.get("initial_epoch", 0),
            "batchSize": parameters.get("batch_size"),
            "validationSplit": parameters.get("validation_split", 0.2),
            "stepsPerEpoch": parameters.get("steps_per_epoch"),
            "validationSteps": parameters.get("validation_steps"),
            "validationFreq": parameters.get("validation_freq", 1),
            "seed": parameters.get("seed", 0),
        },
        "model": model_info(job.get("model", {}), inputs["model"][0]),
        "dataset": dataset_info(job.get("dataset", {}), inputs["dataset"][0]),
        "resources": {
            "cpuMillis": round(resources.get("cpus", 2) * 1000),
            "memoryMib": resources.get("memory_mib", 2048),
            "pids": resources.get("pids", 256),
            "wallClockS": resources.get("wall_clock_s", 3600),
            "outputMib": resources.get("output_mib", 1024),
            "gpus": resources.get("gpus", 0),
        },
        "aibom": bom_options(job.get("aibom", {})),
    }


def signed_request(user: User, spec: dict, idempotency_key: uuid.UUID) -> bytes:
    """The request: whoever holds this envelope can prove what the user asked for, and nothing else."""
    now = datetime.datetime.now(datetime.UTC)
    request = {
        "schema": "aibom.request.v1",
        "idempotencyKey": str(idempotency_key),
        "requestedAt": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
        "user": user.spiffe_id,
        "spec": spec,
    }
    return user.sign(REQUEST_PAYLOAD_TYPE, rfc8785.dumps(request))


# === The calls ===


def upload(store, pb, data: bytes) -> None:
    """Stores bytes under their digest; what is there already is not sent again."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if store.Stat(pb.StatRequest(sha256=sha256)).stored:
            return
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise

    def parts() -> Iterator:
        header = pb.UploadHeader(upload_id=str(uuid.uuid4()), sha256=sha256, size=len(data), offset=0)
        yield pb.UploadRequest(header=header)
        for at in range(0, len(data), CHUNK_BYTES):
            yield pb.UploadRequest(chunk=data[at : at + CHUNK_BYTES])

    if store.Upload(parts()).sha256 != sha256:
        raise RuntimeError("the store answered with another digest")


def download(store, pb, sha256: str) -> bytes:
    """Fetches bytes, and believes only their digest."""
    data = b"".join(part.chunk for part in store.Download(pb.DownloadRequest(sha256=sha256)))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RuntimeError(f"the store holds other bytes than {sha256}")
    return data


def watch(jobs, pb, job_id: str):
    """Follows a job to its terminal state, and gives the job as it then is."""
    job = None
    for event in jobs.Watch(pb.WatchRequest(id=job_id)):
        if event.HasField("transition"):
            job = event.transition.job
            state = pb.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
            print(f"{event.transition.sequence:2} {state} {job.reason} {job.message}".rstrip(), flush=True)
        else:
            progress = event.progress
            metrics = " ".join(f"{name} {value:.4f}" for name, value in sorted(progress.metrics.items()))
            print(f"   epoch {progress.epoch}/{progress.epochs} {metrics}", flush=True)
    return job


def main() -> int:
    """Runs a job file's job from the upload to the verdict; 0 when it is verified."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("job", type=Path, help="the job file, YAML")
    parser.add_argument("--mesh", type=Path, default=Path(".aibom/mesh.json"), help="the connection profile")
    parser.add_argument("--generated", type=Path, default=Path("generated"), help="the generated client")
    parser.add_argument("--out", type=Path, required=True, help="a new directory for what is fetched")
    arguments = parser.parse_args()

    sys.path.insert(0, str(arguments.generated))
    from aibom.artifact.v1 import artifact_pb2, artifact_pb2_grpc
    from aibom.job.v1 import job_pb2, job_pb2_grpc
    from aibom.verifier.v1 import verifier_pb2, verifier_pb2_grpc

    profile = json.loads(arguments.mesh.read_text(encoding="utf-8"))
    user = User(profile, arguments.mesh.parent)
    scheduler = user.channel(profile["services"]["scheduler"])
    jobs = job_pb2_grpc.JobServiceStub(scheduler)
    store = artifact_pb2_grpc.ArtifactServiceStub(scheduler)
    verifier = verifier_pb2_grpc.VerifierServiceStub(user.channel(profile["services"]["verifier"]))

    # Submit: the inputs by digest, the trainer's image by digest, the whole of it signed.
    job_file = yaml.safe_load(arguments.job.read_text(encoding="utf-8"))
    folder = arguments.job.parent
    inputs = {role: (folder / path, (folder / path).read_bytes()) for role, path in job_file["inputs"].items()}
    for _, data in inputs.values():
        upload(store, artifact_pb2, data)
    trainers = {trainer.name: trainer.image for trainer in jobs.ListTrainers(job_pb2.ListTrainersRequest()).trainers}
    spec = specification(job_file, inputs, trainers[job_file["trainer"]])
    request = job_pb2.SubmitRequest()
    request.request.envelope = signed_request(user, spec, uuid.uuid4())
    der = serialization.Encoding.DER
    request.request.certificate_chain.extend(certificate.public_bytes(der) for certificate in user.chain)
    job = jobs.Submit(request).job
    print(f"job {job.id}", flush=True)

    job = watch(jobs, job_pb2, job.id)
    if job is None or job.state != job_pb2.JOB_STATE_COMPLETED:
        return 1

    arguments.out.mkdir(parents=True)
    bundle = download(store, artifact_pb2, job.bundle_digest)
    (arguments.out / "bundle.aibom.json").write_bytes(bundle)
    for output in job.outputs:
        if Path(output.name).name != output.name or output.name in (".", ".."):
            raise RuntimeError(f"{output.name!r} is a label that cannot be a file name")
        (arguments.out / output.name).write_bytes(download(store, artifact_pb2, output.sha256))

    # Asks the mesh's verifier; who does not want to trust it runs `aibom verify`, offline.
    verdict = verifier.VerifyBundle(verifier_pb2.VerifyBundleRequest(bundle=bundle)).verdict
    for check in verdict.checks:
        if not check.passed:
            print(f"failed: {check.name}: {check.detail}")
    same_job = verdict.job_id == job.id
    print(f"{'VERIFIED' if verdict.verified and same_job else 'REFUSED'} {len(verdict.checks)} checks")
    return 0 if verdict.verified and same_job else 1


if __name__ == "__main__":
    sys.exit(main())
