"""Find and pull: a ward has admitted somebody whom nobody placed there, and asks its partners for their plan.

What a partner sends comes as a snapshot like any other, and makes the person known here where nobody knew them. Of an
asking by which nothing comes no more is kept than that it was made. See docs/sync-protocol.md, 'Find and pull'.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, FhirMhError, InvalidResource
from fhir_mh.exchange.finding import Sought
from fhir_mh.exchange.transport import Transport
from fhir_mh.gateway.auditing import Audited, audit, purpose, who_is
from fhir_mh.gateway.holding import Tree
from fhir_mh.gateway.identity import Organisation, find_person
from fhir_mh.gateway.sameness import compact
from fhir_mh.gateway.spreading import copy_at, partners_of
from fhir_mh.gateway.standing import expect_record, only_own
from fhir_mh.gateway.together import Together
from fhir_mh.issues import issue
from fhir_mh.placements import Course
from fhir_mh.placements.courses import is_to_come
from fhir_mh.records.asking import Asking, read_asking
from fhir_mh.records.misfits import misfits
from fhir_mh.records.trees import tree_of
from fhir_mh.store import Currency, Store, Tx

log = logging.getLogger(__name__)

ANSWERED = 6.0  # seconds, within which a partner has answered an asking or was not reached
LOOKS = 40  # whether what was promised has come
_BETWEEN = 0.1  # seconds

What = Literal["came", "coming", "nothing", "too-many", "not-reached"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What one partner said to an asking. edition: of the copy that is held. code: why it was not reached.

    whole: the edition that shows all that may be shared, where it says so.
    """

    partner: str
    said: What
    edition: int | None = None
    code: str | None = None
    whole: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What an asking came to. id: the asking's. record: of the person, where they are known here by now."""

    id: str
    record: str | None
    answers: tuple[Answered, ...]


class FindingUseCases:
    """Asking partners, for this organisation's own systems."""

    def __init__(self, store: Store, home: Organisation) -> None:
        self.store, self.home = store, home

    async def find(self, context: AccessContext, asking: Asking, ways: Mapping[str, Transport]) -> Found:
        """Ask partners for somebody's plan, all at once, and wait a few seconds for what they promise.

        ways: how each partner is reached, by ODS code. Raises ConsentDenied to other organisations, NotFound,
        InvalidResource (another partner than there is, a record that does not say who the person is, an admission that
        is still to come), Conflict where no stay of ours goes on in the record.
        """
        only_own(context, self.home.ods)
        sought, partners = await self.store.write(lambda tx: self._begin(tx, context, asking))
        each = await asyncio.gather(*(_asked(ways.get(partner), partner, sought) for partner in partners))
        promised = [one for one in each if one.said == "coming"]
        await self.store.write(lambda tx: _note(tx, sought, each))
        for _ in range(LOOKS):
            if await self.store.read(lambda tx: self._all_here(tx, sought, promised)):
                break
            await asyncio.sleep(_BETWEEN)
        return await self.store.write(lambda tx: self._found(tx, sought, each))

    # --- before

    def _begin(self, tx: Tx, context: AccessContext, asking: Asking) -> tuple[Sought, list[str]]:
        """The asking, kept and audited before it leaves; and whom it goes to."""
        known = partners_of(tx, self.home)
        for index, partner in enumerate(asking.partners):
            if partner not in known:
                raise InvalidResource(issues=[issue("sync-unknown-partner", f"partners[{index}]")])
        sought = self._sought(tx, context, asking)
        partners = [one for one in known if one in asking.partners or not asking.partners]
        for partner in partners:
            tx.askings.add("made", partner, sought.id, sought.purpose)
        why, person = purpose(sought.purpose, sought.reason), find_person(tx, sought.person.nhs_number)
        audit(tx, self.home, person, Audited("find", "asked", "E", who_is(context), why, ("asking", sought.id)))
        return sought, partners

    def _sought(self, tx: Tx, context: AccessContext, asking: Asking) -> Sought:
        person, admitted_at = (
            self._of_record(tx, asking) if asking.person is None else (tree_of(asking.person), asking.admitted_at)
        )
        if is_to_come(admitted_at, instant(tx.now)):
            raise InvalidResource(issues=[issue("placement-to-come", "admitted_at", step="find")])
        said = {
            "id": tx.new_id(),
            "role": context.role,
            "purpose": asking.purpose,
            "admitted_at": admitted_at,
            "reason": asking.reason,
            "person": {**person, "nhs_number": compact(person["nhs_number"])},
        }
        try:
            return Sought.model_validate(said)
        except ValidationError as fault:  # a name longer than any that travels
            raise InvalidResource(issues=misfits(fault, Sought, "docs/rest.md")) from None

    def _of_record(self, tx: Tx, asking: Asking) -> tuple[Tree, Any]:
        """Who the person of a record is, and since when they are here."""
        record = str(asking.record)
        expect_record(tx, record)
        held = Together(tx, record, self.home.ods)
        person = {name: held.acknowledged["person"].get(name) for name in ("nhs_number", "birth_date", "names")}
        try:
            read_asking({"person": person, "admitted_at": "2026"})
        except InvalidResource as fault:
            raise InvalidResource(issues=[issue("placement-no-identity", one.path) for one in fault.issues]) from None
        since = next((_since(course) for course in held.courses if _is_here(course, self.home.ods)), None)
        if since is None:
            raise Conflict(issues=[issue("placement-no-ground", "record")])
        return person, asking.admitted_at or since

    # --- after

    def _all_here(self, tx: Tx, sought: Sought, promised: Collection[Answered]) -> bool:
        return all(self._came(tx, sought, one) for one in promised)

    def _copy(self, tx: Tx, sought: Sought, partner: str) -> Currency | None:
        """The copy of what a partner keeps about the person, where there is one here that is kept up to date."""
        person = find_person(tx, sought.person.nhs_number)
        copy = None if person is None else copy_at(tx, person, self.home.ods, partner)
        return copy if copy is not None and copy.stored is not None and copy.ended_at is None else None

    def _came(self, tx: Tx, sought: Sought, one: Answered) -> bool:
        """Whether what a partner promised is here: a copy alone may be an older one, which shows less."""
        copy, asking = self._copy(tx, sought, one.partner), tx.askings.get("made", one.partner, sought.id)
        if copy is None or copy.stored is None:
            return False
        whole = one.whole is not None and copy.stored.edition >= one.whole
        return whole or (asking is not None and asking.person == copy.person)

    def _found(self, tx: Tx, sought: Sought, each: Sequence[Answered]) -> Found:
        """What has come by now; each copy says by which asking it did."""
        person, answers = find_person(tx, sought.person.nhs_number), []
        for one in each:
            copy = self._copy(tx, sought, one.partner) if one.said == "coming" else None
            if copy is not None and copy.stored is not None:
                came = self._came(tx, sought, one)
                if came:
                    tx.askings.pulled(one.partner, [sought.id], copy.person)
                one = replace(one, said="came" if came else "coming", edition=copy.stored.edition)
            answers.append(one)
        return Found(sought.id, person, tuple(answers))


def _note(tx: Tx, sought: Sought, each: Sequence[Answered]) -> None:
    for one in each:
        tx.askings.answered(one.partner, sought.id, one.said)


def _is_here(course: Course, own: str) -> bool:
    return course.there and course.provider == own


def _since(course: Course) -> str | None:
    since = ((course.stay or {}).get("period") or {}).get("start")
    return None if since is None else str(since)


async def _asked(way: Transport | None, partner: str, sought: Sought) -> Answered:
    """What one partner says, or why it did not. Raises nothing."""
    try:
        if way is None:
            return Answered(partner, "not-reached", code="sync-unknown-partner")
        async with asyncio.timeout(ANSWERED):
            status = await way.find(sought)
    except FhirMhError as fault:
        return Answered(partner, "not-reached", code=fault.issues[0].code if fault.issues else "sync-unreachable")
    except TimeoutError:
        return Answered(partner, "not-reached", code="sync-unreachable")
    except Exception as fault:  # noqa: BLE001 - a connector's broken promise must not hide what the others say
        log.error("asking %s failed here: %s", partner, type(fault).__name__)
        return Answered(partner, "not-reached", code="sync-failed")
    if status is None:
        return Answered(partner, "not-reached", code="partner-cannot-be-asked")
    return Answered(partner, status.said, whole=status.edition)
