"""All that a search finds, page by page: by the server's links, else by the time of the last change.

Servers are known that give no `next` link however many match. There the pages are ordered by meta.lastUpdated, and
each next one begins in the second in which the one before ended, for what is changed meanwhile moves to the end. Where
one second fills a page, `_offset` leads on within it, and each page repeats the last of the one before as a proof that
nothing has moved. Where a server does neither, that is a fault: what was not found must not be taken for what is not
there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fhir_mh.clock import moment_of
from fhir_mh.connectors.fhir_server.answers import entries_of, updated_of, version_of
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.issues import issue

Body = dict[str, Any]
Query = Sequence[tuple[str, str]]
_COUNT = 100  # asked for on one page
_FEW = 10  # a page shorter than this is the last: no server is known whose pages are so short
_AGAIN = 3  # how often one second is read anew because something has moved


class Search:
    """One search. page: asks; follow: the page of a link. pages: how many there may be at most."""

    def __init__(
        self,
        page: Callable[[Query], Awaitable[Body]],
        follow: Callable[[str], Awaitable[Body]],
        query: Query,
        since: str | None,
        pages: int,
    ) -> None:
        self._page, self._follow, self._query, self._left = page, follow, query, pages
        self._since = None if since is None else _second(since)
        self._seen: set[tuple[str, str]] = set()

    async def found(self) -> AsyncIterator[Body]:
        """Every resource, each version once. Raises UpstreamUnavailable (server-pages) where some may be missing."""
        first = await self._ask(self._since, 0)
        pages = self._by_time(first) if next_link(first) is None else self._by_links(first)
        async for page in pages:
            for one in page:
                key = (str(one.get("id")), version_of(one) or updated_of(one))
                if key not in self._seen:
                    self._seen.add(key)
                    yield one

    async def _by_links(self, page: Body) -> AsyncIterator[list[Body]]:
        followed: set[str] = set()
        while True:
            yield _matches(page)
            link = next_link(page)
            if link is None:
                return
            if link in followed:
                raise _unknown()
            followed.add(link)
            self._spend()
            page = await self._follow(link)

    async def _by_time(self, page: Body) -> AsyncIterator[list[Body]]:
        since, offset, anchor, again = self._since, 0, "", 0
        while True:
            found = _matches(page)
            if offset and (not found or _key(found[0]) != anchor):
                again += 1
                if again > _AGAIN:
                    raise _unknown()
                offset = 0
            else:
                yield found
                if len(found) < _FEW or page.get("total") == offset + len(found):
                    return
                first, last = _ends(found)
                if since is not None and first < since:
                    raise _unknown()  # the server takes no notice of what it is asked
                if last > first:
                    since, offset, again = last, 0, 0
                else:
                    offset, anchor = offset + len(found) - 1, _key(found[-1])
            page = await self._ask(since, offset)

    async def _ask(self, since: datetime | None, offset: int) -> Body:
        self._spend()
        beside = [("_sort", "_lastUpdated"), ("_count", str(_COUNT))]
        if since is not None:
            beside.append(("_lastUpdated", f"ge{since.isoformat().replace('+00:00', 'Z')}"))
        if offset:
            beside.append(("_offset", str(offset)))
        return await self._page([*self._query, *beside])

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _unknown()


def next_link(bundle: Mapping[str, Any]) -> str | None:
    """Where a Bundle says that it goes on."""
    listed = bundle.get("link")
    for link in listed if isinstance(listed, list) else ():
        if isinstance(link, dict) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def _matches(bundle: Mapping[str, Any]) -> list[Body]:
    """What was asked for, without what is included or said beside it."""
    return list(_matching(bundle))


def _matching(bundle: Mapping[str, Any]) -> Iterator[Body]:
    for entry in entries_of(bundle):
        search, resource = entry.get("search"), entry.get("resource")
        mode = search.get("mode", "match") if isinstance(search, dict) else "match"
        if mode == "match" and isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome":
            yield resource


def _ends(found: Sequence[Body]) -> tuple[datetime, datetime]:
    """The seconds in which the first and the last of a page were changed, where the page is in that order."""
    seconds = [_second(updated_of(one)) for one in found]
    if seconds != sorted(seconds):
        raise _unknown()
    return seconds[0], seconds[-1]


def _second(instant: str) -> datetime:
    """The second of an instant: servers differ in how much finer than that they search."""
    moment = moment_of(instant)
    if moment is None:
        raise _unknown()
    return moment.replace(microsecond=0)


def _key(resource: Mapping[str, Any]) -> str:
    return f"{resource.get('id')} {version_of(resource)}"


def _unknown() -> UpstreamUnavailable:
    return UpstreamUnavailable(issues=[issue("server-pages", "$")])
