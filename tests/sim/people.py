"""The people of the simulation: who is cared for, and what staff at each site may do next."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict
from fhir_mh.gateway.choosing import choices
from fhir_mh.gateway.gateway import Change
from fhir_mh.gateway.identity import nhs_number_of
from fhir_mh.gateway.marking import STAGES, Marked, Reading
from fhir_mh.gateway.undoing import Answer
from fhir_mh.gateway.written_since import Whose, Written
from fhir_mh.mapping.formats import load_format
from fhir_mh.mapping.row_paths import steps
from fhir_mh.store import PersonMerge
from tests.sim.ledger import SECTION_OF, Decision, Ledger, Row, Said, items_in, resource_id, text_at
from tests.sim.site import at_once

if TYPE_CHECKING:
    from tests.sim.world import World

HOME, UNIT, AWAY, FAR = "ZCT1", "ZCT2", "ZOA1", "ZOA2"
ADA, BEN = "9990000026", "9990000034"
Tree = dict[str, Any]
WARD_CSV = "out-of-area-csv"
RETRACTED = ("goals", "statements", "refusals")


def first_record(number: str, texts: Callable[[str], str], servers: Iterable[str] = ()) -> tuple[Tree, list[Row]]:
    """A person with every kind of content the simulation edits, and where its texts stand. Nobody is placed yet.

    servers: the organisations with a plain server that look after the person too.
    """

    def words(section: str) -> Tree:
        return {"text": texts(section), "said_by": {"role": "person"}}

    tree: Tree = {
        "person": {"nhs_number": number, "names": [{"use": "official", "family": f"Person {number[-3:]}"}],
                   "birth_date": "1984-02-03"},
        "organisations": [{"id": f"org-{ods.lower()}", "ods": ods, "name": ods}
                          for ods in (HOME, UNIT, AWAY, FAR, *servers)],
        "professionals": [{"id": "lead", "name": "Lead professional", "organisation": {"id": "org-zct1"}}],
        "episodes": [
            {"id": "episode", "organisation": {"id": "org-zct1"}, "lead": {"id": "lead"}},
            {"id": "unit-episode", "organisation": {"id": "org-zct2"}},
            *({"id": f"episode-{ods.lower()}", "organisation": {"id": f"org-{ods.lower()}"}} for ods in servers),
        ],
        "goals": [{"id": "goal", "description": {"text": "The sea"}, "preferred_outcome": words("care-plan")}],
        "care_plans": [{"id": "care", "title": "Care plan", "goals": [{"id": "goal"}], "activities": [
            {"id": "allotment", "description": words("care-plan")}, {"id": "choir", "description": words("care-plan")},
        ]}],
        "crisis_plans": [{"id": "crisis", "title": "Crisis plan", "wishes": [{"id": "refusal", "type": "Consent"}],
            "warning_signs": [
                {"id": "sleep", "sign": {"text": "no sleep"}, "coping": words("crisis-plan")},
                {"id": "pacing", "sign": {"text": "pacing"}, "coping": words("crisis-plan")},
            ]}],
        "refusals": [
            {"id": "refusal", "made_at": "2026-01-05", "refuses": [{"id": "ect", "treatment": words("advance-wishes")}]}
        ],
    }  # fmt: skip
    rows: list[Row] = [
        ("goals", "goal", "preferred_outcome"),
        ("care_plans", "care", "activities", "allotment", "description"),
        ("care_plans", "care", "activities", "choir", "description"),
        ("crisis_plans", "crisis", "warning_signs", "sleep", "coping"),
        ("crisis_plans", "crisis", "warning_signs", "pacing", "coping"),
        ("refusals", "refusal", "refuses", "ect", "treatment"),
    ]
    return tree, rows


def change_of(row: Row, text: str) -> Tree:
    """A record that says one thing only: this text in this place."""
    value: Any = {"text": text}
    if row[-1] in ("title", "ward"):
        value = text
    names = list(row)
    value = {names.pop(): value}
    while names:
        item = {"id": names.pop(), **value}
        value = {names.pop(): [item]}
    tree: Tree = value
    return tree


class Staff:
    """What people at a site do. Each way of doing something answers whether there was anything to do."""

    def __init__(self, world: World) -> None:
        self.world, self.draw = world, world.draw
        self.count = 0
        self.counted: set[tuple[str, str, int]] = set()

    def text(self, section: str) -> str:
        """A text that nobody has said before."""
        self.count += 1
        return f"{section}#{self.count}"

    def register(self, number: str) -> None:
        """The home team records a new person."""
        tree, rows = first_record(number, self.text, self.world.servers)
        self.world.ledgers[number] = Ledger(number)
        rows_said = [Said(str(text_at(tree, row)), row, HOME, None) for row in rows]
        self.world.ledgers[number].registered = self._save(HOME, number, tree, rows_said)

    # --- editing

    def edit(self, ods: str, number: str, row: Row | None = None) -> bool:
        """Somebody writes other words in the place of those they see."""
        held = self.world.sites[ods].record(number)
        if held is None:
            return False
        shown = [found for found in self._rows(number) if text_at(held.tree, found) is not None]
        if row is None:
            if not shown:
                return False
            row = self.draw.choice(shown)
        text = self.text(SECTION_OF[row[0]])
        said = Said(text, row, ods, text_at(held.tree, row))
        return self._save(ods, number, change_of(row, text), [said])

    def edit_two(self, ods: str, number: str) -> bool:
        """Two places in one go."""
        held = self.world.sites[ods].record(number)
        if held is None:
            return False
        shown = [row for row in self._rows(number) if text_at(held.tree, row) and row[0] == "crisis_plans"]
        rows = [row for row in shown if row[2] == "warning_signs"]
        if len(rows) < 2:
            return False
        first, second = self.draw.sample(rows, 2)
        said = [Said(self.text("crisis-plan"), row, ods, text_at(held.tree, row)) for row in (first, second)]
        signs = [{"id": one.row[3], "coping": {"text": one.text}} for one in said]
        return self._save(ods, number, {"crisis_plans": [{"id": "crisis", "warning_signs": signs}]}, said)

    def _rows(self, number: str) -> list[Row]:
        return sorted({said.row for said in self.world.ledgers[number].said if said.row[0] != "stays"})

    def add(self, ods: str, number: str) -> bool:
        """Something new: a sign and what helps, a support, a goal, an activity, a wish."""
        held = self.world.sites[ods].record(number)
        if held is None or ("crisis_plans", "crisis") not in items_in(held.tree):
            return False
        self.count += 1
        name, counted = f"new-{self.count}", self._count(ods, number)
        row = self.draw.choice(
            [
                ("crisis_plans", "crisis", "warning_signs", name, "coping"),
                ("crisis_plans", "crisis", "prevention", name, "description"),
                ("goals", counted, "description"),
                ("statements", counted, "wishes", name, "words"),
                ("refusals", counted, "refuses", name, "treatment"),
            ]
        )
        return self.say(ods, number, row)

    def _count(self, ods: str, number: str) -> str:
        """What a system calls something new of its own: as another calls something else of the person, if any does."""
        used = {count for by, _, count in self.counted if by == ods}
        others = {count for _, about, count in self.counted if about == number} - used
        count = min(others, default=max((count for *_, count in self.counted), default=0) + 1)
        self.counted.add((ods, number, count))
        return f"n{count}@{ods}"

    def say(self, ods: str, number: str, row: Row) -> bool:
        """The first words in a place."""
        text = self.text(SECTION_OF[row[0]])
        tree = change_of(row, text)
        if row[2] == "warning_signs":
            tree["crisis_plans"][0]["warning_signs"][0]["sign"] = {"text": f"sign of {row[3]}"}
        if row[0] in ("refusals", "statements"):
            tree[row[0]][0]["made_at"] = instant(self.world.clock.now())
        return self._save(ods, number, tree, [Said(text, row, ods, None)])

    def edit_by_csv(self, number: str) -> bool:
        """The ward far away edits the file of its own system, which cannot say everything."""
        held = self.world.sites[AWAY].shown(number)
        if held is None or not held.tree.get("crisis_plans"):
            return False
        known = load_format(WARD_CSV)
        rows = list(csv.DictReader(io.StringIO(known.write(held.tree).decode("cp1252"))))
        signs = [row for row in rows if row["RECORD_TYPE"] == "SIGN" and "#" in row["ACTION"]]
        if not signs:
            return False
        chosen = self.draw.choice(signs)
        sign = next(
            one
            for plan in held.tree["crisis_plans"]
            for one in plan["warning_signs"]
            if one["sign"]["text"] == chosen["TEXT"]
        )
        row = ("crisis_plans", "crisis", "warning_signs", sign["id"], "coping")
        said = Said(self.text("crisis-plan"), row, AWAY, sign["coping"]["text"])
        chosen["ACTION"] = said.text
        file = io.StringIO()
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        text = file.getvalue().encode("cp1252")
        return self._save(AWAY, number, Change(known.names(text), lambda held: known.put(held, text)), [said])

    def mark(self, ods: str, number: str, stage: Reading | None = None, back: int = 0) -> bool:
        """A system files a copy that it read, or a person opens it; back: how many editions ago it was read."""
        site = self.world.sites[ods]
        held = [
            one for one in site.copies(number)
            if one.partner == ods and one.stored is not None and one.custodian not in self.world.servers
        ]  # fmt: skip
        if not held:
            return False
        copy = self.draw.choice(held)
        edition = max(1, copy.stored.edition - back) if copy.stored else 1
        marked = Marked(copy.custodian, stage or self.draw.choice(STAGES), edition, person=copy.person)
        what = f"marks {marked.edition} of {copy.custodian} as {marked.stage}, of {number}"
        return self.world.attempt(ods, lambda: site.mark(number, marked), what)

    # --- placement and stay

    def place(self, number: str, status: str = "active") -> bool:
        """The home team opens a placement far away, closes it, or opens it again."""
        if self.world.sites[HOME].dead:
            return False
        held = self.world.sites[HOME].record(number)
        known = [one for one in (held.tree.get("placements") or () if held else ()) if one["id"] == "placement"]
        if not known:
            placement: Tree = {"id": "placement", "status": "active", "level": "2"}
            placement |= {"requested_by": {"id": "org-zct1"}, "provider": {"id": "org-zoa1"}}
            return status == "active" and self._save(HOME, number, {"placements": [placement]}, [])
        if (known[0]["status"] == "active") == (status == "active"):
            return False
        facts = {"outcome": "discharged", "at": instant(self.world.clock.now())} if status != "active" else {}
        name = "end" if facts else "reopen"
        return self.world.placing.step(HOME, number, name, "placement", reason=self.text("placement"), **facts)

    def move_discharge(self, ods: str, number: str) -> bool:
        """A new estimated date of discharge, with its reason; the first opens the stay, at the ward only."""
        held = self.world.sites[ods].record(number)
        known = held is not None and any(one["id"] == "stay" for one in held.tree.get("stays") or ())
        if held is None or not held.tree.get("placements") or not (known or ods == AWAY):
            return False
        self.count += 1
        name = f"term-{self.count}"
        row = ("stays", "stay", "estimated_discharge", name, "reason")
        said = Said(self.text("placement"), row, ods, None)
        date, now = f"2027-{self.count % 12 + 1:02}-01", instant(self.world.clock.now())
        term = {"id": name, "value": date, "recorded_at": now, "reason": {"text": said.text}}
        stay: Tree = {"id": "stay", "estimated_discharge": [term]}
        if not known:
            stay |= {"placement": {"id": "placement"}, "provider": {"id": "org-zoa1"}}
        return self._save(ods, number, {"stays": [stay]}, [said])

    # --- the wrong person

    def retract(self, number: str, item: Row | None = None) -> bool:
        """The home team finds that it wrote something down for the wrong person, and retracts it."""
        site, ledger = self.world.sites[HOME], self.world.ledgers[number]
        held = site.record(number)
        if held is None:
            return False
        ours = [one for one, keeper in held.custodians.items() if keeper == HOME and one[0] in RETRACTED]
        shown = sorted(one for one in ours if one in items_in(held.tree))
        if not shown:
            return False
        name, item_id = item or self.draw.choice(shown)
        context, one = AccessContext(HOME, "seals"), site.one(number)
        shown_as = str(site.shown_as(number, item_id))
        shown_as = shown_as if one is None else one.name(one.side_of(str(site.person(number))), shown_as)
        done = self.world.attempt(
            HOME,
            lambda: at_once(site.gateway.seals.retract(context, held.id, [(name, shown_as)], "The wrong record.")),
            f"retracts {name} {item_id} of {number}",
        )
        if done:
            ledger.retracted[name, item_id] = _resource(held.tree, (name, item_id))
        return done

    # --- two who are said to be one

    def merge(self, kept: str, superseded: str) -> bool:
        """Two people of the home team say that two persons are one. Refused where anything of them is sealed."""
        site = self.world.sites[HOME]
        people = [] if site.dead else [site.person(number) for number in (kept, superseded)]
        if site.dead or None in people or site.one(kept) is not None or site.one(superseded) is not None:
            return False
        ids, merges, asked = [str(person) for person in people], site.gateway.merges, len(self._merges())
        by = [AccessContext(HOME, "merges", client=name) for name in ("first", "second")]
        why = "They are one."
        try:
            self.world.attempt(HOME, lambda: at_once(merges.ask(by[0], ids[0], ids[1], why)), "asks for a merge")
            if site.dead or len(self._merges()) == asked:
                return False
            name = self._merges()[-1].id
            what = f"merges {superseded} into {kept}"
            return self.world.attempt(HOME, lambda: at_once(merges.approve(by[1], name, why)), what)
        except Conflict as refused:
            if refused.issues[0].code != "merge-sealed":
                raise
            return False

    def _merges(self) -> list[PersonMerge]:
        return self.world.sites[HOME].look(lambda tx: tx.merges.all())

    def undo_merge(self) -> bool:
        """It was wrong: somebody undoes it. Of what was added since, each is the one's, the other's or nobody's."""
        site = self.world.sites[HOME]
        made = [] if site.dead else [one for one in self._merges() if one.state == "made"]
        if not made:
            return False
        context, name = AccessContext(HOME, "merges", client="first"), made[-1].id
        numbers = site.look(lambda tx: [str(nhs_number_of(tx, one)) for one in (made[-1].kept, made[-1].superseded)])
        written = at_once(site.gateway.merges.read(context, name)).written
        whose = {one: self._whose(one) for one in written}
        answers = [Answer(one.list, one.id, answer) for one, answer in whose.items()]
        held, names = site.record(numbers[0]), site.names(numbers[0])
        done = self.world.attempt(
            HOME, lambda: at_once(site.gateway.merges.undo(context, name, "They are two.", answers)),
            f"undoes the merge, {sorted(f'{one.id} {answer}' for one, answer in whose.items())}",
        )  # fmt: skip
        if done and held is not None:
            said = {(one.list, names.get(one.id, one.id)): answer for one, answer in whose.items()}
            self._parted(numbers, held.tree, said)
        return done

    def _whose(self, one: Written) -> Whose:
        if one.new and one.list in RETRACTED:
            return self.draw.choice(one.may)
        return "stays"

    def _parted(self, numbers: list[str], tree: Tree, whose: Mapping[Row, Whose]) -> None:
        """What is the other's was said of the other, and never of the one."""
        kept, other = (self.world.ledgers[number] for number in numbers)
        ours = {one.id for one in kept.decisions}
        other.decisions[:] = [one for one in other.decisions if one.id not in ours]
        for one, answer in whose.items():
            if answer == "stays":
                continue
            kept.retracted[one] = _resource(tree, one)
            rows = {said.row for said in kept.said if said.row[:2] == one}
            for row in rows if answer == "other" else ():
                text = text_at(tree, row)
                other.said += [Said(text, row, HOME, None)] if text is not None else []

    # --- decisions

    def decide(
        self, ods: str, number: str, about: str, *, permit: bool, sections: frozenset[str] | None = None
    ) -> bool:
        """The person decides what one organisation may be told; recorded wherever they say it."""
        held, one = self.world.sites[ods].record(number), self.world.sites[ods].numbers_of_one(number)
        if one[0] != number:
            return False  # what is new is written to the one who is kept
        if held is None or f"org-{about.lower()}" not in {one["id"] for one in held.tree.get("organisations", ())}:
            return False
        self.count += 1
        made = Decision(f"decision-{self.count}", self.count, about, permit, sections)
        exception: Tree = {
            "decision": "permit" if permit else "deny",
            "actors": [{"party": {"id": f"org-{about.lower()}"}}],
        }
        if sections is not None:
            exception["sections"] = sorted(sections)
        preference = {"id": made.id, "made_at": instant(self.world.clock.now()), "terms": {"exceptions": [exception]}}
        everybody = [self.world.ledgers[name] for name in one]
        for each in everybody:
            each.decisions.append(made)
        if not self._save(ods, number, {"sharing": [preference]}, []):
            for each in everybody:
                each.decisions.remove(made)
            return False
        for each in everybody:
            each.learns(ods, [made.id])
        return True

    # --- conflicts

    def settle_conflict(self, ods: str, number: str) -> bool:
        """Somebody decides a conflict: takes the other text, keeps what stands, or writes a third."""
        waiting = self.world.sites[ods].conflicts(number)
        if not waiting:
            return False
        found = self.draw.choice(waiting)
        row = tuple(name for name, _ in steps(found.stored.path))
        said: Tree = {"decision": "keep", "asked_person": True}
        written = []
        if "write" in choices(found.stored) and row in self._rows(number):
            said = {"decision": self.draw.choice(["accept", "keep", "write"]), "instead_of": found.now}
            if said["decision"] == "write":
                said["text"] = self.text(SECTION_OF[row[0]])
                seen = found.now.get("text") if isinstance(found.now, dict) else None
                written.append(Said(said["text"], row, ods, seen))
        what = f"decides {said['decision']} of {found.stored.path} of {number}"
        if not self.world.attempt(ods, lambda: self.world.sites[ods].decide(found, said), what):
            return False
        self.world.ledgers[number].said += written
        return True

    # --- saving

    def _save(self, ods: str, number: str, change: Any, said: list[Said]) -> bool:
        """Whether the site accepted it: from then on it is in the ledger. A site that died after its commit has.

        What is new is written to the one who is kept, by whoever sees two persons as one.
        """
        if not isinstance(change, Change) and self.world.sites[ods].would_be_anothers(number, change):
            return False
        what = "the file of its system" if isinstance(change, Change) else _brief(change)
        saved = self.world.attempt(
            ods, lambda: self.world.sites[ods].save(number, change), f"writes {what} of {number}"
        )
        if saved:
            self.world.ledgers[number].said += said
        return saved


def _resource(tree: Tree, row: Row) -> str:
    return next(resource_id(item) for item in tree[row[0]] if item["id"] == row[1])


def _brief(change: Tree) -> str:
    text = str({name: value for name, value in change.items() if name != "person"})
    return text if len(text) < 220 else f"a record of {', '.join(change)}"
