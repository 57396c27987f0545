"""What the OpenAPI document says of /persons/merges."""

from __future__ import annotations

from fhir_mh.api.openapi import Json, answer, in_path, operation, request_body

TAG = {"name": "merges", "description": "Two persons who are one: for clients in the role merges."}
_ID = in_path("id", "As the list shows it.")


def paths() -> Json:
    """The addresses, what they take and answer."""
    return {
        "/persons/merges": {
            "get": operation(
                "list_merges", "merges", "The merges that were asked for", "Who asked, approved and undid, and when.",
                answers={200: answer("The oldest first", None)}, refusals="403"),
            "post": operation(
                "ask_for_merge", "merges", "Ask for a merge", "The record `kept` stays in use, `superseded` leads "
                "to it. It is made once another client approves.", body=request_body("AskForMerge", ["ask-for-merge"]),
                answers={201: answer("The merge, asked for", None)}, refusals="403 404 409 415 422"),
        },
        "/persons/merges/preview": {"post": operation(
            "preview_merge", "merges", "See what would come of a merge", "How much is held of each side, what speaks "
            "against it, and which rows of the person would become conflicts; nothing that a record says.",
            body=request_body("PreviewMerge", ["preview-merge"]),
            answers={200: answer("Counts and places", None)}, refusals="403 404 409 415 422")},
        "/persons/merges/{id}": {"get": operation(
            "get_merge", "merges", "Read a merge", "While it is in force, with each entry that was written since and "
            "the answers it can be given when the merge is undone.", parameters=[_ID],
            answers={200: answer("The merge", None)}, refusals="403 404")},
        "/persons/merges/{id}/approvals": {"post": operation(
            "approve_merge", "merges", "Approve of a merge", "By another client than the one who asked, within a day: "
            "it is made.", parameters=[_ID], body=request_body("Approval", ["approve"]),
            answers={200: answer("The merge, in force", None)}, refusals="403 404 409 415 422")},
        "/persons/merges/{id}/undoing": {"post": operation(
            "undo_merge", "merges", "Undo a merge", "The persons are parted. Of each entry that was written since, "
            "`answers` says whether it stays with its side, is the other person's, or is held apart.", parameters=[_ID],
            body=request_body("UndoMerge", ["undo-merge"]),
            answers={200: answer("The merge, undone, and how many entries went where", None)},
            refusals="403 404 409 415 422")},
    }  # fmt: skip


def schemas() -> Json:
    """The bodies."""
    text = {"type": "string"}
    both = {"kept": {**text, "description": "id of the record that stays in use"}, "superseded": text}
    one = {"list": text, "id": text, "whose": {**text, "enum": ["stays", "other", "apart"]}}
    answers = {"type": "array", "items": {"type": "object", "properties": one, "required": list(one)}}
    return {
        "PreviewMerge": {"type": "object", "properties": both, "required": list(both)},
        "AskForMerge": {"type": "object", "properties": {**both, "reason": text}, "required": [*both, "reason"]},
        "UndoMerge": {"type": "object", "properties": {"reason": text, "answers": answers}, "required": ["reason"]},
    }
