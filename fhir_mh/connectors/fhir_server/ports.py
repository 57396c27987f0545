"""What sending needs of the gateway, and reading of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from fhir_mh.connectors.fhir_server.answers import Version
from fhir_mh.connectors.fhir_server.found import Found
from fhir_mh.connectors.fhir_server.naming import Body
from fhir_mh.exchange.messages import Message
from fhir_mh.issues import Issue


class Home(Protocol):
    """The gateway as the transport to one partner's server sees it."""

    async def take_in(self, found: Found) -> bool:
        """Receive what somebody there has changed in copies of ours, as if it had been polled; whether all was."""

    async def may_go(self, message: Message) -> bool:
        """Whether a message that was composed for the partner may be sent still: consent is decided anew."""

    async def deleted(self, kind: str, there: str) -> None:
        """Tell people that somebody there has deleted a copy of ours, by its id there."""

    def contradiction(self, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Issue | None:
        """Why two Patients cannot be one person; None where they can."""


class Server(Protocol):
    """A server as it is read: FhirClient. present: the server's own time at its last answer, where it said one."""

    @property
    def present(self) -> datetime | None: ...

    async def capability(self) -> Body: ...

    async def read(self, kind: str, name: str) -> Body | None: ...

    def search(
        self, kind: str, query: Sequence[tuple[str, str]], *, since: str | None = None
    ) -> AsyncIterator[Body]: ...

    def history(self, kind: str, name: str | None = None, *, since: str | None = None) -> AsyncIterator[Version]: ...
