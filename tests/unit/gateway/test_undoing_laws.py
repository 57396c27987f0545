"""The law of undoing: however three persons were merged and written to, each has again what people said is its own."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh.gateway.undoing import Answer
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, THIRD, WHY, as_, held, merge

NUMBERS = (NHS_NUMBER, OTHER, THIRD)
IDS = ("a", "b", "c")
UUIDS = {number: f"5b3c1e0a-7d0e-4c55-9a53-00{number}" for number in NUMBERS}
Tree = dict[str, Any]


@dataclass(eq=False)
class Entry:
    """One goal of one person, as the model has it. planned: whether that person's plan refers to it."""

    number: str
    text: str
    planned: bool = False


@dataclass
class Model:
    """What ought to be held of each. before: of each merge in force, what each goal said then, and who is its other."""

    pair: Pair
    draw: Random
    entries: list[Entry] = field(default_factory=list)
    before: list[tuple[str, str, dict[Entry, str]]] = field(default_factory=list)
    count: int = 0

    def words(self) -> str:
        self.count += 1
        return f"text-{self.count}"

    def register(self, number: str) -> None:
        tree = person_with_a_plan()
        ids = [name for name in IDS if self.draw.random() < 0.6]
        ids += [UUIDS[number]] if self.draw.random() < 0.6 else []
        made = [Entry(number, self.words(), planned=True) for _ in ids]
        tree["person"] = {"nhs_number": number, "names": [{"family": number}]}
        tree["goals"] = [{"id": name, "description": {"text": one.text}} for name, one in zip(ids, made, strict=True)]
        tree["care_plans"][0]["goals"] = [{"id": name} for name in ids]
        self.pair.save(HOME, tree)
        self.entries += made

    def by_text(self, text: str) -> Entry:
        return next(one for one in self.entries if one.text == text)

    def write(self) -> None:
        """Somebody writes a goal in the one record: what stands there under this id, or a new one of who is kept."""
        shown = {one["id"]: one["description"]["text"] for one in held(self.pair, HOME).tree.get("goals", ())}
        name, text = self.draw.choice([*IDS, *shown]), self.words()
        self.pair.save(HOME, {"goals": [{"id": name, "description": {"text": text}}]})
        if name in shown:
            self.by_text(shown[name]).text = text
        else:
            self.entries.append(Entry(NHS_NUMBER, text))

    def merge(self, other: str) -> None:
        self.pair.deliver()
        self.pair.clock.advance(timedelta(seconds=2))
        made = merge(self.pair, superseded=other)
        self.before.append((made, other, {one: one.text for one in self.entries}))

    def undo(self) -> None:
        made, other, before = self.before.pop()
        merges = self.pair.gateways[HOME].merges
        texts = {one["id"]: one["description"]["text"] for one in held(self.pair, HOME).tree.get("goals", ())}
        written = asyncio.run(merges.read(as_("first"), made)).written
        found = {self.by_text(texts[one.id]): one for one in written if one.list == "goals"}
        of_both = {one for one in self.entries if one.number != THIRD or other == THIRD}
        assert found.keys() == {one for one in of_both if before.get(one) != one.text}
        assert all(one.new == (entry not in before) for entry, one in found.items())
        answers = [Answer(one.list, one.id, self.draw.choice(one.may)) for one in found.values()]
        answers += [Answer(one.list, one.id, "stays") for one in written if one.list != "goals"]
        asyncio.run(merges.undo(as_("first"), made, WHY, answers))
        for (entry, one), answer in zip(found.items(), answers, strict=False):
            if answer.whose != "stays":
                self.entries.remove(entry)
            if answer.whose == "other":
                self.entries.append(Entry(other, entry.text))
            elif answer.whose == "apart" and not one.new:
                entry.text = before[entry]
                self.entries.append(entry)

    def holds(self) -> None:
        """Each has its own goals, at home and at the ward, and its plan refers to those that it did and has."""
        for number in NUMBERS:
            mine = {one.text: one for one in self.entries if one.number == number}
            for ods in (HOME, WARD):
                tree = held(self.pair, ods, number).tree
                texts = {one["id"]: one["description"]["text"] for one in tree.get("goals", ())}
                assert sorted(texts.values()) == sorted(mine)
                (plan,) = tree["care_plans"]
                referred = {texts[one["id"]] for one in plan.get("goals", ()) if one.get("id") in texts}
                assert referred == {text for text, one in mine.items() if one.planned}


@settings(max_examples=settings().max_examples // 6, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_each_has_again_what_people_said_is_its_own(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(Path(folder))
        model = Model(pair, Random(seed))
        for number in NUMBERS:
            model.register(number)
        for other in NUMBERS[1:]:
            model.merge(other)
            for _ in range(model.draw.randrange(4)):
                model.write()
                if model.draw.random() < 0.5:
                    pair.deliver()
        for _ in NUMBERS[1:]:
            model.undo()
        pair.deliver()
        model.holds()
        pair.close()
