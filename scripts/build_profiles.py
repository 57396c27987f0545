"""Developer command: compile profiles/ with SUSHI and pack what ships of it.

    python -m scripts.build_profiles [--check | --snapshots FILE]

Two things are written, both committed and both the same bytes for the same sources:

profiles/package/                    a FHIR package: our definitions as SUSHI compiled them (differentials), LICENSE and
                                     NOTICE; `fhir-mh package build` makes one file of it
fhir_mh/packages/data/own.json.gz    the facts of those definitions and of the UK Core definitions they rest on,
                                     without prose, so that a machine that has no UK Core validates

--check writes nothing; it fails where what is committed is not what the sources give.
--snapshots writes only FILE: the package with a snapshot in each StructureDefinition, which SUSHI wants of a package
that it builds on. It is never committed, for snapshots repeat the text of UK Core and HL7.
`make profiles` provides what it needs first: SUSHI in .tools, and UK Core and R4 core in ~/.fhir/packages, where SUSHI
looks for packages and puts those it fetches (scripts/provide_tools.py).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fhir_mh.fhir.json import dumps
from fhir_mh.packages.archive import archive
from fhir_mh.packages.base import base_facts, packed
from fhir_mh.packages.facts import facts_of, to_ship
from fhir_mh.packages.source import read_package
from scripts.provide_tools import ROOT, SUSHI

SOURCES = ROOT / "profiles"
PACKAGE = SOURCES / "package"
FACTS = packed("own")
BINDS = ("required", "extensible")
# Code lists of others than HL7 UK and NHS England belong to their owners and stay out.
_OTHERS = ("http://snomed.info/", "http://loinc.org", "http://dicom.")

Facts = dict[str, Any]


def config() -> dict[str, Any]:
    """sushi-config.yaml."""
    held: dict[str, Any] = yaml.safe_load((SOURCES / "sushi-config.yaml").read_text("utf-8"))
    return held


def source_hash() -> str:
    """The SHA-256 of every source and its path, whatever the line ends of the checkout."""
    total = hashlib.sha256()
    for file in [SOURCES / "sushi-config.yaml", *sorted((SOURCES / "input").rglob("*.fsh"))]:
        text = file.read_text("utf-8").encode()
        total.update(f"{file.relative_to(SOURCES).as_posix()} {len(text)}\n".encode() + text)
    return total.hexdigest()


def compiled(*options: str) -> dict[str, dict[str, Any]]:
    """File name -> definition, as SUSHI makes them of the sources, with these options for it.

    Ends the command where SUSHI finds an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "profiles"
        shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("package"))
        run = subprocess.run([SUSHI, "build", *options, copy], capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(run.stdout + run.stderr)
        made = sorted((copy / "fsh-generated" / "resources").glob("*.json"))
        return {file.name: json.loads(file.read_text("utf-8")) for file in made}


def manifest() -> dict[str, Any]:
    """package.json: what the package is called and rests on, and the hash of the sources it was made from."""
    said = config()
    return {
        "name": said["id"],
        "version": said["version"],
        "canonical": said["canonical"],
        "title": said["title"],
        "description": said["description"],
        "author": said["publisher"]["name"],
        "license": said["license"],
        "fhirVersions": [said["fhirVersion"]],
        "dependencies": {"hl7.fhir.r4.core": said["fhirVersion"], **said["dependencies"]},
        "sourceHash": source_hash(),
    }


def implementation_guide(made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The ImplementationGuide that lists what the package holds. See https://hl7.org/fhir/R4/implementationguide.html

    R4 itself is its fhirVersion and no guide to depend on. A package whose name no registry would take goes without it.
    """
    said = config()
    return {
        "resourceType": "ImplementationGuide",
        "id": said["id"],
        "url": f"{said['canonical']}/ImplementationGuide/{said['id']}",
        "version": said["version"],
        "name": said["name"],
        "title": said["title"],
        "status": said["status"],
        "publisher": said["publisher"]["name"],
        "description": said["description"],
        "packageId": said["id"],
        "license": said["license"],
        "fhirVersion": [said["fhirVersion"]],
        "dependsOn": [
            {
                "uri": f"http://fhir.org/packages/{name}/ImplementationGuide/{name}",
                **({"packageId": name} if "." in name else {}),
                "version": version,
            }
            for name, version in said["dependencies"].items()
        ],
        "definition": {
            "resource": [
                {
                    "reference": {"reference": f"{found['resourceType']}/{found['id']}"},
                    "name": found.get("title") or found["name"],
                    "description": found["description"],
                    "exampleBoolean": False,
                }
                for found in made.values()
            ]
        },
    }


def resting_on(own: dict[str, Facts], others: dict[str, Facts]) -> dict[str, Facts]:
    """Of the others, those that ours are built on: parents, extensions, value sets that bind, their code systems."""
    found: dict[str, Facts] = {}
    waiting = [url for facts in own.values() for url in named_in(facts)]
    while waiting:
        url = waiting.pop().split("|")[0]
        if url in found or url in own or url not in others or not may_ship(others[url]):
            continue
        found[url] = others[url]
        waiting.extend(named_in(others[url]))
    return found


def named_in(facts: Facts) -> Iterator[str]:
    """The canonical URLs that a definition needs to be of use."""
    yield facts.get("baseDefinition", "")
    for element in facts.get("differential", ()):
        for entry in element.get("type", ()):
            yield from entry.get("profile", ())
        binding = element.get("binding", {})
        if binding.get("strength") in BINDS:
            yield binding.get("valueSet", "")
        yield binding.get("maxValueSet", "")
    for entry in facts.get("compose", {}).get("include", ()):
        yield entry.get("system", "")
        yield from entry.get("valueSet", ())


def may_ship(facts: Facts) -> bool:
    """Whether a definition lists no codes of a code system that belongs to somebody else."""
    if facts["resourceType"] == "CodeSystem":
        return not facts["url"].startswith(_OTHERS)
    entries = [entry for part in facts.get("compose", {}).values() for entry in part]
    return not any(entry.get("concept") and entry.get("system", "").startswith(_OTHERS) for entry in entries)


def facts_by_url(definitions: Iterator[dict[str, Any]] | list[dict[str, Any]], *, ours: bool) -> dict[str, Facts]:
    """Facts as they are committed: without snapshots, which are derived again from the parents."""
    found = (facts_of(definition) for definition in definitions)
    return {facts["url"]: to_ship(facts, ours=ours) for facts in found if facts is not None}


def facts_of_package(own: list[dict[str, Any]]) -> bytes:
    """own.json.gz. Raises PackageError where UK Core is not in the user's package cache."""
    ours = facts_by_url(own, ours=True)
    others: dict[str, Facts] = {}
    for name, version in config()["dependencies"].items():
        others |= facts_by_url(read_package(f"{name}#{version}"), ours=False)
    beneath = resting_on(ours, {url: facts for url, facts in others.items() if url not in base_facts("types")})
    return gzip.compress(dumps(dict(sorted((ours | beneath).items()))), compresslevel=9, mtime=0)


def package(made: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """The files of the package, by name."""
    guide = implementation_guide(made)
    found = {name: _text(definition) for name, definition in made.items()}
    found[f"ImplementationGuide-{guide['id']}.json"] = _text(guide)
    found["package.json"] = _text(manifest())
    return found | {name: (ROOT / name).read_bytes() for name in ("LICENSE", "NOTICE")}


def files(made: dict[str, dict[str, Any]]) -> dict[Path, bytes]:
    """Everything that is committed, by path."""
    found = {PACKAGE / name: content for name, content in package(made).items()}
    found[FACTS] = facts_of_package(list(made.values()))
    return found


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def differing(wanted: dict[Path, bytes]) -> list[str]:
    """The paths where what is there is not what is wanted."""
    there = {*PACKAGE.glob("*"), FACTS}
    wrong = [path for path in there | wanted.keys() if path not in wanted or not same(path, wanted[path])]
    return sorted(path.relative_to(ROOT).as_posix() for path in wrong)


def same(path: Path, content: bytes) -> bool:
    """Equal content; of what is packed, the content inside, for zlib's versions pack differently."""
    if not path.is_file():
        return False
    held = path.read_bytes()
    return held == content or (path.suffix == ".gz" and gzip.decompress(held) == gzip.decompress(content))


def write(wanted: dict[Path, bytes]) -> None:
    """Put everything in its place, and nothing else."""
    PACKAGE.mkdir(exist_ok=True)
    for path in PACKAGE.glob("*"):
        if path not in wanted:
            path.unlink()
    for path, content in wanted.items():
        if not same(path, content):
            path.write_bytes(content)


def main(arguments: list[str]) -> int:
    """Build, or with --check compare; returns the exit code."""
    parser = argparse.ArgumentParser(description="Compile profiles/ and pack what ships of it.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where what is committed differs")
    parser.add_argument("--snapshots", type=Path, metavar="FILE", help="write only the package with snapshots, there")
    options = parser.parse_args(arguments)
    if not SUSHI.exists():
        print("SUSHI is not in .tools: `make profiles` puts it there.", file=sys.stderr)
        return 2
    if options.snapshots:
        options.snapshots.parent.mkdir(parents=True, exist_ok=True)
        options.snapshots.write_bytes(archive(package(compiled("--snapshot"))))
        print(f"written: {options.snapshots}")
        return 0
    wanted = files(compiled())
    wrong = differing(wanted)
    if not options.check:
        write(wanted)
    for path in wrong:
        print(f"{'differs from its source' if options.check else 'written'}: {path}")
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
