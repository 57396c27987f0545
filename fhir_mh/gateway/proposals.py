"""Changes that somebody else proposes to what we keep: merged against what their author saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.parts import copied
from fhir_mh.gateway import provenance
from fhir_mh.gateway.conflict_tasks import add_tasks, keep_conflicts
from fhir_mh.gateway.holding import Key, content, hold, key_of
from fhir_mh.gateway.identity import Organisation
from fhir_mh.gateway.projection import redirected
from fhir_mh.gateway.spreading import spread
from fhir_mh.gateway.standing import standing
from fhir_mh.gateway.writing import Check, write_record
from fhir_mh.issues import Issue, issue
from fhir_mh.mapping.merge import Conflict, Merged, merge
from fhir_mh.mapping.row_paths import item_at_head, with_cleared
from fhir_mh.profiles.bundle import identifier_of, table_of
from fhir_mh.records.append_only import APPEND_ONLY
from fhir_mh.store import Projection, Tx

Body = dict[str, Any]
_IDENTITY = {"person.nhs_number": "NHS number", "person.birth_date": "date of birth"}
_STATES: dict[str, Literal["accepted", "partly", "conflict"]] = {
    "merged": "accepted",
    "partly": "partly",
    "conflict": "conflict",
}


class Merging:
    """One partner's proposals about one person, within one transaction."""

    def __init__(self, tx: Tx, home: Organisation, check: Check, partner: str, person: str) -> None:
        self.tx, self.home, self.check, self.partner, self.person = tx, home, check, partner, person
        self.holding = hold(tx, person, home.ods)

    def faults(self, message: Message, projection: Projection) -> list[Issue]:
        """What speaks against merging: resources that somebody else keeps, or that their author was never shown."""
        found = []
        for name in ("before", "bundle"):
            for number, body in enumerate(bodies_of(message, name)):
                place, key = f"$.{name}.entry[{number}].resource", key_of(body)
                reference = f"{key[0]}/{key[1]}"
                if self._keeper(key, body) != self.home.ods:
                    found.append(issue("sync-custody", place, reference=reference))
                elif key in self.holding.bodies and not self._was_shown(key, message, projection):
                    found.append(issue("sync-no-projection", place))
        return [*found, *self._wrongly_cleared(message, projection)]

    def _keeper(self, key: Key, body: Body) -> str:
        """Who keeps a resource, be it a new one of an item that somebody keeps."""
        table = table_of(body)
        item = (table.field, identifier_of(body) or key[1]) if table is not None else ("", "")
        return self.holding.custodians.get(key) or self.holding.keepers_by_name.get(item) or self.home.ods

    def _wrongly_cleared(self, message: Message, projection: Projection) -> Iterator[Issue]:
        """Rows that its author may not empty: somebody else's, of what it was never shown, and by which this person is
        known.
        """
        for number, path in enumerate(cleared_by(message)):
            place, (field, item) = f"$.cleared[{number}]", item_at_head(path)
            if path in _IDENTITY:
                yield issue("sync-identity", place, what=_IDENTITY[path])
            elif self.holding.keepers_by_name.get((field, item or ""), self.home.ods) != self.home.ods:
                yield issue("sync-custody", place, reference="What this empties")
            elif not all(self._was_shown(key, message, projection) for key in self._resources_of(field, item)):
                yield issue("sync-no-projection", place)

    def _resources_of(self, field: str, item: str | None) -> Iterator[Key]:
        """The resources held that say an item of the record, or the person."""
        for found in self.holding.reading.taken:
            if found.table is not None and found.table.field == field and item in (None, found.item_id):
                yield key_of(found.entry.resource)

    def _was_shown(self, key: Key, message: Message, projection: Projection) -> bool:
        """Whether the author can know a resource: it was sent in the base or before it, or is the author's own doing.

        Where it stands in an older edition only, its author must say what it looked like: any other edition's text
        would make what changed here since look as if the author had changed it back.
        """
        if key in _keys(projection):
            return True
        if key not in {key_of(body) for body in bodies_of(message, "before")}:
            return False
        whose = (self.partner, self.person, self.home.ods)
        older = self.tx.projections.newest_first(*whose, projection.edition - 1)
        return any(key in _keys(one) for one in older) or any(
            key in {key_of(body) for body in _resources(load_object(own.payload).get("bundle"))}
            for own in self.tx.proposals.find(self.person, direction="received")
            if own.partner == self.partner
        )

    def merge(self, message: Message, projection: Projection) -> Receipt:
        """Apply the rows that its author changed and we did not; the others become Tasks with both texts.

        Of an author who does not care for the person any more nothing is applied: every row becomes a Task.
        """
        shown = self.holding.with_bodies(content(body) for body in _resources(load_object(projection.sent)))
        shown = shown.with_bodies(content(body) for body in bodies_of(message, "before"))
        wanted = shown.with_bodies(content(body) for body in self._as_held(bodies_of(message)))
        before, theirs = self.holding.tree, with_cleared(wanted.tree, cleared_by(message))
        merged = merge(before, shown.tree, theirs, never=APPEND_ONLY)
        if not standing(self.tx, self.person, self.home.ods).takes_part(self.partner):
            late = [Conflict(one.path, one.before, one.before, one.after, "late") for one in merged.changes]
            merged = Merged(copied(before), [], [*merged.conflicts, *late])
        raised = add_tasks(self.tx, self.home, self.person, merged.tree, merged.conflicts, self.partner)
        outcome = write_record(self.tx, self.home, self.check, self.holding, before, merged.tree)
        if not outcome.stored:  # nothing is new, but the answer: by its edition it is known who knows of it
            self.tx.touch(self.person, self.home.ods)
            spread(self.tx, self.home, self.person, (), own=True)
        keep_conflicts(self.tx, self.person, raised, self.partner, message.id)
        rows = [change.path for change in merged.changes]
        provenance.of_merge(self.tx, self.home, self.person, outcome.stored, rows, self.partner, message.id)
        status: Literal["merged", "partly", "conflict"] = (
            "merged" if not merged.conflicts else "partly" if merged.changes else "conflict"
        )
        return self._noted(message, projection.edition, status, [conflict.path for conflict in merged.conflicts])

    def _as_held(self, bodies: list[Body]) -> list[Body]:
        """The resources of a proposal, a new part of an item as the one that it has here since its author looked."""
        parts = {
            (found.table.name, found.item_id): found.entry.resource["id"]
            for found in self.holding.reading.taken
            if found.table is not None and not found.table.primary
        }
        moved: dict[str, str] = {}
        named = []
        for body in bodies:
            table, (kind, name) = table_of(body), key_of(body)
            held = parts.get((table.name, identifier_of(body) or name)) if table is not None else None
            if held is None or (kind, name) in self.holding.bodies:
                named.append(body)
            else:
                moved[f"{kind}/{name}"] = f"{kind}/{held}"
                named.append({**body, "id": held})
        return [redirected(body, moved) for body in named] if moved else bodies

    def _noted(
        self, message: Message, base: int, status: Literal["merged", "partly", "conflict"], conflicts: list[str]
    ) -> Receipt:
        edition = self.tx.edition(self.person, self.home.ods)
        made = self.tx.proposals.add(
            "received", self.partner, self.person, self.home.ods,
            base=base, payload=dumps(message.as_json()).decode(), id=message.id,
        )  # fmt: skip
        said = {"edition": edition, "conflicts": conflicts}
        self.tx.proposals.settle(made.id, _STATES[status], dumps(said).decode())
        return Receipt(message.id, status, edition, tuple(conflicts))


def bodies_of(message: Message, name: str = "bundle") -> list[Body]:
    """The resources of one of a message's Bundles; none where it has no such Bundle."""
    return _resources(message.content.get(name))


def cleared_by(message: Message) -> list[str]:
    """The rows that the author of a proposal emptied, by path."""
    listed = message.content.get("cleared")
    return [path for path in listed if isinstance(path, str) and path] if isinstance(listed, list) else []


def _resources(bundle: Any) -> list[Body]:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return [
        entry["resource"]
        for entry in entries or ()
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]


def _keys(projection: Projection) -> set[Key]:
    return {key_of(body) for body in _resources(load_object(projection.sent))}
