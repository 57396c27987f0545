"""Who is who in one document: resource addresses, and the items they stand for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.mapping.context import Context
from fhir_mh.records.called import is_uuid, named_of, of_whom

_NAMESPACE = uuid.UUID("0d2bd0a4-5a67-5b0f-8a55-0e0c3f5b7a10")


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource on its way in: full_url as in Bundle.entry, path for messages.

    keeper: who keeps it, where it is another than whoever reads: each may count its items for itself.
    """

    resource: dict[str, Any]
    path: str
    full_url: str | None = None
    keeper: str = ""


def own_url(kind: str, item_id: str, primary: bool) -> str:
    """The urn:uuid: address of an item's resource in a Bundle of ours."""
    if primary:
        if is_uuid(item_id):
            return f"urn:uuid:{item_id}"
        try:
            return f"urn:uuid:{uuid.UUID(item_id)}"
        except ValueError:
            pass
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{kind}/{item_id}')}"


class Addresses(Context):
    """The context of a FHIR document. person: how its resources name their subject. item: the id by which what is
    being written stands in the record, whatever its resources call it. own: the ODS code of whoever reads. keeper: that
    of whoever keeps what is being read; empty where that is whoever reads.
    """

    def __init__(self, own: str = "") -> None:
        super().__init__()
        self.person = self.item = self.keeper = ""
        self.own = own
        self._shown: dict[tuple[str, str, str], str] = {}
        self._target: dict[str, tuple[str, str]] = {}
        self._literal: dict[tuple[str, str], str] = {}

    def add(self, kind: str, item_id: str, literal: str, *others: str) -> None:
        """An item's resource is referred to as literal, and may be as others."""
        self._literal.setdefault((kind, item_id), literal)
        for name in (literal, *others):
            self._target.setdefault(name, (kind, item_id))

    def show(self, keeper: str, kind: str, called: str, item_id: str) -> None:
        """An item of another keeper, which calls it so, is shown by this id."""
        self._shown.setdefault((keeper, kind, called), item_id)

    def meant(self, name: str, kinds: Sequence[str]) -> str:
        """The id of the item that a resource names by identifier, of whoever is named with it, else of its keeper.

        kinds: what it may be. Of several types each may have an item that is called so.
        """
        whose, called = of_whom(name)
        keeper = self.keeper or self.own if whose is None else whose
        if is_uuid(name) or keeper == self.own:
            return called
        shown = self._shown.get((keeper, kinds[0], called)) if len(kinds) == 1 else None
        return shown or named_of(keeper, called)

    def resolve(self, literal: object) -> tuple[str, str] | None:
        """(resource type, item id) of what a reference names in this document."""
        return self._target.get(literal) if isinstance(literal, str) else None

    def literal(self, kind: str, item_id: str) -> str | None:
        """How an item's resource of this type is referred to; None where it is not in this document."""
        return self._literal.get((kind, item_id))
