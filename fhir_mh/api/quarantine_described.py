"""What the OpenAPI document says of /quarantine."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_path, in_query, operation, request_body

TAG = {"name": "quarantine", "description": "What partners sent and was set aside, for people to look at."}
_ID = in_path("id", "As the list shows it.")


def paths() -> Json:
    """The addresses, what they take and answer."""
    line = "Who sent it, when, and the code and place of what speaks against it"
    return {
        "/quarantine": {"get": operation(
            "list_quarantine", "quarantine", "What was set aside", "For operators, and clients in the role quarantine. "
            "Nothing of what the messages say. The oldest first, at most 200; `next` of the answer is the `after` of "
            "what follows, null where nothing does.",
            parameters=[in_query("state", "held (unless said otherwise), replayed, discarded or sealed."),
                        in_query("partner", "Only what this ODS code sent."),
                        in_query("after", "Only what came after this one: its id.")],
            answers={200: answer(line, None)}, refusals="400 403 404 422")},
        "/quarantine/replay": {"post": operation(
            "replay_quarantine", "quarantine", "Try everything again that is held", "The oldest first.",
            body=request_body("RetryHeld", ["retry-held"]), answers={200: answer("What came of each", None)},
            refusals="403 415 422")},
        "/quarantine/{id}": {"get": operation(
            "get_quarantined", "quarantine", "Read one whole", "For clients in the role quarantine: the message as it "
            "came, and where its Bundle can be read, the same in plain words.", parameters=[_ID],
            answers={200: answer("The message, every finding, and what became of it", None)}, refusals="403 404")},
        "/quarantine/{id}/replay": {"post": operation(
            "replay_quarantined", "quarantine", "Try one again", "It is received as if it had just come. What fails "
            "again stays held, with the new reason.", parameters=[_ID],
            answers={200: answer("What came of it", None)}, refusals="403 404")},
        "/quarantine/{id}/discard": {"post": operation(
            "discard_quarantined", "quarantine", "Throw one out", "For clients in the role quarantine, with a reason. "
            "The text is kept.", parameters=[_ID], body=request_body("Reason", ["discard"]),
            answers={200: answer(line, None)}, refusals="403 404 415 422")},
    }  # fmt: skip


def schemas() -> Json:
    """The bodies."""
    text = {"type": "string"}
    return {
        "RetryHeld": {"type": "object", "properties": {"partner": text}},
        "Reason": {"type": "object", "properties": {"reason": text}, "required": ["reason"]},
    }
