"""Pages of a search that came by POST: what was asked is kept in the store, and the page's address is a random name.

So no address holds an NHS number, every process of a gateway can answer, and a name is good only for who was given it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fhir_mh.errors import Gone
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.gateway.searching import Search
from fhir_mh.issues import issue
from fhir_mh.store import Store, Tx

LASTS = timedelta(minutes=15)
_MARK = "s"  # a cursor of the store begins otherwise


def is_kept(cursor: str | None) -> bool:
    """Whether a cursor is the name of a kept search rather than a place in one."""
    return cursor is not None and cursor.startswith(_MARK)


async def keep_search(store: Store, organisation: str, search: Search, cursor: str) -> str:
    """The name under which this organisation gets the page of the search that begins at the cursor."""
    name, text = _MARK + secrets.token_urlsafe(18), dumps(as_json(replace(search, cursor=cursor))).decode()

    def keep(tx: Tx) -> None:
        tx.pages.keep(name, organisation, text, LASTS)

    await store.write(keep)
    return name


async def kept_search(store: Store, organisation: str, kind: str, name: str) -> Search:
    """The search that was kept. Raises Gone for a name that is not known (any more), or was given to somebody else."""
    text = await store.read(lambda tx: tx.pages.find(name, organisation))
    found = None if text is None else of_json(load_object(text))
    if found is None or found.kind != kind:
        raise Gone(issues=[issue("rest-page-expired", "http._cursor")])
    return found


def as_json(search: Search) -> dict[str, Any]:
    """A search as JSON, for of_json() to read."""
    return {
        "kind": search.kind,
        "patients": search.patients,
        "identifiers": search.identifiers,
        "ids": search.ids,
        "updated": [[comparison, moment.isoformat()] for comparison, moment in search.updated],
        "cursor": search.cursor,
        "limit": search.limit,
    }


def of_json(said: dict[str, Any]) -> Search:
    """The search that as_json() wrote."""
    identifiers = said["identifiers"]
    return Search(
        said["kind"],
        patients=said["patients"],
        identifiers=None if identifiers is None else [(system, value) for system, value in identifiers],
        ids=said["ids"],
        updated=[(comparison, datetime.fromisoformat(moment)) for comparison, moment in said["updated"]],
        cursor=said["cursor"],
        limit=said["limit"],
    )
