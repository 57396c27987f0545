"""The page of one code, and the index of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fhir_mh.cli.issue_text import plain
from fhir_mh.issue_codes import CODES, ROOMS
from scripts.pages.codes.asking import CLIENTS, line_of, media_of
from scripts.pages.codes.runs import MOMENT, finding, found, text_of
from scripts.pages.codes.said import Said, all_said
from scripts.pages.profile_page import table

MADE = """\
<!-- Made by `make pages` from the registry (fhir_mh/issue_codes), what is said of its codes
(scripts/pages/codes/words) and what the product answers. Change those, not this. -->"""
_INDEX = """\
Every finding and every refusal of fhir_mh has a code. Programs may rely on it: messages are reworded, codes are not. A
code is named for its room, which says what it speaks of, and for the fault; once released it is never given another
meaning, and one that is no longer used is never used again. `fhir-mh explain CODE` prints its page in a terminal,
without a network.

A page says what the code means, the smallest input that gives it, the answer as the product gives it for that input,
and the input put right. The answer shows the one finding that the page is about; advice on the same input, such as that
a resource has no narrative, is left out. An example that cannot be run in a moment on one machine is told instead, and
its page says so."""
_NOT_RUN = "*This example is told and was not run. The answer is the registry's template with values as they may be.*"
_LANGUAGES = {"validate": "json", "config": "toml", "mapping": "yaml", "law": "json"}


def pages() -> dict[str, str]:
    """Name of the file -> what it holds, for every code and the index. Raises LookupError for a missing example."""
    return {"README.md": _index(), **{f"{code}.md": _page(said) for code, said in all_said().items()}}


def _index() -> str:
    parts = [MADE, "# Codes of findings and refusals", _INDEX]
    for name, room in ROOMS.items():
        rows = [
            (f"[`{code}`]({code}.md)", entry.severity, all_said()[code].first.replace("|", "\\|"))
            for code, entry in sorted(room.codes.items())
        ]
        parts += [f"## {name}", f"{room.what[:1].upper()}{room.what[1:]}.", table(("code", "severity", "what"), rows)]
    return "\n\n".join(parts) + "\n"


def _page(said: Said) -> str:
    return (
        "\n\n".join([MADE, "[All codes](README.md)", f"# {said.code}", said.means, *_entry(said), *_shown(said)]) + "\n"
    )


def _entry(said: Said) -> Iterator[str]:
    """What the registry says of it."""
    code, room = CODES[said.code], said.code.partition("-")[0]
    lines = [
        f"- Severity: {code.severity}",
        f"- OperationOutcome type: {code.fhir_type}",
        f"- Room: {room}, {ROOMS[room].what}",
        f"- Message: {_template(code.message)}",
        f"- Fix: {_template(code.fix)}",
    ]
    yield "\n".join([*lines, f"- Specification: <{code.spec}>"] if code.spec else lines)
    if said.names:
        yield "\n".join(
            ["In the message and the fix:", "", *(f"- `{{{name}}}`: {what}" for name, what in said.names.items())]
        )


def _template(text: str) -> str:
    """A template as it reads, set apart so that nothing in it is taken for Markdown or HTML."""
    shown = text.replace("{{", "{").replace("}}", "}")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


# --- the example


def _shown(said: Said) -> Iterator[str]:
    yield "## An example"
    example = said.example
    if said.kind == "told":
        yield example["situation"]
        yield _NOT_RUN
    else:
        yield from _before(said)
        yield _block(said, example["send"], wrong=True)
    status = found(said.code).status
    yield "The answer:" if status is None else f"The answer has the status {status} and says:"
    yield _fenced("text", plain(finding(said.code), _file(said)))
    yield "## Put right"
    yield _block(said, example["mended"], wrong=False) if "mended" in example else example["put_right"]


def _before(said: Said) -> Iterator[str]:
    """What must be there for the example (definitions, a mapping, requests), and what is done with what follows."""
    example = said.example
    for number, definition in enumerate(example.get("definitions", ())):
        profile = "extension" if definition.get("type") == "Extension" else "profile"
        what = profile if definition["resourceType"] == "StructureDefinition" else definition["resourceType"].lower()
        yield "and this one:" if number else f"With this {what} at hand:"
        yield _fenced("json", text_of(definition))
    if "mapping" in example:
        yield "With this mapping:"
        yield _fenced("yaml", example["mapping"])
    if said.kind == "gateway":
        yield from _asked_before(example)
    elif said.kind in _LEADS:
        yield _LEADS[said.kind](example)


_READ_BY = {"fhir": "This, given to `from_bundle`:", "record": "This, sent as a record, such as to `POST /records`:"}
_LEADS: dict[str, Callable[[dict[str, Any]], str]] = {
    "validate": lambda example: (
        f"This resource, checked against `{example['profiles'][0]}`:"
        if "profiles" in example
        else "This resource, given to `fhir-mh validate`:"
    ),
    "map": lambda example: (
        _READ_BY[example["from"]]
        if "from" in example
        else f"This file, read with `fhir-mh map --from theirs.yaml`{_encoded(example)}:"
    ),
    "mapping": lambda _: "This mapping file:",
    "store": lambda _: "This address of a store, as in `fhir-mh serve --store`:",
    "law": lambda example: f"This record, asked of on {MOMENT[:10]}, with `{example['law']}` in force and turned on:",
    "config": lambda example: "Where there is no such file:" if "file" in example else "These settings:",
}


def _asked_before(example: dict[str, Any]) -> Iterator[str]:
    before = example.get("before", ())
    for request in before:
        yield "After this request" + (f", whose answer gives {_kept(request)}:" if "keep" in request else ":")
        yield _fenced("http", _http(request))
    send = example["send"]
    if "X-FHIR-MH-From" in send.get("headers", {}):
        yield "This request of a partner on the same machine, with which no secret is agreed:"
    else:
        whose = f", with the token of {_client(send['as'])}" if "as" in send else ""
        yield f"This request{whose}:"


def _kept(request: dict[str, Any]) -> str:
    words = [f"`{{{name}}}`, its {'ETag' if where == 'etag' else 'id'}" for name, where in request["keep"].items()]
    return " and ".join(words)


def _client(name: str) -> str:
    organisation, role = CLIENTS[name]
    there = "the gateway's own organisation" if organisation == "ZCT1" else "another organisation"
    return f"a client of {there}, {organisation}, in the role {role}"


def _block(said: Said, sent: Any, *, wrong: bool) -> str:
    """What is sent, as it is shown. wrong: as the example has it, not put right."""
    if said.kind == "gateway":
        other = "as" in sent and sent["as"] != said.example["send"].get("as")
        return (f"With the token of {_client(sent['as'])}:\n\n" if other else "") + _fenced("http", _http(sent))
    if said.kind == "command":
        command = " ".join(sent["arguments"]).replace("gateway.toml", _named(said))
        settings = f"With these settings:\n\n{_fenced('toml', sent['config'])}\n\n" if "config" in sent else ""
        return settings + _fenced("console", f"$ fhir-mh {command}")
    if wrong and "file" in said.example:
        return _fenced("console", f"$ fhir-mh serve --config {said.example['file']}")
    language = _LANGUAGES.get(said.kind) or ("text" if isinstance(sent, str) else "json")
    encoded = "\n\nencoded as UTF-8." if "encoding" in said.example and not wrong else ""
    return _fenced(language, text_of(sent)) + encoded


def _named(said: Said) -> str:
    """What a command's file is called on the page."""
    return "gateway.toml" if "config" in said.example["send"] else "extract.json"


def _file(said: Said) -> str:
    """What the answer calls the file that it is about; of what is no file, nothing."""
    if said.kind == "map":
        return "extract.csv" if "kind: csv" in said.example.get("mapping", "") else "extract.json"
    if said.kind == "config":
        return str(said.example.get("file", "gateway.toml"))
    return "resource.json" if said.kind == "validate" else ""


def _encoded(example: dict[str, Any]) -> str:
    return ", its letters encoded as Latin-1" if "encoding" in example else ""


def _http(request: dict[str, Any]) -> str:
    line, body = line_of(request)
    headers = dict(request.get("headers", {}))
    if body is not None:
        headers.setdefault("Content-Type", media_of(line.partition(" ")[2]))
    if "as" in request:
        headers["Authorization"] = f"Bearer (the token of the {request['as']})"
    lines = [line, *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines += ["", text_of(body)]
    return "\n".join(lines)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
