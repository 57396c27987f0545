"""The transaction in which resources are written to a server, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fhir_mh.connectors.fhir_server.answers import Answered, is_refusal, version_of
from fhir_mh.connectors.fhir_server.client import FhirClient
from fhir_mh.connectors.fhir_server.looking import Place
from fhir_mh.connectors.fhir_server.naming import Body, Key
from fhir_mh.connectors.fhir_server.rendering import mark_of, rendered
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable, VersionConflict
from fhir_mh.exchange.transport import Refused
from fhir_mh.issues import Issue, issue

_CHANGED = (409, 412)


@dataclass(frozen=True, slots=True)
class Written:
    """What the server said of what it was sent. done: what it took; fault: why it did not take the rest, if any.

    refused: of that, what it certainly has not written. What it says has changed may be what it was sent: a request may
    come twice.
    """

    done: tuple[tuple[Place, Answered], ...]
    fault: Exception | None = None
    refused: tuple[Place, ...] = ()


def condition(parameter: str, value: str) -> str:
    """An ifNoneExist."""
    return urlencode([(parameter, value)], safe=":/|")


def entry_of(place: Place, named: Mapping[Key, str], patient: str) -> Body:
    """The entry that writes a resource: over what was read there, or as a new one where there is none.

    patient: by which identifier (system|value) the person is called.
    """
    body, kind = rendered(place.ours, named), place.key[0]
    if place.body is not None:
        version = version_of(place.body)
        request = {
            "method": "PUT",
            "url": f"{kind}/{place.there}",
            **({"ifMatch": f'W/"{version}"'} if version else {}),
        }
        return {"resource": {**body, "id": place.there}, "request": request}
    asked = ("identifier", patient) if kind == "Patient" else mark_of(place.ours)
    return {
        "fullUrl": named[place.key],
        "resource": body,
        "request": {"method": "POST", "url": kind, "ifNoneExist": condition(*asked)},
    }


async def write(client: FhirClient, places: Sequence[Place], entries: Sequence[Body]) -> Written:
    """Send a transaction; where the server refuses its conditions, once more without them.

    Where it is refused, and something that was to be written over has been deleted there since it was read, the fault
    is VersionConflict: that is looked at again, and not created by an update. Raises that, and what
    FhirClient.transaction does, where nothing was done.
    """
    written = await _written(client, places, entries)
    if isinstance(written.fault, Refused):
        try:
            await _expect_there(client, places)
        except FhirMhError as fault:  # what was done is known all the same
            return replace(written, fault=fault)
    return written


async def _expect_there(client: FhirClient, places: Sequence[Place]) -> None:
    for place in places:
        if place.body is not None and await client.read(place.key[0], place.there) is None:
            raise VersionConflict(issues=[issue("server-changed", "$")])


async def _written(client: FhirClient, places: Sequence[Place], entries: Sequence[Body]) -> Written:
    try:
        answers = await client.transaction(entries)
    except Refused:
        await _expect_there(client, places)
        plain = [_unconditional(entry) for entry in entries]
        if plain == list(entries):
            raise
        entries, answers = plain, await client.transaction(plain)
    done, fault, refused = [], None, []
    for place, entry, answered in zip(places, entries, answers, strict=True):
        wrong = _fault_of(entry, answered)
        if wrong is None:
            done.append((place, answered))
        else:
            fault = fault or wrong
            if isinstance(wrong, (Refused, NotAuthenticated)):
                refused.append(place)
    return Written(tuple(done), fault, tuple(refused))


def _fault_of(entry: Body, answered: Answered) -> Exception | None:
    """Why an entry was not done; it may be alone in that, for some servers' transactions are none."""
    status = answered.status
    if status == 200 and "ifNoneExist" in entry["request"]:  # there was one by now, and it was left as it is
        return VersionConflict(issues=[issue("server-changed", "$")])
    if 200 <= status < 300:
        return None
    if status in _CHANGED:
        return VersionConflict(issues=[issue("server-changed", "$")])
    if status in (401, 403):
        return NotAuthenticated(issues=[issue("server-token", "$")])
    if is_refusal(status):
        return Refused(_refused(entry, status))
    return UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=status)])


def _refused(entry: Body, status: int) -> Issue:
    return issue("server-refused", f"$.bundle.{entry['resource']['resourceType']}", status=status)


def _unconditional(entry: Body) -> Body:
    request = {name: value for name, value in entry["request"].items() if name != "ifNoneExist"}
    return {**entry, "request": request}
