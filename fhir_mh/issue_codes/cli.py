"""Commands that are asked for what is not there, or whose gateway does not answer."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "cli-unknown-code": Code("error", "not-found", "There is no such code.", "{hint}"),
    "cli-nhs-number": Code(
        "error",
        "security",
        "This may be an NHS number: arguments are seen by others on the machine and kept in histories.",
        "Give the id of the record; currency and placements take - too, with the NHS number on standard input.",
    ),
    "cli-no-gateway": Code(
        "error",
        "transient",
        "No gateway answers at {address} ({reason}).",
        "Start it with fhir-mh serve, or name the one that runs with --gateway.",
    ),
    "cli-not-a-gateway": Code(
        "error",
        "transient",
        "What answers at {address} is no gateway of fhir_mh: it said {status}.",
        "Name the gateway's own address with --gateway.",
    ),
    "cli-no-operator": Code(
        "error",
        "login",
        "None of these clients has the role {role} for this organisation.",
        'Add one with role = "{role}", or give its token with --token-file.',
    ),
    "cli-one-input": Code(
        "error",
        "invalid",
        "Standard input is read once: for the NHS number, or for the facts.",
        "Name the record by its id, or give the facts in a file.",
    ),
}
