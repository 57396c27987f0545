"""When two gateways show the same item: what may differ by what else each holds, and by who each says the person is."""

from __future__ import annotations

from typing import Any

from fhir_mh.records.called import CALLED
from tests.sim.ledger import Tree, resource_id


def of_anybody(item: Tree | None) -> Tree | None:
    """An item without which Patient it names: where a ward has one of its own, the same person is two of them.

    And without that whoever reads shows it by another id than its keeper.
    """
    if item is None or "unknown" not in item:
        return item
    whom = ("subject", "patient", CALLED)
    rest = {
        name: {key: value for key, value in told.items() if key not in whom} if isinstance(told, dict) else told
        for name, told in item["unknown"].items()
    }
    kept = {name: told for name, told in rest.items() if told}
    plain = {name: value for name, value in item.items() if name != "unknown"}
    return {**plain, "unknown": kept} if kept else plain


def as_held_in(tree: Tree, item: Tree) -> Tree:
    """An item as another record shows it: what its keeper refers to and does not hold may be held there.

    Such as the placement by which a claim was confirmed, where it ended before its provider was sent it.
    """
    names = {resource_id(one): one["id"] for value in tree.values() if isinstance(value, list) for one in value}

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(one) for one in value]
        if not isinstance(value, dict):
            return value
        name = names.get(str(value["reference"]).rpartition("/")[2]) if value.keys() == {"reference"} else None
        return {"id": name} if name else {key: named(one) for key, one in value.items()}

    return {key: value if key == "unknown" else named(value) for key, value in item.items()}
