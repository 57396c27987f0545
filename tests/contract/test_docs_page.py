"""/docs in a real browser: every example is sent from the page itself, and is answered as the page says."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.chromium import Tab, chromium, running
from tests.contract.test_openapi import EXAMPLES
from tests.contract.test_serve import serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def devtools() -> Iterator[str]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on the path")
    with running(program) as address:
        yield address


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of one with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="fmh") as name, serving(Path(name), "--port", "0") as found:
        yield found.address


def on_page(devtools: str, gateway: str, act: Callable[[Tab], Awaitable[None]], **size: int) -> None:
    async def go() -> None:
        async with Tab(devtools, **size) as tab:
            await tab.open(f"{gateway}/docs")
            await act(tab)
            assert tab.complaints == []

    asyncio.run(go())


def form_of(name: str) -> str:
    """The JavaScript that finds the form of an example."""
    _, method, path, _, example = EXAMPLES[name]
    heading = json.dumps(example["summary"])
    form = json.dumps(f'form.try[data-path="{path}"][data-method="{method.upper()}"]')
    return f"[...document.querySelectorAll({form})].find(form => form.previousElementSibling.textContent === {heading})"


async def send(tab: Tab, name: str) -> tuple[int, dict[str, str], Any]:
    """Send an example as a person would, after those it builds on; what the page then shows: status, headers, body."""
    after = EXAMPLES[name][4].get("x-after")
    filled: dict[str, str] = {}
    if after:
        _, headers, body = await send(tab, after)
        named = {label: body[label] for label in ("id", "ods", "placement") if label in body}
        filled = {**named, "If-Match": headers["etag"]}
    form = form_of(name)
    await tab.run(f"{form}.closest('details').open = true")
    for label, value in filled.items():
        field = f"{form}.querySelector('[name=\"{label}\"]')"
        if await tab.run(f"{field} !== null && {field}.required"):
            await tab.run(f"{field}.value = {json.dumps(value)}")
    await tab.run(f"{form}.querySelectorAll('input[required]').forEach(field => field.value ||= 'nobody')")
    await tab.run(f"{form}.querySelector('output').textContent = ''")
    await tab.run(f"{form}.querySelector('button').click()")
    shown = f"{form}.querySelector('output').textContent"
    await tab.until(f"/^(\\d|No answer)/.test({shown})")
    text: str = await tab.run(shown)
    head, _, body = text.partition("\n\n")
    status, *headers = head.splitlines()
    return int(status.split()[0]), dict(line.split(": ", 1) for line in headers), json.loads(body)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_answered_as_the_page_says(devtools: str, gateway: str, name: str) -> None:
    async def act(tab: Tab) -> None:
        status, _, body = await send(tab, name)
        assert status == EXAMPLES[name][4]["x-status"], body
        told = await tab.run(f"{form_of(name)}.querySelector('.answered').textContent")
        assert str(status) in told

    on_page(devtools, gateway, act)


def test_what_must_be_given_is_asked_for_and_nothing_is_sent_without_it(devtools: str, gateway: str) -> None:
    async def act(tab: Tab) -> None:
        form = "document.querySelector('#read form')"
        await tab.run(f"{form}.closest('details').open = true")
        await tab.run(f"{form}.querySelector('button').click()")
        assert await tab.run(f"{form}.checkValidity()") is False
        assert await tab.run(f"{form}.querySelector('output').textContent") == ""

    on_page(devtools, gateway, act)


def test_what_was_read_can_be_changed_and_sent_back(devtools: str, gateway: str) -> None:
    async def act(tab: Tab) -> None:
        _, _, person = await send(tab, "patient")
        form = "document.querySelector('#update form')"
        await tab.run(f"{form}.closest('details').open = true")
        for label, value in (("type", "Patient"), ("id", person["id"])):
            await tab.run(f"{form}.querySelector('[name={label}]').value = {json.dumps(value)}")
        changed = json.dumps({**person, "gender": "other"})
        await tab.run(f"{form}.querySelector('textarea').value = {json.dumps(changed)}")
        await tab.run(f"{form}.querySelector('button').click()")
        await tab.until(f"{form}.querySelector('output').textContent.startsWith('200')")

    on_page(devtools, gateway, act)


def test_it_fits_a_narrow_screen(devtools: str, gateway: str) -> None:
    async def act(tab: Tab) -> None:
        await tab.run("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert await tab.run("document.documentElement.scrollWidth") <= 380

    on_page(devtools, gateway, act, width=380, height=700)
