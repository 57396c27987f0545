"""Our own definitions as a FHIR package: one .tgz that other people's tools load.

See https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from fhir_mh import shipped
from fhir_mh.errors import PackageError

_INDEXED = ("id", "url", "version", "kind", "type")


def package_name() -> str:
    """The file name that the package goes by: name and version, as package managers write it.

    Raises PackageError when the installation is damaged.
    """
    manifest = _json("package.json", _files()["package.json"])
    return f"{manifest['name']}-{manifest['version']}.tgz"


def package_archive() -> bytes:
    """Our package: package/package.json, package/.index.json, every definition, LICENSE and NOTICE; see archive().

    The StructureDefinitions hold differentials alone: our Validator and HL7's engine make the snapshots they need
    from the packages named as dependencies. SUSHI does not; for it, `make package` builds the same with snapshots.
    Raises PackageError when the installation is damaged.
    """
    return archive(_files())


def archive(files: Mapping[str, bytes]) -> bytes:
    """A FHIR package of these files by name, with an index of them; package.json must be among them.

    Equal files give equal bytes: no times, no owners, in order of name.
    """
    held = {".index.json": _index(files), **files}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for name in sorted(held):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(held[name])
            target.addfile(entry, io.BytesIO(held[name]))
    compressed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=compressed, mtime=0) as out:
        out.write(packed.getvalue())
    return compressed.getvalue()


def _files() -> dict[str, bytes]:
    try:
        folder: Path = shipped.path("package")
        found = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
    except OSError:
        raise _damaged("its files cannot be read") from None
    if not {"name", "version"} <= _json("package.json", found.get("package.json", b"")).keys():
        raise _damaged("package.json lacks its name or version")
    return found


def _index(files: Mapping[str, bytes]) -> bytes:
    """.index.json: what is in each file, so that a tool need not open them all."""
    entries = []
    for name, text in sorted(files.items()):
        if name.endswith(".json") and name != "package.json":
            definition = _json(name, text)
            about = {key: definition[key] for key in _INDEXED if key in definition}
            entries.append({"filename": name, "resourceType": definition["resourceType"], **about})
    return orjson.dumps({"index-version": 1, "files": entries}, option=orjson.OPT_INDENT_2) + b"\n"


def _json(name: str, text: bytes) -> dict[str, Any]:
    try:
        return dict(orjson.loads(text))
    except ValueError:
        raise _damaged(f"{name} is not JSON") from None


def _damaged(why: str) -> PackageError:
    return PackageError(f"The FHIR package that ships with fhir_mh is damaged ({why}): install fhir_mh again.")
