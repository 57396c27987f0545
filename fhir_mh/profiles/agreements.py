"""What each party said to a plan, and to whom a copy of it was given."""

from __future__ import annotations

from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.mapping.codecs import DATETIME, INSTANT, INTEGER
from fhir_mh.mapping.nodes import Sub
from fhir_mh.profiles.elements import (
    code,
    concept,
    concepts,
    extension,
    first,
    first_ref,
    fixed,
    holds,
    local,
    one,
    part,
    ref,
    refs,
    row,
    stated,
    tree,
    words,
)
from fhir_mh.profiles.moments import exactly, not_exactly, roughly
from fhir_mh.profiles.plans import AUTHORS, SUBJECT
from fhir_mh.profiles.table import table

_SIGNATURE = tree(
    one("type", "consent", {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.7"}, always=True),
    row("signed_at", "when", INSTANT),
    ref("signed_by", "who", *AUTHORS),
)

AGREEMENT = table(
    "agreement",
    "Provenance",
    "agreements",
    "care-plan",
    "home",
    first_ref("plan", "target", "CarePlan"),
    (("recorded",), exactly("recorded_at")),
    (("_recorded",), not_exactly("recorded_at")),
    fixed("activity", {"coding": [local("provenance-activity", "agreement")]}),
    first("agent", "party", tree(ref("who", "who", *AUTHORS))),
    extension(
        "extension",
        "agreement",
        part("party", code("party", "valueCode", "person carer family advocate clinician other")),
        part("decision", code("decision", "valueCode", "agreed partly declined unable")),
        part("plan-version", row("plan_version", "valuePositiveInt", INTEGER)),
        part("agreed-on", (("valueDateTime",), roughly("recorded_at"))),
        part("reason", words("reason", "valueString")),
    ),
    extension("extension", "item", stated("valueIdentifier", {"system": ITEM_ID}, row("id", "value"))),
    first("signature", "signature", Sub("signature", _SIGNATURE)),
    match=holds({"activity": {"coding": [local("provenance-activity", "agreement")]}}),
    identified=False,
)

COPY_GIVEN = table(
    "copy-given",
    "Communication",
    "copies",
    "care-plan",
    "home",
    one("category", "copy", {"coding": [local("communication-kind", "copy-of-plan")]}, always=True),
    code("status", "status", "preparation in-progress not-done completed entered-in-error unknown"),
    SUBJECT,
    first_ref("plan", "about", "CarePlan"),
    refs("recipients", "recipient", "RelatedPerson", "Patient", "PractitionerRole", "Organization"),
    row("given", "sent", DATETIME),
    extension("extension", "plan-version", row("plan_version", "valuePositiveInt", INTEGER)),
    concepts("forms", "medium"),
    concept("reason", "statusReason"),
    match=holds({"category": [{"coding": [local("communication-kind", "copy-of-plan")]}]}),
)

TABLES = (AGREEMENT, COPY_GIVEN)
