"""The content of an AIBoM through OWASP's CycloneDX library for Python: the peer of `loadtest bom`.

    bom_peer.py AIBOM

For each line on standard input it builds components, dependencies and vulnerabilities with the library's
own types, writes them as JSON, and judges that with the library's strict validator; then it prints one line
of JSON with the processor time of each, in seconds. What the library has no types for (the model card,
the formulation, who says what) it need not build. Reading AIBOM and the first, slow, uses do not count.
"""

import json
import sys
import time
import warnings
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityRating,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

WARM_UP = 2


def licence(entry):
    """One entry of `licenses`."""
    said = LicenseAcknowledgement(entry.get("license", entry).get("acknowledgement", "declared"))
    if "expression" in entry:
        return LicenseExpression(entry["expression"], acknowledgement=said)
    named = entry["license"]
    return DisjunctiveLicense(id=named.get("id"), name=named.get("name"), acknowledgement=said)


def component(entry):
    """A component with everything that the library has types for."""
    purl = entry.get("purl")
    return Component(
        type=ComponentType(entry["type"]),
        bom_ref=entry["bom-ref"],
        name=entry["name"],
        version=entry.get("version"),
        description=entry.get("description"),
        purl=PackageURL.from_string(purl) if purl else None,
        hashes=[HashType(alg=HashAlgorithm(h["alg"]), content=h["content"]) for h in entry.get("hashes", [])],
        licenses=[licence(l) for l in entry.get("licenses", [])],
        properties=[Property(name=p["name"], value=p.get("value")) for p in entry.get("properties", [])],
        components=[component(inner) for inner in entry.get("components", [])],
    )


def edges(document, known):
    """Dependencies between components; the library knows no edges to tools."""
    for entry in document["dependencies"]:
        if entry["ref"] in known:
            targets = [Dependency(known[to]) for to in entry.get("dependsOn", []) if to in known]
            yield Dependency(known[entry["ref"]], dependencies=targets)


def vulnerability(entry):
    """A vulnerability with its ratings and targets."""
    source = entry.get("source", {})
    ratings = [
        VulnerabilityRating(
            source=VulnerabilitySource(name=rating["source"]["name"]),
            severity=VulnerabilitySeverity(rating["severity"]),
            method=VulnerabilityScoreSource(rating["method"]) if "method" in rating else None,
            vector=rating.get("vector"),
        )
        for rating in entry.get("ratings", [])
    ]
    return Vulnerability(
        bom_ref=entry["bom-ref"],
        id=entry["id"],
        source=VulnerabilitySource(name=source.get("name"), url=XsUri(source["url"]) if "url" in source else None),
        ratings=ratings,
        cwes=entry.get("cwes", []),
        description=entry.get("description"),
        recommendation=entry.get("recommendation"),
        affects=[BomTarget(ref=target["ref"]) for target in entry["affects"]],
        properties=[Property(name=p["name"], value=p.get("value")) for p in entry.get("properties", [])],
    )


def build(document):
    """The document in the library's own types."""
    bom = Bom(components=[component(entry) for entry in document["components"]])
    bom.metadata.component = component(document["metadata"]["component"])
    known = {c.bom_ref.value: c.bom_ref for outer in bom.components for c in outer.get_all_nested_components(True)}
    known[bom.metadata.component.bom_ref.value] = bom.metadata.component.bom_ref
    bom.dependencies.update(edges(document, known))
    bom.vulnerabilities.update(vulnerability(entry) for entry in document.get("vulnerabilities", []))
    for entry in document.get("externalReferences", []):
        hashes = [HashType(alg=HashAlgorithm(h["alg"]), content=h["content"]) for h in entry.get("hashes", [])]
        kind = ExternalReferenceType(entry["type"])
        bom.external_references.add(ExternalReference(type=kind, url=XsUri(entry["url"]), hashes=hashes))
    return bom


def once(document, version, judge):
    """Seconds of processor for building, writing and judging; and the bytes written."""
    begun = time.process_time()
    bom = build(document)
    built = time.process_time()
    text = make_outputter(bom, OutputFormat.JSON, version).output_as_string()
    written = time.process_time()
    error = judge.validate_str(text)
    judged = time.process_time()
    if error is not None:
        raise SystemExit(f"the library refuses what it wrote itself: {error}")
    return {"build": built - begun, "write": written - built, "validate": judged - written, "bytes": len(text)}


def main():
    warnings.simplefilter("ignore")
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    version = SchemaVersion.from_version(document["specVersion"])
    judge = JsonStrictValidator(version)
    for _ in range(WARM_UP):
        once(document, version, judge)
    for _ in sys.stdin:
        print(json.dumps(once(document, version, judge)), flush=True)


if __name__ == "__main__":
    main()
