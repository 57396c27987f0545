"""All that a search finds, page by page: by the time of the last change, and by the server's links within one second.

A link may count the resources before its page: where one of them is changed meanwhile, all after it move up by one,
and one is passed over. So the pages are ordered by meta.lastUpdated, and each next one begins in the second in which
the one before ended, for what is changed meanwhile moves to the end. Where one second fills a page, or a server does
not order by time, its links lead on, and what is found twice, in two versions, or a total that has become less, shows
that something has moved: then it is read anew. Servers are known that give no link however many match: `_offset`
leads on in its place, and each page repeats the last of the one before as a proof that nothing has moved. Where a
server does none of this, that is a fault: what was not found must not be taken for what is not there.
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
_FEW = 10  # a page shorter than this is the last, where the server counts no more, or gives no more when asked again
_AGAIN = 3  # how often the same is read anew because something has moved


class _Still:
    """Whether what is read by links stays where it is. followed: the links that led on."""

    def __init__(self) -> None:
        self.followed: set[str] = set()
        self._versions: dict[str, str] = {}
        self._total: int | None = None

    def has_moved(self, page: Body, found: Sequence[Body], link: str | None) -> bool:
        """Whether a further page shows that what was read before it has moved, so that some may be passed over."""
        total = page.get("total")
        told = isinstance(total, int) and not (link is not None and total <= len(found))  # it counts more than a page
        total = total if told else None
        known = self._versions
        moved = any(known.get(str(one.get("id")), version_of(one)) != version_of(one) for one in found)
        if self.followed and total is not None and self._total is not None:
            moved = moved or total < self._total
        known.update({str(one.get("id")): version_of(one) for one in found})
        if not self.followed:
            self._total = total
        return moved


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
        async for page in self._by_time(first) if next_link(first) is None else self._by_links(first):
            for one in page:
                if _named(one) not in self._seen:
                    self._seen.add(_named(one))
                    yield one

    async def _by_links(self, page: Body) -> AsyncIterator[list[Body]]:
        """By links, where they say how far it goes on; but by time as soon as a page ends later than it began."""
        since, still, again, ordered = self._since, _Still(), 0, True
        while True:
            found, link = _matches(page), next_link(page)
            ends = _ends(found) if ordered and found else None
            if still.has_moved(page, found, link):
                again += 1
                if again > _AGAIN:
                    raise _unknown()
                yield found
                still, page = _Still(), await self._ask(since, 0)
                continue
            yield found
            if link is None:
                return
            if ends is None:
                ordered = ordered and not found
            elif ends[1] > ends[0]:
                later = await self._ask(ends[1], 0)
                if _begins_at(later, ends[1]):
                    since, still, again, page = ends[1], _Still(), 0, later
                    continue
                ordered = False  # the server takes no notice of the time that it is asked for
            page = await self._linked(still, link)

    async def _linked(self, still: _Still, link: str) -> Body:
        if link in still.followed:
            raise _unknown()
        still.followed.add(link)
        self._spend()
        return await self._follow(link)

    async def _by_time(self, page: Body) -> AsyncIterator[list[Body]]:
        since, offset, anchor, again = self._since, 0, "", 0
        while True:
            found, total = _matches(page), page.get("total")
            more = isinstance(total, int) and total > offset + len(found)
            few, fresh = len(found) < _FEW, any(_named(one) not in self._seen for one in found)
            if few and not fresh and not more:
                return  # asked once more, for a server may give this few at once: it is all
            astray = offset > 0 and (not found or _key(found[0]) != anchor)
            if astray or (few and not fresh):
                again += 1
                if again > _AGAIN:
                    raise _unknown()
            if astray:
                offset = 0
            else:
                yield found
                ends = _ends(found)
                if few and total == offset + len(found):
                    return
                if ends is None or (since is not None and ends[0] < since):
                    if few and not more:
                        return
                    raise _unknown()  # the server takes no notice of what it is asked
                if ends[1] > ends[0]:
                    since, offset, again = ends[1], 0, 0
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


def _ends(found: Sequence[Body]) -> tuple[datetime, datetime] | None:
    """The seconds in which the first and the last of a page were changed; None where it is not in that order."""
    moments = [moment_of(updated_of(one)) for one in found]
    seconds = [one.replace(microsecond=0) for one in moments if one is not None]
    if len(seconds) != len(moments) or seconds != sorted(seconds):
        return None
    return seconds[0], seconds[-1]


def _begins_at(page: Body, since: datetime) -> bool:
    """Whether a page that was asked for from a second on begins there, and is in the order of time."""
    found = _matches(page)
    ends = _ends(found) if found else None
    return ends is not None and ends[0] >= since


def _second(instant: str) -> datetime:
    """The second of an instant: servers differ in how much finer than that they search."""
    moment = moment_of(instant)
    if moment is None:
        raise _unknown()
    return moment.replace(microsecond=0)


def _named(resource: Mapping[str, Any]) -> tuple[str, str]:
    return str(resource.get("id")), version_of(resource) or updated_of(resource)


def _key(resource: Mapping[str, Any]) -> str:
    return f"{resource.get('id')} {version_of(resource)}"


def _unknown() -> UpstreamUnavailable:
    return UpstreamUnavailable(issues=[issue("server-pages", "$")])
