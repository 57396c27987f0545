"""Unplanned admissions: a ward asks its partners for the plan of somebody whom nobody placed there."""

from __future__ import annotations

import asyncio
import operator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fhir_mh.clock import instant
from fhir_mh.exchange.finding import Sought, Status
from fhir_mh.placements.courses import ods_codes
from fhir_mh.records.asking import read_asking
from tests.sim.laws import LawBroken
from tests.sim.ledger import Ledger

if TYPE_CHECKING:
    from tests.sim.world import World

Tree = dict[str, Any]
BORN, ANOTHER_DAY = "1984-02-03", "1984-02-04"
OPENED = {"TREAT": frozenset[str](), "ETREAT": frozenset({"crisis-plan", "advance-wishes"})}
KEPT = timedelta(hours=96)


@dataclass(frozen=True, slots=True)
class Asked:
    """An asking to which a site has committed the answer `coming`."""

    by: str
    purpose: str
    at: datetime


class Finding:
    """What wards ask, and what of it is in force."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ask(self, ods: str, number: str, purpose: str = "", born: str = "") -> bool:
        """A ward asks everybody, perhaps with another date of birth; and claims the person if they are known then."""
        site, draw = self.world.sites[ods], self.world.draw
        if site.dead or _under_way():
            return False
        born = born or draw.choice([BORN, BORN, BORN, ANOTHER_DAY])
        purpose = purpose or draw.choice(["ETREAT", "ETREAT", "TREAT"])
        reason = self.world.staff.text("placement")
        self.world.ledgers[number].reasons.add(reason)
        person = {"nhs_number": number, "birth_date": born, "names": [{"family": f"Person {number[-3:]}"}]}
        said = {"person": person, "admitted_at": instant(self.world.clock.now()), "purpose": purpose, "reason": reason}
        self.world.clock.advance(timedelta(seconds=1))
        found = self.world._run(ods, lambda: site.find(read_asking(said)))
        if found is None:
            return False
        heard = {one.partner: one.said for one in found.answers}
        self.world.tell(f"{ods} asks {purpose} for {number}, born {born}: {heard}")
        if site.person(number) is not None and draw.random() < 0.7:
            self.world.placing.claim(ods, number)
        return True

    def answered(self, ods: str, sender: str, sought: Sought, status: Status) -> None:
        """A site has committed its answer to an asking."""
        ledger = self.world.ledgers[sought.person.nhs_number]
        if status.said != "coming":
            return
        if sought.person.birth_date != BORN:
            raise LawBroken(f"{ods} knows somebody for {sender} by another date of birth")
        asked = Asked(sender, sought.purpose, self.world.clock.now())
        ledger.askings.setdefault(ods, {}).setdefault(sought.id, asked)

    def opened(self, ledger: Ledger, keeper: str, to: str, permitted: frozenset[str], *, surely: bool) -> set[str]:
        """The sections that askings in force open to another site, denied or not. permitted: what the person has.

        surely: not where what would end an asking is told of the very moment of it, which may count or not.
        """
        open_: set[str] = set()
        for asked in ledger.askings.get(keeper, {}).values():
            if asked.by != to or self.world.clock.now() >= asked.at + KEPT:
                continue
            if not self._is_over(ledger, keeper, asked, or_then=surely):
                open_ |= OPENED[asked.purpose] | permitted
        return open_

    def _is_over(self, ledger: Ledger, keeper: str, asked: Asked, *, or_then: bool) -> bool:
        """Whether the keeper has since placed the person with the asker or declined it, or the asker's stay is over.

        or_then: or at the very moment.
        """
        after = operator.ge if or_then else operator.gt
        declined = ledger.declined.get((keeper, asked.by))
        if declined is not None and after(declined, asked.at):
            return True
        site, since = self.world.sites[keeper], instant(asked.at)
        numbers = [ledger.number] if site.dead else site.numbers_of_one(ledger.number)
        trees = [held.tree for number in numbers if (held := site.record(number)) is not None]

        def of_asker(name: str) -> list[Tree]:
            each = [(one, codes) for tree in trees for codes in [ods_codes(tree)] for one in tree.get(name, ())]
            return [one for one, codes in each if codes.get((one.get("provider") or {}).get("id")) == asked.by]

        for placement in of_asker("placements"):
            moments = [entry["recorded_at"] for entry in placement.get("history", ()) if entry["term"] == "status"]
            if any(after(moment, since) for moment in (placement.get("requested_at", ""), *moments)):
                return True
        stays = of_asker("stays")
        if any(stay.get("status") in ("in-progress", "onleave") for stay in stays):
            return False
        return any(after((stay.get("period") or {}).get("end", ""), since) for stay in stays)


def _under_way() -> bool:
    """Whether something else is being done just now: staff do not ask in the middle of a request."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
