"""Who may come in, and as whom: hosts, origins, tokens."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from fhir_mh.api.faults import Refused
from fhir_mh.consent import AccessContext
from fhir_mh.errors import NotAuthenticated
from fhir_mh.issues import issue
from fhir_mh.partner import is_loopback
from fhir_mh.settings import Settings

_HOST = re.compile(r"^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$")


class Door:
    """Decides for each request who is asking.

    Without clients in the settings, which they allow on loopback only, whoever asks is the organisation itself; then
    only loopback's own names are taken as Host (against DNS rebinding) and no web page of another origin.
    """

    def __init__(self, settings: Settings) -> None:
        self._clients = [
            (
                sha256(client.token.get_secret_value().encode()).digest(),
                AccessContext(client.organisation, client.role, client.purpose, client.name),
            )
            for client in settings.clients
        ]
        self._own = AccessContext(settings.ods)
        self._listening_on = settings.host

    @property
    def open(self) -> bool:
        """Whether nobody needs a token."""
        return not self._clients

    def let_in(self, headers: Headers) -> None:
        """Raises Refused for a Host or an Origin that has no business here."""
        host = headers.get("host", "")
        if not _HOST.match(host) or (self.open and not self._is_here(_name_of(host))):
            raise Refused(421, issue("rest-host", "http.host"))
        origin = headers.get("origin")
        if self.open and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refused(403, issue("rest-origin", "http.origin"))

    def _is_here(self, name: str) -> bool:
        return name == self._listening_on or is_loopback(name)

    def context(self, connection: HTTPConnection) -> AccessContext:
        """Who asks. Raises NotAuthenticated without the token of a client, where there are clients."""
        if not self._clients:
            return self._own
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        given = sha256(token.strip().encode()).digest()
        found = None
        for digest, context in self._clients:  # all of them, whichever fits: time must not tell
            if hmac.compare_digest(digest, given):
                found = context
        if found is None or scheme.lower() != "bearer":
            raise NotAuthenticated(issues=[issue("rest-token", "http.authorization")])
        return found


def _name_of(host: str) -> str:
    return host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
