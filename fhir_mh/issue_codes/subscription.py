"""Subscriptions of clients: what may be asked for, and why a notification was not taken."""

from __future__ import annotations

from fhir_mh.issue_codes.code import R4, Code

_R4 = R4 + "subscription.html"
_BACKPORT = "https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/"
_OURS = "It is in `endpoints` of this client in [[clients]] of the gateway's settings that addresses are allowed."

CODES: dict[str, Code] = {
    "subscription-no-endpoints": Code(
        "error",
        "forbidden",
        "This client may not be notified: the gateway's settings give it no name and no endpoints.",
        _OURS,
    ),
    "subscription-endpoint": Code(
        "error", "forbidden", "This address is not one at which this client may be notified.", _OURS
    ),
    "subscription-channel": Code(
        "error",
        "not-supported",
        "{problem}.",
        "Send a channel of type rest-hook, with an endpoint that is an https:// address without a query.",
        _R4 + "#channels",
    ),
    "subscription-payload": Code("error", "not-supported", "{problem}.", "{fix}", _BACKPORT + "payloads.html"),
    "subscription-header": Code(
        "error",
        "value",
        "{problem}.",
        "Send each header as Name: value. One that is answered masked may come back so, and then stays as it is.",
        _R4,
    ),
    "subscription-setting": Code(
        "error", "value", "{problem}.", "{fix}", _BACKPORT + "StructureDefinition-backport-subscription.html"
    ),
    "subscription-criteria": Code("error", "not-supported", "These criteria do not fit: {problem}.", "{fix}", _R4),
    "subscription-topic": Code(
        "error",
        "not-supported",
        "There is no topic of this address.",
        "Use one of those that GET /fhir/metadata lists.{guess}",
        _BACKPORT + "components.html",
    ),
    "subscription-status": Code(
        "error",
        "business-rule",
        "This status is the gateway's to give.",
        "Send {expected}.",
        _R4,
    ),
    "subscription-end": Code(
        "error", "business-rule", "Its end has passed already.", "Leave end out, or name a time to come.", _R4
    ),
    "subscription-too-many": Code(
        "error",
        "too-costly",
        "This client has {most} Subscriptions, and may have no more.",
        "Delete those that are off, or ask for more in one: a search without a patient is about everybody.",
    ),
    "subscription-not-found": Code(
        "error",
        "not-found",
        "This client has no Subscription of this id.",
        "List them with GET /fhir/Subscription: each belongs to the client that made it.",
    ),
    "subscription-no-numbers": Code(
        "error",
        "not-supported",
        "Only events of a topic have numbers.",
        "Subscribe to a topic, or search by _lastUpdated for what was missed.",
        _BACKPORT + "OperationDefinition-backport-subscription-events.html",
    ),
    "subscription-unreachable": Code(
        "error", "transient", "The endpoint does not answer.", "Nothing: it is tried until it answers."
    ),
    "subscription-answer": Code(
        "error",
        "transient",
        "The endpoint answers with another status than 2xx.",
        "Answer 2xx once the notification is stored; it is tried until then.",
    ),
    "subscription-redirect": Code(
        "error",
        "transient",
        "The endpoint answers with a redirect, which is not followed.",
        "Change the endpoint to where it leads, if that is allowed to this client.",
    ),
    "subscription-failed": Code(
        "error",
        "transient",
        "The notification could not be made, or its endpoint is no longer allowed to this client.",
        "Look at the endpoints of this client in the settings, and at the gateway's log.",
    ),
}
