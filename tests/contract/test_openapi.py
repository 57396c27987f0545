"""The pages that explain the interface: complete, true (every example is sent), and in need of no other server."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from fhir_mh.api import create_app
from fhir_mh.api.described import document
from fhir_mh.fhir.json import dumps
from fhir_mh.settings import Settings
from tests.contract.rest_caller import Caller, refused

DOCUMENT = document(secured=False)
HOOKS = {"/hooks/fhir/{ods}", "/hooks/fhir/{ods}/{kind}/{name}"}  # a FHIR server calls there, by its own Subscription
INTERNAL = {"/", "/docs", "/docs/{file}", "/openapi.json", "/sync/v1/messages", "/fhir/", *HOOKS}


def examples() -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """(example's name, method, path, media type, example) of every request body in the document."""
    return [
        (name, method, path, media, example)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
        for name, example in content.get("examples", {}).items()
    ]


EXAMPLES = {entry[0]: entry for entry in examples()}


def send(call: Caller, name: str) -> Any:
    """Send an example, after those it builds on; its path and If-Match are filled from their answers."""
    _, method, path, media, example = EXAMPLES[name]
    headers = {"content_type": media}
    if "x-after" in example:
        before = send(call, example["x-after"]).json()
        path = path.replace("{id}", before.get("id", "")).replace("{ods}", before.get("ods", ""))
        path = path.replace("{placement}", before.get("placement", "")).replace("{step}", example.get("x-step", ""))
        headers["if_match"] = f'W/"{before["version"]}"'
    value = example["value"]
    body = urlencode(value).encode() if "urlencoded" in media else dumps(value)
    path = path.replace("{type}", value.get("resourceType", "Patient")) + "?" + example.get("x-query", "")
    return call(method.upper(), path.rstrip("?"), body, **headers)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_answered_as_the_document_says(caller: Caller, name: str) -> None:
    _, method, path, _, example = EXAMPLES[name]
    answer = send(caller, name)
    assert answer.status_code == example["x-status"], answer.text
    assert str(answer.status_code) in DOCUMENT["paths"][path][method]["responses"]


def test_there_is_an_example_for_every_address_that_takes_a_body() -> None:
    without = {
        operation["operationId"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
        and not any(content.get("examples") for content in operation["requestBody"]["content"].values())
    }
    assert without == {"update", "validate_update", "update_subscription"}  # their body is what was read before


def test_the_document_describes_every_address_and_no_other(caller: Caller, settings: Settings) -> None:
    app = create_app(caller.gateway, settings)
    served = {route.path for route in app.routes if isinstance(route, Route)} | {
        "/records",
        "/records/find",
        "/records/{id}",
        "/records/{id}/losses",
    }
    served = {re.sub(r":\w+}", "}", path) for path in served}
    assert served - INTERNAL == set(DOCUMENT["paths"])


def test_every_method_described_is_taken(caller: Caller) -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            url = (
                path.replace("{type}", "CarePlan").replace("{version}", "1").replace("{seq}", "1").replace("{id}", "x")
            )
            assert caller(method.upper(), url, {}).status_code != 405, (method, path)


def test_every_schema_named_is_there(caller: Caller) -> None:
    text = caller("GET", "/openapi.json").text
    named = set(re.findall(r'"#/components/(\w+)/(\w+)"', text))
    assert named
    for kind, name in named:
        assert name in DOCUMENT["components"][kind]


class Seen(HTMLParser):
    """What a page refers to, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.labels: set[str] = set()
        self.ids: list[str] = []
        self.fields: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.references += [str(given[name]) for name in ("href", "src", "action") if name in given]
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label":
            self.labels.add(str(given["for"]))
        if tag in ("input", "textarea"):
            self.fields.add(str(given["id"]))
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_from_anywhere_else(caller: Caller) -> None:
    answer = caller("GET", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    seen = Seen()
    seen.feed(answer.text)
    assert seen.open == []
    for reference in seen.references:
        assert reference.startswith("/")
        assert caller("GET", reference).status_code == 200
    assert "<script>" not in answer.text
    assert len(set(seen.ids)) == len(seen.ids)
    assert seen.fields <= seen.labels


def test_the_page_shows_every_address_and_example(caller: Caller) -> None:
    text = caller("GET", "/docs").text
    for path, methods in DOCUMENT["paths"].items():
        assert f'data-path="{path}"' in text
        for operation in methods.values():
            assert operation["summary"] in text
    for _, _, _, _, example in EXAMPLES.values():
        assert example["summary"].replace("'", "&#x27;") in text


def test_a_name_of_an_organisation_is_shown_and_not_run(settings: Settings, caller: Caller) -> None:
    from fhir_mh.api.pages import page

    assert "<script>alert" not in page(DOCUMENT, "<script>alert(1)</script>")


def test_the_address_of_the_server_leads_to_the_page(caller: Caller) -> None:
    answer = caller("GET", "/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    refused(caller("GET", "/docs/nothing"), 404, "rest-unknown-path")
