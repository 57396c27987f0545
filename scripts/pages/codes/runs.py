"""The examples, run: what the product itself answers to each, and to its mended form.

The kinds, and what each holds (send and mended are text as it stands, or an object that is written as JSON):

    validate   send, mended; profiles: URLs to be met besides; definitions: more of them, for this example alone
    map        from: record, fhir or a format; or mapping: the text of one; send, mended
               (these two: encoding, of what is sent, where it is the fault)
    mapping    send, mended: the text of a mapping file
    config     send, mended: the text of a settings file; arguments: of `fhir-mh serve`
    store      send, mended: the address of a store
    command    send, mended: arguments of fhir-mh; config: the settings file that it names as gateway.toml
    law        send, mended: a record; law: the policy, as if it were in force
    gateway    before, send, mended: requests to a gateway (asking.py)
    told       situation; values: of the template's names. Nothing is run.

Where nothing can be sent that is mended, put_right says in words what is done.
"""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from fhir_mh.cli import main
from fhir_mh.consent import asked_by_law, laws
from fhir_mh.errors import FhirMhError
from fhir_mh.fhir.json import load_object
from fhir_mh.fhir.nhs_numbers import discreet
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.formats import load_format
from fhir_mh.profiles.bundle import read_bundle
from fhir_mh.records.partial import read_partial
from fhir_mh.records.trees import record_of
from fhir_mh.settings import PREFIX, doubts, load
from fhir_mh.store import open_store
from fhir_mh.validation import Validator
from scripts.pages.codes.asking import answers
from scripts.pages.codes.said import Said, all_said

MOMENT = "2028-06-01T12:00:00.000Z"
"""When a law is asked: after the day from which the examples take it to be in force."""
_WIDTH = 100
_HEAD = re.compile(r"^(?:[^\n:]+: )?(fatal|error|warning|information) ([a-z0-9-]+)(?: at ([^\n]*))?\n {4}([^\n]*)\n"
                   r" {4}Fix: ([^\n]*)", re.MULTILINE)  # fmt: skip


def text_of(sent: Any) -> str:
    """What is sent, as text: JSON is broken into lines only where it would be wide."""
    return sent if isinstance(sent, str) else _lines(sent, 0)


def _lines(value: Any, depth: int, before: int = 0) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or (depth and 2 * depth + before + len(text) <= _WIDTH):
        return text
    if isinstance(value, dict):
        keys = [f"{json.dumps(key)}: " for key in value]
        inner = [key + _lines(part, depth + 1, len(key)) for key, part in zip(keys, value.values(), strict=True)]
    else:
        inner = [_lines(part, depth + 1) for part in value]
    indent = "  " * (depth + 1)
    joined = f",\n{indent}".join(inner)
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n{indent}{joined}\n{'  ' * depth}{last}"


class Found(NamedTuple):
    """wrong: what an example gives. right: what its mended form does. status: of the answer, where it is a request."""

    wrong: tuple[Issue, ...]
    right: tuple[Issue, ...] = ()
    status: int | None = None


@cache
def found(code: str) -> Found:
    """What the example of a code gives, run; of one that is told, the one finding that it tells of."""
    said = all_said()[code]
    if said.kind == "told":
        return Found((issue(code, said.at, **said.example.get("values", {})),))
    status = None
    with patch.dict(os.environ, _bare(), clear=True):
        if said.kind == "gateway":
            wrong, right, status = answers(said.example)
        else:
            run = _KINDS[said.kind]
            wrong = run(said, said.example["send"])
            right = run(said, said.example["mended"]) if "mended" in said.example else []
    return Found(tuple(map(discreet, wrong)), tuple(map(discreet, right)), status)


def _bare() -> dict[str, str]:
    """The environment without what would change an answer: settings, and colours asked for."""
    return {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "FORCE_COLOR", "TTY_"))}


def finding(code: str) -> Issue:
    """The finding that the example of a code is there for. Raises LookupError where it does not give it."""
    said = all_said()[code]
    for one in found(code).wrong:
        if (one.code, one.path) == (code, said.at):
            return one
    seen = ", ".join(f"{one.code} @ {one.path}" for one in found(code).wrong)
    raise LookupError(f"the example of {code} does not give it at {said.at!r}; it gives: {seen}")


# --- one function for each kind: what is wrong with what was sent


def _bytes(said: Said, sent: Any) -> bytes:
    """What is sent, in the encoding that the example is wrong in, or as it should be."""
    wrong = sent is said.example["send"]
    return text_of(sent).encode(said.example.get("encoding", "utf-8") if wrong else "utf-8")


def _validate(said: Said, sent: Any) -> list[Issue]:
    definitions = said.example.get("definitions")
    validator = _validator() if definitions is None else Validator(resources=definitions)
    report = validator.validate(_bytes(said, sent), said.example.get("profiles", ()))
    return [*report.issues, *report.not_checked]


@cache
def _validator() -> Validator:
    return Validator()


def _map(said: Said, sent: Any) -> list[Issue]:
    raw = _bytes(said, sent)
    name = said.example.get("from", "")

    def run() -> list[Issue]:
        if said.example.get("mapping"):
            with _written("theirs.yaml", said.example["mapping"]) as file:
                return list(load_format(file).read(raw).issues)
        if name == "record":
            record_of(read_partial(load_object(raw)))
            return []
        if name == "fhir":
            return read_bundle(_bundle(load_object(raw)))[1]
        return list(load_format(name).read(raw).issues)

    return _refused(run)


def _bundle(body: dict[str, Any]) -> dict[str, Any]:
    from fhir_mh import from_bundle

    from_bundle(body)
    return body


def _mapping(_: Said, sent: Any) -> list[Issue]:
    with _written("theirs.yaml", sent) as file:
        return _refused(lambda: load_format(file) and [])


def _config(said: Said, sent: Any) -> list[Issue]:
    with _written("gateway.toml", sent) as file:
        named = file.parent / said.example.get("file", file.name)
        return _refused(lambda: doubts(load(named, **said.example.get("arguments", {}))))


def _store(_: Said, sent: Any) -> list[Issue]:
    def run() -> list[Issue]:
        open_store(sent, inline=sent == "sqlite://").close()
        return []

    with tempfile.TemporaryDirectory() as folder:
        sent = sent.replace("sqlite:///", f"sqlite:///{folder}/")
        return _refused(run)


def _law(said: Said, sent: Any) -> list[Issue]:
    (policy,) = [one for one in laws() if one.id == said.example["law"]]
    on = policy.model_copy(update={"in_force_from": "2028-01-01"})
    return asked_by_law(read_partial(sent), MOMENT, [on], [policy.id])


def _command(_: Said, sent: Any) -> list[Issue]:
    with _written("gateway.toml", sent.get("config", "")) as file:
        arguments = [str(file) if one == file.name else one for one in sent["arguments"]]
        told = io.StringIO()
        with redirect_stderr(told), redirect_stdout(io.StringIO()):
            main(arguments)
    return [
        Issue(code, severity, path, message, fix)  # type: ignore[arg-type]
        for severity, code, path, message, fix in _HEAD.findall(told.getvalue())
    ]


_KINDS: dict[str, Callable[[Said, Any], list[Issue]]] = {
    "validate": _validate, "map": _map, "mapping": _mapping, "config": _config, "store": _store, "law": _law,
    "command": _command,
}  # fmt: skip


def _refused(run: Callable[[], list[Issue]]) -> list[Issue]:
    try:
        return run()
    except FhirMhError as fault:
        return list(fault.issues)


@contextmanager
def _written(name: str, text: str) -> Iterator[Path]:
    """A file with this text, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8", newline="")
        yield file
