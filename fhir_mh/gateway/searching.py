"""A search over what is held, and the pages of it that another organisation sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.urls import FORMER_NHS_NUMBER, NHS_NUMBER
from fhir_mh.gateway.seeing import Onlooker
from fhir_mh.store import Page, StoredResource, Tx

_PAGE = 200
_LOOKED_THROUGH = 2000
"""How many resources a search for another organisation looks through where it names nobody, of _PAGE people at most."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks: any of the patients, identifiers (system or None, value) and ids.

    updated: pairs of ge, le, gt or lt and a time.
    """

    kind: str
    patients: Sequence[str] | None = None
    identifiers: Sequence[tuple[str | None, str]] | None = None
    ids: Sequence[str] | None = None
    updated: Sequence[tuple[Any, Any]] = ()
    cursor: str | None = None
    limit: int = 50


def page_of(
    tx: Tx, wanted: Search, persons: Sequence[str] | None, cursor: str | None, limit: int | None = None, *,
    count: bool = False,
) -> Page:  # fmt: skip
    """A page of what matches, whoever asks. persons: whom it must be about, where that matters."""
    return tx.search(
        wanted.kind, persons=persons, identifiers=_with_former(wanted.identifiers), ids=wanted.ids,
        updated=wanted.updated, cursor=cursor, limit=limit or min(wanted.limit, _PAGE), count=count,
    )  # fmt: skip


def seen_page(tx: Tx, wanted: Search, persons: Sequence[str] | None, onlooker: Onlooker) -> Page:
    """A page of what another organisation sees, with a next only where it sees something that follows.

    Of a search that names nobody a part is looked through at a time: what follows then may be nothing.
    """
    if persons is not None:
        persons = [one for one in persons if onlooker.of_person(one).sight is not None]
        if not persons:
            return Page(())
    limit, looked, cursor = min(wanted.limit, _PAGE), 0, wanted.cursor
    found: list[StoredResource] = []
    last: tuple[str | None, int] = (cursor, 0)
    while True:
        page = page_of(tx, wanted, persons, cursor, _PAGE)
        for number, entry in enumerate(page.entries, 1):
            shown = onlooker.shown(entry)
            if shown is None:
                continue
            if len(found) == limit:
                return Page(tuple(found), page_of(tx, wanted, persons, *last).next)
            found.append(shown)
            last = cursor, number
        looked += len(page.entries)
        if page.next is None or (persons is None and (looked >= _LOOKED_THROUGH or onlooker.people >= _PAGE)):
            return Page(tuple(found), page.next)
        cursor = page.next


def _with_former(wanted: Sequence[tuple[str | None, str]] | None) -> Sequence[tuple[str | None, str]] | None:
    """An NHS number that is asked for may since have been superseded."""
    if wanted is None:
        return None
    return [*wanted, *((FORMER_NHS_NUMBER, value) for system, value in wanted if system == NHS_NUMBER)]
