"""`fhir-mh map`: a record, a FHIR Bundle or a provider's own file, turned into another of these."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fhir_mh.cli.commands import content_of
from fhir_mh.cli.exits import DONE, reading
from fhir_mh.cli.issue_text import say, write
from fhir_mh.errors import FhirMhError, InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhirpath.unread import load_resource
from fhir_mh.mapping.formats import Loss, kept_aside, list_formats, load_format
from fhir_mh.profiles.bundle import read_bundle, write_bundle
from fhir_mh.records.trees import record_of, tree_of

if TYPE_CHECKING:
    from fhir_mh.issues import Issue
    from fhir_mh.mapping.formats import Format

Tree = dict[str, Any]
_INSIDE = (b'"urn:', b'"#')  # how references begin that lead somewhere in the same text
_BUILT_IN = {
    "record": "a care record, plain JSON in words and no FHIR",
    "fhir": "a FHIR R4 Bundle about one person, or one resource",
}


def run(
    file: Path | None, *, source_format: str = "", target_format: str = "", report: Path | None = None,
    listing: bool = False,
) -> int:  # fmt: skip
    """Map one file; `-` reads standard input. The result goes to standard output.

    What the target cannot say goes to standard error, or to report: as JSON where its name ends in .json ({"from",
    "to", "losses": [{"path", "what", "count"}], "warnings"}), else as text. Places and labels only, never values.
    Returns 0; bad input ends the command with 2, its issues on standard error and nothing on standard output.
    """
    if listing or file is None:
        return _list()
    source, target = _format(source_format), _format(target_format)
    name = "standard input" if str(file) == "-" else str(file)
    with reading(name):
        raw = content_of(file)
        tree, warnings = _read(source, source_format, raw)
        result = _write(target, target_format, tree)
    lost = list(target.losses(tree)) if target is not None else kept_aside(tree)
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    _report(lost, warnings, (source_format, target_format), name, report)
    return DONE


def _list() -> int:
    rows = [*_BUILT_IN.items(), *((known.name, known.title) for known in list_formats())]
    width = max(len(name) for name, _ in rows)
    sys.stdout.write("".join(f"{name:<{width}}  {title}\n" for name, title in rows))
    return DONE


def _format(name: str) -> Format | None:
    """The mapping of that name or path; None for the two that need none."""
    if name in _BUILT_IN:
        return None
    with reading(""):
        return load_format(name)


def _read(source: Format | None, name: str, raw: bytes) -> tuple[Tree, Sequence[Issue]]:
    if source is not None:
        found = source.read(raw)
        return found.tree, found.issues
    if name == "record":
        return tree_of(record_of(load_object(raw))), ()
    body = load_resource(raw)
    _resolved(raw)
    if body.get("resourceType") != "Bundle":
        body = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": body}]}
    tree, warnings = read_bundle(body)
    return tree_of(record_of(tree)), warnings


def _resolved(raw: bytes) -> None:
    """Raises InvalidResource for references that must lead somewhere inside this text and do not."""
    if not any(mark in raw for mark in _INSIDE):
        return
    from fhir_mh.validation import Validator

    issues = [one for one in Validator().validate(raw).issues if one.code == "validate-reference-unresolved"]
    if issues:
        raise InvalidResource(issues=issues)


def _write(target: Format | None, name: str, tree: Tree) -> bytes:
    if target is not None:
        return target.write(tree)
    return dumps(write_bundle(tree) if name == "fhir" else tree, indent=True) + b"\n"


def _report(lost: Sequence[Loss], warnings: Sequence[Issue], names: tuple[str, str], source: str,
            file: Path | None) -> None:  # fmt: skip
    if file is not None and file.suffix == ".json":
        found = {
            "from": names[0], "to": names[1], "losses": [loss.as_dict() for loss in lost],
            "warnings": [warning.as_dict() for warning in warnings],
        }  # fmt: skip
        _save(file, dumps(found, indent=True) + b"\n")
        return
    lines = list(_lines(lost, names[1]))
    if file is not None:
        _save(file, "".join(f"{line}\n" for line in lines).encode())
    else:
        for line in lines:
            say(line)
    write(warnings, source)


def _save(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as fault:
        raise FhirMhError(f"the report could not be written: {fault.strerror}") from None


def _lines(lost: Sequence[Loss], target: str) -> Iterator[str]:
    if not lost:
        yield f"{target} says all of it."
        return
    total = Counter[str]()
    for loss in lost:
        total[loss.what] += loss.count
    yield f"{target}: " + ", ".join(f"{count} {what}" for what, count in total.items())
    for loss in lost:
        yield f"    {loss.path}: {loss.what}" + (f", {loss.count} times" if loss.count > 1 else "")
