"""The page that explains the interface, made from the OpenAPI document. It needs nothing from any other server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fhir_mh.api.described import document
from fhir_mh.api.faults import Refused
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import issue
from fhir_mh.settings import Settings

Json = dict[str, Any]

_STATIC = Path(__file__).parent / "static"
_FILES = {"docs.css": "text/css", "docs.js": "text/javascript"}
_EMPTY: Json = {"value": ""}  # a body that only whoever read it before can fill in
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Pages:
    """/docs, /openapi.json, and what they need. They hold no data, so nobody needs a token to read them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def routes(self) -> list[Route]:
        """All by GET."""
        return [
            Route("/", self._home),
            Route("/docs", self._docs),
            Route("/docs/{file}", self._file),
            Route("/openapi.json", self._openapi),
        ]

    @cached_property
    def document(self) -> Json:
        return document(secured=bool(self.settings.clients))

    async def _home(self, _: Request) -> Response:
        return RedirectResponse("/docs")

    async def _openapi(self, _: Request) -> Response:
        return Response(dumps(self.document), media_type="application/json")

    async def _docs(self, _: Request) -> Response:
        text = page(self.document, self.settings.name)
        return Response(text, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def _file(self, request: Request) -> Response:
        name = request.path_params["file"]
        if name not in _FILES:
            raise Refused(404, issue("rest-unknown-path", ""))
        return Response((_STATIC / name).read_bytes(), media_type=_FILES[name])


def page(described: Json, organisation: str) -> str:
    """The whole page as HTML."""
    return "".join(_page(described, organisation))


def _page(described: Json, organisation: str) -> Iterator[str]:
    title = escape(f"{described['info']['title']}: {organisation}")
    yield f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="stylesheet" href="/docs/docs.css"><script src="/docs/docs.js" defer></script></head><body><main>'
    yield f"<h1>{title}</h1>{_prose(described['info']['description'])}"
    yield '<p>The same for programs: <a href="/openapi.json">openapi.json</a>. '
    yield 'What FHIR servers say of themselves: <a href="/fhir/metadata">the CapabilityStatement</a>.</p>'
    if "security" in described:
        yield '<label for="token">Token, for trying things out</label><input id="token" type="password">'
    for tag in described["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>"
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(path, method.upper(), operation)
    yield "</main></body></html>"


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    yield f'<details class="operation" id="{operation["operationId"]}"><summary><span class="method">{method}</span> '
    yield f'<span class="path">{escape(path)}</span> {escape(operation["summary"])}</summary><div>'
    yield _prose(operation.get("description", ""))
    yield "<table><tr><th>Answer</th><th>What it means</th></tr>"
    refused = [code for code, answer in operation["responses"].items() if "$ref" in answer]
    for code, answer in operation["responses"].items():
        if "$ref" not in answer:
            yield f"<tr><td>{code}</td><td>{escape(answer['description'])}</td></tr>"
    if refused:
        yield f"<tr><td>{', '.join(refused)}</td><td>Refused: an OperationOutcome says why and how to mend it</td></tr>"
    yield "</table>"
    contents = operation.get("requestBody", {}).get("content", {})
    tried = [
        (media, name, example)
        for media, content in contents.items()
        for name, example in content.get("examples", {}).items()
    ]
    for number, (media, name, example) in enumerate(tried):
        yield f"<h3>{escape(example['summary'])}</h3>"
        yield from _form(path, method, operation, f"{operation['operationId']}-{name}", number, (media, example))
    if not tried:
        own = next(((media, _EMPTY) for media in contents), None)
        yield from _form(path, method, operation, operation["operationId"], 0, own)
    yield "</div></details>"


def _form(
    path: str, method: str, operation: Json, name: str, number: int, body: tuple[str, Json] | None
) -> Iterator[str]:
    """What can be sent from the page itself, filled with the example."""
    yield f'<form class="try" data-path="{escape(path)}" data-method="{method}">'
    given = dict(part.partition("=")[::2] for part in (body[1].get("x-query", "") if body else "").split("&"))
    if body is not None and "x-status" in body[1] and "{type}" in path:
        given["type"] = body[1]["value"].get("resourceType", "Patient")
    if body is not None:
        given["step"] = body[1].get("x-step", "")
    for parameter in operation.get("parameters", ()):
        label, place = parameter["name"], parameter["in"]
        key = f"{name}-{number}-{label}"
        yield f'<label for="{key}">{escape(label)}</label> {escape(parameter["description"])}'
        needed = " required" if parameter.get("required") else ""
        yield f'<input id="{key}" name="{escape(label)}" data-in="{place}"'
        yield f' value="{escape(given.get(label, ""))}"{needed}>'
    if body is not None:
        media, example = body
        yield f'<label for="{name}-{number}">Body: {escape(media)}</label>'
        yield f'<textarea id="{name}-{number}" data-type="{escape(media)}" spellcheck="false">'
        yield f"{escape(_text(*body))}</textarea>"
        if "x-status" in example:
            yield f'<p class="answered">Answered with {example["x-status"]}.</p>'
    yield "<button>Send</button><pre><output></output></pre></form>"


def _text(media: str, example: Json) -> str:
    """An example as it is sent."""
    if media == "application/x-www-form-urlencoded":
        return urlencode(example["value"])
    return example["value"] if isinstance(example["value"], str) else dumps(example["value"], indent=True).decode()


def _prose(text: str) -> str:
    """Paragraphs, lists, `code`, **bold** and *emphasis*: all the Markdown that the document uses."""
    out = []
    for block in filter(None, re.split(r"\n\s*\n", text.strip())):
        if block.startswith("- "):
            items = (re.sub(r"\s+", " ", item) for item in re.split(r"\n?- ", block)[1:])
            out.append("<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>")
        else:
            out.append(f"<p>{_inline(block)}</p>")
    return "".join(out)


def _inline(text: str) -> str:
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text))
