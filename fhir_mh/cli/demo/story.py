"""What a step of the demo works with: the systems over HTTP, and looking until something is seen to hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from fhir_mh.cli.demo.providers import NotHeld, Providers
from fhir_mh.cli.demo.telling import Telling
from fhir_mh.clock import elapsed
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.shipped import path as shipped

Json = dict[str, Any]
_SEEN_WITHIN = 45.0


class Story:
    """The person, the three systems, and what is told of them."""

    def __init__(self, providers: Providers, telling: Telling) -> None:
        self.providers, self.telling = providers, telling
        self.nhs_number = ""

    # --- what each system can be asked

    def post(
        self, ods: str, body: Any, *, format_name: str | None = None, content_type: str = "application/json"
    ) -> Json:
        """A system sends a record, or an extract in its own format."""
        params = {"format": format_name} if format_name else {}
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        address = f"{self.providers[ods].address}/records"
        answer = httpx.post(address, params=params, headers={"Content-Type": content_type}, timeout=30, **sent)
        return self._answer(ods, answer)

    def change(self, ods: str, **parts: Any) -> Json:
        """A system without FHIR sends just what changed, as plain JSON."""
        return self.post(ods, {"person": {"nhs_number": self.nhs_number}, **parts})

    def found(self, ods: str) -> Json | None:
        """What a system holds for the person; None where it knows nobody of that NHS number."""
        address = f"{self.providers[ods].address}/records/find"
        answer = httpx.post(address, json={"nhs_number": self.nhs_number}, timeout=30)
        return None if answer.status_code == 404 else self._answer(ods, answer)

    def record(self, ods: str) -> Json:
        """The record a system holds."""
        held = self.found(ods)
        if held is None:
            raise NotHeld(f"{self.providers[ods].name} holds no record of the person")
        record: Json = held["record"]
        return record

    def extract(self, ods: str, format_name: str) -> bytes:
        """The record in a provider's own format."""
        held = self.found(ods) or {}
        address = f"{self.providers[ods].address}/records/{held.get('id')}"
        answer = httpx.get(address, params={"format": format_name}, timeout=30)
        if answer.is_error:
            self._answer(ods, answer)
        return answer.content

    def fhir(self, ods: str, kind: str) -> list[Json]:
        """The resources of one type that a system holds about the person, over FHIR REST."""
        base = f"{self.providers[ods].address}/fhir"
        who = {"identifier": f"{NHS_NUMBER}|{self.nhs_number}"}
        patients = self._answer(ods, httpx.post(f"{base}/Patient/_search", data=who, timeout=30))
        patient = patients["entry"][0]["resource"]["id"]
        answer = self._answer(ods, httpx.get(f"{base}/{kind}", params={"patient": f"Patient/{patient}"}, timeout=30))
        return [entry["resource"] for entry in answer.get("entry") or []]

    def _answer(self, ods: str, answer: httpx.Response) -> Json:
        body: Json = answer.json()
        if answer.is_error:
            said = "; ".join(str(found.get("diagnostics")) for found in body.get("issue") or [])
            raise NotHeld(f"{self.providers[ods].name} answered {answer.status_code}: {said}")
        return body

    # --- looking

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        """What look() gives once it gives something; raises NotHeld, saying what was waited for."""
        deadline = elapsed() + _SEEN_WITHIN
        seen: object = None
        while elapsed() < deadline:
            try:
                seen = look()
            except (httpx.HTTPError, NotHeld, LookupError) as fault:
                seen = None
                last = str(fault)
            else:
                last = ""
            if seen:
                return seen
            time.sleep(0.05)
        raise NotHeld(f"waited {_SEEN_WITHIN:.0f} s in vain: {what}{f' ({last})' if last else ''}")

    def expect(self, what: str, holds: object) -> None:
        """Something that must be so now."""
        if not holds:
            raise NotHeld(f"not so: {what}")

    def tell(self, ods: str, text: str) -> None:
        """Say what a system holds now."""
        self.telling.says(self.providers[ods].name, text)

    # --- finding things in a record

    def organisation(self, record: Json, ods: str) -> str:
        """The id of an organisation in a record."""
        return next(str(item["id"]) for item in record["organisations"] if item.get("ods") == ods)

    def crisis_plan(self, ods: str) -> Json:
        """The crisis plan a system holds."""
        plan: Json = self.record(ods)["crisis_plans"][0]
        return plan

    def coping(self, ods: str, sign: str) -> str | None:
        """What helps when a sign shows, as a system holds it."""
        for entry in self.crisis_plan(ods)["warning_signs"]:
            if entry["sign"]["text"] == sign:
                text: str = entry.get("coping", {}).get("text", "")
                return text
        return None

    def copy_of(self, ods: str, custodian: str) -> Json:
        """How current a system's own copy of somebody's plan is."""
        held = self.found(ods) or {}
        return next(
            (copy for copy in held.get("copies", ()) if copy["partner"] == ods and copy["custodian"] == custodian), {}
        )


def example(name: str) -> bytes:
    """One of the files in examples/."""
    return (shipped("examples") / name).read_bytes()
