"""What the gateway was told by file, environment and arguments."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "config-file-missing": Code(
        "fatal", "not-found", "The configuration file cannot be read: {problem}.", "Name a file that can be read."
    ),
    "config-unreadable": Code(
        "fatal",
        "structure",
        "The configuration file is not TOML: {problem}.",
        "Correct it at this place.",
        "https://toml.io/en/v1.0.0",
    ),
    "config-unknown-key": Code("error", "not-supported", "There is no setting '{name}'.", "{hint}"),
    "config-missing": Code("error", "required", "The setting '{name}' is missing.", "Add it. {hint}"),
    "config-invalid": Code("error", "value", "This setting does not fit: {problem}.", "{hint}"),
    "config-duplicate": Code("error", "duplicate", "{what} stands twice.", "Give each its own."),
    "config-ods-needed": Code(
        "error",
        "required",
        "An organisation that others can reach, or that has partners, needs its own ODS code.",
        "Set ods to the code of your organisation.",
    ),
    "config-client-needed": Code(
        "error",
        "security",
        "Other machines could reach this gateway, and no client is named that may use it.",
        "Add [[clients]] with a token, or listen on 127.0.0.1.",
    ),
    "config-secret-needed": Code(
        "error",
        "security",
        "Without a shared secret this partner cannot be told from anybody else.",
        "Agree on a secret with the partner and set secret or secret_file; only on one machine may it be left out.",
    ),
    "config-token-needed": Code(
        "error",
        "security",
        "Without a token this FHIR server cannot tell who writes people's plans to it.",
        "Have whoever runs it issue a token, and set token or token_file; only on one machine may it be left out.",
    ),
    "config-other-kind": Code(
        "error",
        "not-supported",
        "'{name}' says nothing to a connection of the kind {kind}.",
        "Take it out; or set kind to {other}, if that is what answers there.",
    ),
    "config-mixed-kinds": Code(
        "error",
        "business-rule",
        "The connections of one partner are of different kinds.",
        "All lead to the same place, and are of one kind: keep those of one.",
    ),
    "config-secret-weak": Code(
        "error", "security", "This secret is shorter than {length} characters.", "Make a longer one, at random."
    ),
    "config-secret-file": Code(
        "error",
        "not-found",
        "The file that holds this secret cannot be read; it was looked for {where}.",
        "Name a file that can be read.",
    ),
    "config-role-near": Code(
        "warning",
        "value",
        "This role opens nothing, and is nearly '{meant}'.",
        "If {meant} is meant, correct it; a role of your own may be called otherwise.",
    ),
    "config-insecure-url": Code(
        "error",
        "security",
        "People's plans would cross the network unencrypted.",
        "Use an https:// address; http:// is for this machine only.",
    ),
}
