"""What the OpenAPI document says of Subscriptions."""

from __future__ import annotations

from fhir_mh.api.openapi import FHIR, Json, answer, fhir_body, in_header, in_path, in_query, operation

TAG = {"name": "subscriptions", "description": "What a client is told of, at an endpoint of its own."}
_ID = in_path("id", "The Subscription's id: one of this client's own.")
_PREFER = in_header("Prefer", "return=representation or return=minimal.")
_IF_MATCH = in_header("If-Match", 'The ETag of the version that was read, such as W/"3".')


def paths() -> Json:
    """The addresses, what they take and answer."""
    kept = ["ETag", "Last-Modified"]
    listed = {200: answer("A Bundle of type searchset", None, [], FHIR)}
    return {
        "/fhir/Subscription": {
            "post": operation(
                "create_subscription", "subscriptions", "Ask to be told", "By a search of R4 or a topic of the "
                "backport, over a rest-hook. It belongs to this client.", parameters=[_PREFER],
                body=fhir_body(["subscription"]), answers={201: answer("Kept", None, [*kept, "Location"], FHIR)},
                refusals="400 403 415 422"),
            "get": operation(
                "list_subscriptions", "subscriptions", "What this client is told of", "",
                parameters=[in_query("_id", "Ids, joined by commas."), in_query("status", "As active,error."),
                            in_query("url", "The endpoint.")], answers=listed, refusals="400")},
        "/fhir/Subscription/{id}": {
            "get": operation(
                "read_subscription", "subscriptions", "Read one", "Of its headers only the names.", parameters=[_ID],
                answers={200: answer("The Subscription", None, kept, FHIR)}, refusals="404"),
            "put": operation(
                "update_subscription", "subscriptions", "Change one", "Status off ends it, requested begins it anew. "
                "Headers that come as they were answered stay as they are.", parameters=[_ID, _IF_MATCH, _PREFER],
                body=fhir_body([]), answers={200: answer("The new version", None, kept, FHIR)},
                refusals="400 403 404 412 415 422"),
            "delete": operation(
                "delete_subscription", "subscriptions", "End one for good", "What waits is dropped.",
                parameters=[_ID], answers={204: {"description": "Nothing more is sent"}}, refusals="404")},
        **_operations(listed),
    }  # fmt: skip


def _operations(listed: dict[int, Json]) -> Json:
    """Of the backport. A POST takes the parameters as Parameters, or no body at all."""
    numbers = [
        in_query("eventsSinceNumber", "The first."), in_query("eventsUntilNumber", "The last."),
        in_query("content", "empty, id-only or full-resource; otherwise as it was subscribed to."),
    ]  # fmt: skip
    told = {200: answer("A Bundle of type history: the status, and the events", None, [], FHIR)}
    some = [in_query("id", "Ids, joined by commas."), in_query("status", "As active,error.")]
    return {
        "/fhir/Subscription/$status": {
            way: operation(f"subscription_statuses_{way}", "subscriptions", "How all that this client has stand", "",
                           parameters=some, answers=listed, refusals="400") for way in ("get", "post")},
        "/fhir/Subscription/{id}/$status": {
            way: operation(f"subscription_status_{way}", "subscriptions", "How one stands", "", parameters=[_ID],
                           answers=listed, refusals="400 404") for way in ("get", "post")},
        "/fhir/Subscription/{id}/$events": {
            way: operation(f"subscription_events_{way}", "subscriptions", "Events of a topic again", "At most 100. "
                           "Consent is decided anew.", parameters=[_ID, *numbers], answers=told,
                           refusals="400 404 422") for way in ("get", "post")},
    }  # fmt: skip
