"""Judges an AIBoM with OWASP's CycloneDX library for Python, and tries the judge on spoiled copies.

    judge.py AIBOM

Prints a line for each document; the exit status is 0 when the AIBoM is valid by the strict schema of its
own version, every variant of variants.json is refused, and the library's own types carry every
component, digest and dependency through. What they have no place for is listed as `lost`.
"""

import copy
import json
import sys
import warnings
from collections import Counter
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

NAME = "python"
SPOILED = json.loads(Path(__file__).with_name("variants.json").read_text(encoding="utf-8"))


def step(place, key):
    """The key itself, or the index of the first item that has the members of `key`."""
    if not isinstance(key, dict):
        return key
    return next(n for n, item in enumerate(place) if key.items() <= item.items())


def spoiled(good, variant):
    """A copy of `good` with one thing changed: put, removed, or there twice."""
    document = copy.deepcopy(good)
    place = document
    *path, last = variant["at"]
    for key in path:
        place = place[step(place, key)]
    last = step(place, last)
    if "put" in variant:
        place[last] = variant["put"]
    elif "twice" in variant:
        place.append(copy.deepcopy(place[last]))
    else:
        del place[last]
    return document


def leaves(value, path=""):
    """Every value with its place, without the positions in lists."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, f"{path}/{key}")
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, f"{path}/*" if isinstance(child, dict) else path)
    else:
        yield path, json.dumps(value)


def components(place):
    """Every component, nested ones too."""
    for component in place.get("components", []):
        yield component
        yield from components(component)


def facts(document):
    """What must survive: references, purls (in the library's own spelling), digests and edges."""
    for component in components(document):
        purl = component.get("purl")
        yield component["bom-ref"], component["name"], purl and PackageURL.from_string(purl).to_string()
        for entry in component.get("hashes", []):
            yield component["bom-ref"], entry["alg"], entry["content"]
    for entry in document["dependencies"]:
        yield from ((entry["ref"], "needs", target) for target in entry.get("dependsOn", []))


def lost(document, version):
    """What the library's types cannot carry: places with how many values; and whether a fact is among them."""
    known = copy.deepcopy(document)
    # It refuses to write edges to tools and ancestors, though the specification has them.
    refs = {document["metadata"]["component"]["bom-ref"], *(c["bom-ref"] for c in components(document))}
    known["dependencies"] = [
        {"ref": entry["ref"], "dependsOn": [to for to in entry.get("dependsOn", []) if to in refs]}
        for entry in document["dependencies"]
        if entry["ref"] in refs
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Bom.from_json(data=known)
        written = make_outputter(model, OutputFormat.JSON, version).output_as_string()
    again = json.loads(written)
    missing = Counter(leaves(document)) - Counter(leaves(again))
    places = Counter()
    for (place, _), count in missing.items():
        places["/".join(place.split("/")[:4])] += count
    return places, sorted(map(str, set(facts(known)) - set(facts(again))))


def main():
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    document = json.loads(text)
    version = SchemaVersion.from_version(document["specVersion"])
    judge = JsonStrictValidator(version)
    error = judge.validate_str(text)
    print(f"{'valid' if error is None else 'INVALID'}  CycloneDX {document['specVersion']}, strict  {error or ''}")
    failed = error is not None
    count = 0
    for variant in SPOILED:
        if NAME not in variant.get("judges", [NAME]) or document["specVersion"] != variant.get(
            "version", document["specVersion"]
        ):
            continue
        error = judge.validate_str(json.dumps(spoiled(document, variant)))
        said = str(getattr(error, "data", error)).splitlines()[0][:90] if error else ""
        print(f"{'refused' if error else 'ACCEPTED'}  {variant['what']}  {said}")
        failed |= error is None
        count += error is not None
    places, facts_lost = lost(document, version)
    for place, values in sorted(places.items()):
        print(f"lost  {place}  {values}")
    for fact in facts_lost:
        print(f"LOST  {fact}")
    print(f"total  {count} refused, {sum(places.values())} of {len(list(leaves(document)))} values lost")
    sys.exit(failed or bool(facts_lost))


if __name__ == "__main__":
    main()
