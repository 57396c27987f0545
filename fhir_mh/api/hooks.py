"""Where partners' FHIR servers say that something has changed there: it wakes whoever asks them, and says no more."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.connectors.fhir_server.hooks import HEADER, PATH, secrets_of
from fhir_mh.errors import NotAuthenticated
from fhir_mh.gateway.partners import Directory
from fhir_mh.issues import issue

Woken = set[str]
"""The ODS codes of those who said that they have something new; whoever asks them takes them out."""


class HookRoutes:
    """R4's rest-hook without content: POST, or where a server sends the resource all the same PUT .../Type/id.

    A body is not read. Whoever does not say the secret of the Subscription is told nothing, not even whether there is
    such a partner.
    """

    def __init__(self, partners: Directory, own: str, woken: Woken) -> None:
        self.partners, self.own, self.woken = partners, own, woken

    def routes(self) -> list[Route]:
        """The routes, for the application."""
        return [
            Route(PATH + "/{ods}", self.take, methods=["POST"]),
            Route(PATH + "/{ods}/{kind}/{name}", self.take, methods=["PUT", "POST", "DELETE"]),
        ]

    async def take(self, request: Request) -> Response:
        """204; whatever was sent along is dropped. Raises NotAuthenticated."""
        ods, given = request.path_params["ods"], request.headers.get(HEADER, "").encode()
        partner = await self.partners.find(ods)
        connections = partner.usable if partner is not None and partner.kind == "fhir-server" else ()
        secrets = [secret for one in connections if (secret := secrets_of(one, self.own, ods)) is not None]
        if not any(hmac.compare_digest(secret.encode(), given) for secret in secrets):
            problem = "the secret of the Subscription is not said"
            raise NotAuthenticated(issues=[issue("sync-unsigned", HEADER, problem=problem)])
        self.woken.add(ods)
        return Response(status_code=204)
