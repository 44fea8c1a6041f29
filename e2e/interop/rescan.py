"""Lets Trivy read an AIBoM and compares what it finds with what the AIBoM says.

    rescan.py AIBOM TRIVY CACHE

CACHE holds the database that the AIBoM was made with. Trivy is given the AIBoM alone: no image, no
network. Prints what only one of the two has; the exit status is 0 when both name the same
vulnerabilities of the same packages and there is at least one, and Trivy read every package.
"""

import json
import subprocess
import sys
from pathlib import Path

OFFLINE = ["--skip-db-update", "--skip-java-db-update", "--offline-scan", "--skip-version-check"]


def components(place):
    """Every component, nested ones too."""
    for component in place.get("components", []):
        yield component
        yield from components(component)


def main():
    aibom, trivy, cache = sys.argv[1:]
    document = json.loads(Path(aibom).read_text(encoding="utf-8"))
    purls = {component["bom-ref"]: component.get("purl") for component in components(document)}
    stated = {
        (known["id"], purls[affected["ref"]])
        for known in document["vulnerabilities"]
        for affected in known["affects"]
    }
    command = [trivy, "sbom", aibom, "--cache-dir", cache, "--scanners", "vuln", *OFFLINE]
    done = subprocess.run(
        [*command, "--quiet", "--list-all-pkgs", "--format", "json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"Trivy cannot read it: {done.stderr.strip()[-500:]}")
    results = json.loads(done.stdout).get("Results") or []
    found = {
        (known["VulnerabilityID"], known["PkgIdentifier"]["PURL"])
        for result in results
        for known in result.get("Vulnerabilities") or []
    }
    read = {package["Identifier"]["PURL"] for result in results for package in result.get("Packages") or []}
    packages = {purl for purl in purls.values() if purl and purl.startswith(("pkg:deb/", "pkg:pypi/"))}
    for what, those in (("only the AIBoM", stated - found), ("only Trivy", found - stated)):
        for name, purl in sorted(those):
            print(f"{what}  {name}  {purl}")
    for purl in sorted(packages - read):
        print(f"not read  {purl}")
    print(
        f"total  {len(found & stated)} of {len(stated)} findings the same, "
        f"{len(packages & read)} of {len(packages)} packages read"
    )
    sys.exit(not stated or stated != found or not packages <= read)


if __name__ == "__main__":
    main()
