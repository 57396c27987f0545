"""Who is who in one document: resource addresses, and the items they stand for."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from fhir_mh.mapping.context import Context

_as_uuid_writes_it = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
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
        if _as_uuid_writes_it(item_id):
            return f"urn:uuid:{item_id}"
        try:
            return f"urn:uuid:{uuid.UUID(item_id)}"
        except ValueError:
            pass
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{kind}/{item_id}')}"


class Addresses(Context):
    """The context of a FHIR document. person: how its resources name their subject. item: the id by which what is
    being written stands in the record, whatever its resources call it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.person = self.item = ""
        self._target: dict[str, tuple[str, str]] = {}
        self._literal: dict[tuple[str, str], str] = {}

    def add(self, kind: str, item_id: str, literal: str, *others: str) -> None:
        """An item's resource is referred to as literal, and may be as others."""
        self._literal.setdefault((kind, item_id), literal)
        for name in (literal, *others):
            self._target.setdefault(name, (kind, item_id))

    def resolve(self, literal: object) -> tuple[str, str] | None:
        """(resource type, item id) of what a reference names in this document."""
        return self._target.get(literal) if isinstance(literal, str) else None

    def literal(self, kind: str, item_id: str) -> str | None:
        """How an item's resource of this type is referred to; None where it is not in this document."""
        return self._literal.get((kind, item_id))
