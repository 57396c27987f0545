"""Partners: how they are kept, and what is wrong with a connection to one."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "partner-known": Code(
        "error",
        "duplicate",
        "This ODS code is that of a partner already, or of this gateway itself.",
        "Change the partner with PUT, or correct the code.",
    ),
    "partner-in-file": Code(
        "error",
        "conflict",
        "This partner stands in the gateway's settings file and is not changed here.",
        "Change [[partners]] in the file and start the gateway again, or take it out there first.",
    ),
    "partner-other-code": Code(
        "error",
        "value",
        "The ODS code is not that of the address; a partner keeps its code.",
        "Write the same code, or add the other organisation as a partner of its own.",
    ),
    "partner-secret-told": Code(
        "error",
        "security",
        "A secret is not taken here, and this one is known to more than it should be by now.",
        "Agree on a new one, put it into a file in the gateway's folder of secrets, and name that as secret_file.",
    ),
    "partner-no-folder": Code(
        "error",
        "required",
        "The gateway has no folder of secrets to look into.",
        "Set secrets in its settings to a folder that only the gateway can read, and start it again.",
    ),
    "partner-off": Code(
        "error",
        "suppressed",
        "The connection is off: nothing is sent over it and nothing taken.",
        "Set on = true, or leave on out, once it is to be used.",
    ),
    "partner-unresolved": Code(
        "error",
        "not-found",
        "The name in this address is not known to this machine.",
        "Correct it, or ask who runs DNS.",
    ),
    "partner-unreachable": Code(
        "error",
        "transient",
        "Nobody answers at this address ({reason}).",
        "See whether the address and its port are right, the partner's gateway runs, and no firewall stands between.",
    ),
    "partner-certificate": Code(
        "error",
        "security",
        "The certificate at this address does not prove whose it is: {problem}.",
        "The partner renews it, or this machine is told to trust the authority that signed it (SSL_CERT_FILE).",
    ),
    "partner-certificate-ends": Code(
        "warning",
        "expired",
        "The certificate at this address ends in {days} days, on {date}.",
        "Tell the partner, so that it is renewed before.",
    ),
    "partner-not-a-gateway": Code(
        "error",
        "not-supported",
        "What answers at this address is no gateway of fhir_mh, or is out of order: it said {status}.",
        "Correct base_url: it is the gateway's own address, without /sync.",
    ),
    "partner-other-organisation": Code(
        "error",
        "business-rule",
        "The gateway at this address is not that of {ods}.",
        "Correct the ODS code or the address; the other side does the same.",
    ),
    "partner-clock": Code(
        "error",
        "business-rule",
        "The two clocks are {apart} apart; from five minutes on nothing is accepted.",
        "Have both machines set their clocks by NTP.",
    ),
    "partner-not-known-there": Code(
        "error",
        "login",
        "The partner's gateway does not know {ods} as a partner, or has no secret for it.",
        "There, this organisation is added as a partner, with the secret of this pair.",
    ),
    "partner-secret": Code(
        "error",
        "login",
        "The partner's gateway does not accept the secret with which {ods} signs.",
        "See whether both sides hold the same secret and the right ODS codes; agree on a new one if in doubt.",
    ),
    "partner-older-secret": Code(
        "warning",
        "expired",
        "The partner does not know the new secret yet; the previous one counts until {until}.",
        "Have the partner take the new one before then.",
    ),
    "partner-protocol": Code(
        "error",
        "not-supported",
        "The partner's gateway does not speak version {protocol} of the protocol.",
        "One of the two is brought to a release that speaks the other's version.",
    ),
    "partner-cannot-be-asked": Code(
        "information",
        "not-supported",
        "The partner's gateway is of an earlier release and cannot be asked this.",
        "Nothing: messages are exchanged all the same.",
    ),
    "partner-format": Code(
        "error",
        "not-supported",
        "The partner's gateway does not take {format}.",
        "Set formats of this connection to what it takes.",
    ),
    "partner-dry-run": Code(
        "error",
        "processing",
        "The partner's gateway would set aside the plan of a made-up person: {codes}.",
        "Compare the releases of both gateways, and look these codes up with fhir-mh explain.",
    ),
    "partner-not-a-server": Code(
        "error",
        "not-supported",
        "What answers at this address is no FHIR server, or is out of order ({reason}).",
        "Correct base_url: it is the server's base, under which it answers /metadata.",
    ),
    "partner-fhir-version": Code(
        "error",
        "not-supported",
        "The server at this address does not speak FHIR R4.",
        "Give the address under which it speaks R4 (4.0.1).",
        "https://hl7.org/fhir/R4/versioning.html",
    ),
    "partner-search": Code(
        "error",
        "not-supported",
        "The server does not find a resource by its identifier alone, by POST ({reason}).",
        "Have whoever runs it turn on POST CarePlan/_search with identifier; without it things would be made twice.",
        "https://hl7.org/fhir/R4/search.html",
    ),
    "partner-no-transaction": Code(
        "error",
        "not-supported",
        "The server does not say that it takes transactions, and a plan is written whole or not at all.",
        "Have whoever runs it turn them on.",
        "https://hl7.org/fhir/R4/http.html#transaction",
    ),
    "partner-no-history": Code(
        "warning",
        "not-supported",
        "The server keeps no versions: what is written over in the moment between reading and writing is lost.",
        "Have whoever runs it turn on the history of each resource.",
        "https://hl7.org/fhir/R4/http.html#history",
    ),
    "partner-would-refuse": Code(
        "warning",
        "processing",
        "The server finds fault with what would be sent to it: {types}.",
        "Have whoever runs it look at its own profiles; what it refuses halts the person's lane.",
        "https://hl7.org/fhir/R4/resource-operation-validate.html",
    ),
}
