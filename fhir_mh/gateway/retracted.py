"""What was retracted as recorded for the wrong person does not come back from a system that still holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_mh.errors import Conflict
from fhir_mh.gateway.holding import Holding, content, retracted_texts
from fhir_mh.issues import issue
from fhir_mh.profiles.addresses import Addresses
from fhir_mh.profiles.bundle import Written, identifier_of, table_of, told_apart
from fhir_mh.store import Tx

Body = Mapping[str, Any]
_NAMES = frozenset({"id", "reference", "identifier", "custodian", "version", "content_hash", "unknown", "numbers"})


def refuse_sealed(tx: Tx, holding: Holding, changed: Sequence[Written]) -> None:
    """Raises Conflict for what was retracted as recorded for the wrong person, and a system that still holds it sends.

    It is known by the id of its resource, and by that of its item wherever its resource would have another one. Of an
    item that is held here a part was retracted: what says something else of it is the person's own. So is what says
    something else than a text of another's that was only called the same.
    """
    new = [one for one in changed if (one.table.kind, one.resource["id"]) not in holding.bodies]
    sealed: dict[tuple[str, str], list[tuple[Body, bool]]] = {}
    for name, said, alone in _sealed(tx, holding) if new else ():
        sealed.setdefault(name, []).append((said, alone))
    for one in new:
        body, kept = one.resource, (one.table.field, one.item_id) in holding.keepers
        for name in {body["id"], identifier_of(body)} - {None}:
            for said, alone in sealed.get((one.table.kind, str(name)), ()):
                if _beside_id(body) == _beside_id(said) if kept else alone or _is_said(_read(body), _read(said)):
                    reference = f"{one.table.kind}/{body['id']}"
                    raise Conflict(issues=[issue("sync-retracted", reference, reference=reference)])


def _sealed(tx: Tx, holding: Holding) -> Iterator[tuple[tuple[str, str], Body, bool]]:
    """By each name the texts that are under a seal, and whether it is known by that name alone, whatever it says.

    Another's item was shown here by the id that it is called, or by one that tells it apart.
    """
    for keeper, (kind, name), said in retracted_texts(tx, holding.person):
        table, item, own = table_of(said), identifier_of(said), keeper == holding.own
        yield (kind, name), said, True
        if item is not None and item != name:
            yield (kind, item), said, own
        if table is not None and not own:
            yield (kind, told_apart(holding.person, keeper, table.field, item or name)), said, True


def _beside_id(body: Body) -> dict[str, Any]:
    """What a resource says beside its name."""
    return {name: value for name, value in content(body).items() if name != "id"}


def _read(body: Body) -> dict[str, Any]:
    """What a resource says in a record."""
    item: dict[str, Any] = {}
    table = table_of(dict(body))
    if table is not None:
        table.group.read(dict(body), item, Addresses())
    return item


def _is_said(value: Any, whole: Any) -> bool:
    """Whether everything that one says is said by the other, whatever each calls it."""
    if isinstance(value, list) and isinstance(whole, list):
        return all(any(_is_said(inner, other) for other in whole) for inner in value)
    if isinstance(value, dict) and isinstance(whole, dict):
        return all(_is_said(inner, whole.get(name)) for name, inner in value.items() if name not in _NAMES)
    return bool(value == whole)
