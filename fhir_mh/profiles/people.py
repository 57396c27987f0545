"""The person and those around them, as UK Core Patient, RelatedPerson, PractitionerRole and their like."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION, FORMER_NHS_NUMBER, NHS_NUMBER, ODS_CODE, SDS_USER, UK_CORE
from fhir_mh.mapping.codecs import BOOLEAN, DATE, DATETIME, Codes
from fhir_mh.mapping.context import Context
from fhir_mh.mapping.nodes import Item, Sub
from fhir_mh.mapping.slices import Many, One, Slices
from fhir_mh.profiles.defaults import Default
from fhir_mh.profiles.elements import (
    Row,
    Stated,
    addresses,
    all_codings,
    code,
    concept,
    concept_key,
    concepts,
    extension,
    first,
    fixed,
    holds,
    identifiers,
    items,
    local,
    names,
    one,
    own_words,
    part,
    period,
    plain,
    ref,
    refs,
    row,
    stated,
    telecoms,
    tree,
    words,
)
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

_GENDER = "male female other unknown"
_VERIFIED = {
    "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
}
_INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
_COMMUNICATION_NEED = EXTENSION + "communication-need"

_TAGS = "urn:ietf:bcp:47"
_NO_TAG = {"system": _TAGS, "code": "und"}


def _lacks_tag(language: Item) -> bool:
    return all(coding.get("system") != _TAGS for coding in language.get("codings", ()))


class _Tagged(Slices):
    """The codes of a language. R4 asks for a tag also for a language that is known in words alone: `und`.

    Where it does not stand for all tags, it came as one of them, and is kept as a code like them.
    """

    def __init__(self) -> None:
        undetermined = Default(None, _NO_TAG, when=_lacks_tag)
        said = all_codings("codings")
        super().__init__([One("undetermined", lambda coding: coding == _NO_TAG, undetermined), said])
        self._as_said = Slices([said])

    def read(self, json: Any, into: Item, ctx: Context) -> Any:
        tags = list(filter(holds({"system": _TAGS}), json)) if isinstance(json, list) else []
        one_of_them = _NO_TAG in tags and len(tags) > 1
        return self._as_said.read(json, into, ctx) if one_of_them else super().read(json, into, ctx)


_LANGUAGE = tree(row("text", "text"), (("coding",), _Tagged()))

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_LABELS = {"N": "normal", "R": "restricted", "V": "very-restricted"}


def _is_label(coding: Any) -> bool:
    """Whether a security label is one of those that the record has words for."""
    said = coding.get("code") if holds({"system": _CONFIDENTIALITY})(coding) else None
    return isinstance(said, str) and said in _LABELS


_DEATH_NOTIFIED = {"1": "informal", "2": "formal", "U": "removed"}
_DEATH = tree(
    part(
        "deathNotificationStatus",
        one(
            "valueCodeableConcept.coding", "status",
            {"system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus"},
            row("status", "code", Codes(_DEATH_NOTIFIED)),
        ),
    ),
    part("systemEffectiveDate", row("effective_at", "valueDateTime", DATETIME)),
).children["extension"]  # fmt: skip


def _uk_core(name: str, *rows: Row) -> Row:
    return one("extension", name, {"url": f"{UK_CORE}Extension-UKCore-{name}"}, *rows)


PERSON = table(
    "patient", "Patient", "person", "demographics", "home",
    one(
        "identifier", "nhs-number", {"system": NHS_NUMBER},
        row("nhs_number", "value"),
        one(
            "extension", "verification", {"url": UK_CORE + "Extension-UKCore-NHSNumberVerificationStatus"},
            one("valueCodeableConcept.coding", "status", _VERIFIED, row("nhs_number_status", "code")),
        ),
        unless={"use": "old"},
    ),
    plain("former_nhs_numbers", "identifier", {"use": "old", "system": FORMER_NHS_NUMBER}, "value"),
    identifiers("identifiers"),
    (
        ("meta", "security"),
        One(
            "confidentiality", _is_label,
            Stated({"system": _CONFIDENTIALITY}, tree(row("confidentiality", "code", Codes(_LABELS)))),
        ),
    ),
    row("active", "active", BOOLEAN),
    names("names", "name"),
    code("gender", "gender", _GENDER),
    row("birth_date", "birthDate", DATE),
    _uk_core("EthnicCategory", concept("ethnicity", "valueCodeableConcept")),
    row("deceased", "deceasedBoolean", BOOLEAN),
    row("deceased_at", "deceasedDateTime", DATETIME),
    _uk_core("DeathNotificationStatus", (("extension",), Sub("death_notification", _DEATH))),
    addresses("addresses", "address"),
    telecoms("telecoms", "telecom"),
    (
        ("communication",),
        Many(
            "language", None, "languages", tree((("language",), _LANGUAGE), row("preferred", "preferred", BOOLEAN)),
            key=concept_key,
        ),
    ),
    one(
        "extension", "patient-interpreterRequired", {"url": _INTERPRETER},
        row("interpreter_required", "valueBoolean", BOOLEAN),
    ),
    (
        ("extension",),
        Many(
            "communication-need", holds({"url": _COMMUNICATION_NEED}), "communication_needs",
            tree(fixed("url", _COMMUNICATION_NEED), own_words("valueString")),
            key=lambda part: str(part.get("text")),
        ),
    ),
    refs("gp", "generalPractitioner", "Organization", "PractitionerRole"),
    ref("managing_organisation", "managingOrganization", "Organization"),
    extension("extension", "commissioner", ref("commissioner", "valueReference", "Organization")),
)  # fmt: skip

_ROLES = (
    "carer nearest-relative nominated-person independent-mental-health-advocate independent-mental-capacity-advocate "
    "advocate attorney deputy other"
)

CONTACT = table(
    "contact", "RelatedPerson", "contacts", "contacts", "home",
    (("patient",), Subject()),
    row("active", "active", BOOLEAN),
    names("names", "name"),
    concepts("relationships", "relationship"),
    items(
        "roles", "extension", "contact-role",
        part("kind", code("kind", "valueCode", _ROLES)),
        part("period", period("period", "valuePeriod")),
        part("basis", words("basis", "valueString")),
        part("organisation", ref("organisation", "valueReference", "Organization")),
        template={"url": EXTENSION + "contact-role"},
    ),
    telecoms("telecoms", "telecom"),
    addresses("addresses", "address"),
    code("gender", "gender", _GENDER),
    row("birth_date", "birthDate", DATE),
    period("period", "period"),
)  # fmt: skip

_SUPPORT_NEED: dict[str, Any] = {"coding": [local("flag-kind", "support-need")]}

SUPPORT_NEED = table(
    "support-need", "Flag", "support_needs", "support-needs", "home",
    one("category", "support-need", _SUPPORT_NEED, always=True),
    code("status", "status", "active inactive entered-in-error"),
    (("subject",), Subject()),
    one(
        "code.coding", "kind", {"system": CODE_SYSTEM + "support-need"},
        code("kind", "code", "reasonable-adjustment learning-disability autism"),
    ),
    words("description", "code.text"),
    extension("extension", "certainty", code("certainty", "valueCode", "confirmed suspected")),
    period("period", "period"),
    ref("recorded_by", "author", "PractitionerRole", "Organization"),
    match=holds({"category": [_SUPPORT_NEED]}),
)  # fmt: skip

PROFESSIONAL = table(
    "professional", "PractitionerRole", "professionals", "contacts", "home",
    row("active", "active", BOOLEAN),
    row("name", "practitioner.display"),
    stated("practitioner.identifier", {"system": SDS_USER}, row("user_id", "value")),
    ref("organisation", "organization", "Organization"),
    concepts("roles", "code"),
    telecoms("telecoms", "telecom"),
    period("period", "period"),
)  # fmt: skip

ORGANISATION = table(
    "organisation", "Organization", "organisations", "contacts", "home",
    one("identifier", "ods", {"system": ODS_CODE}, row("ods", "value")),
    row("name", "name"),
    row("active", "active", BOOLEAN),
    telecoms("telecoms", "telecom"),
)  # fmt: skip

SERVICE = table(
    "service", "HealthcareService", "services", "contacts", "home",
    row("active", "active", BOOLEAN),
    row("name", "name"),
    ref("provided_by", "providedBy", "Organization"),
    telecoms("telecoms", "telecom"),
    first("availableTime", "times", tree(row("all_day", "allDay", BOOLEAN))),
    row("availability", "availabilityExceptions"),
)  # fmt: skip

EPISODE = table(
    "episode", "EpisodeOfCare", "episodes", "contacts", "admitting",
    code("status", "status", "planned waitlist active onhold finished cancelled entered-in-error"),
    (("patient",), Subject()),
    ref("organisation", "managingOrganization", "Organization"),
    ref("lead", "careManager", "PractitionerRole", "Practitioner"),
    concepts("types", "type"),
    period("period", "period"),
)  # fmt: skip

TABLES = (PERSON, ORGANISATION, PROFESSIONAL, CONTACT, SUPPORT_NEED, SERVICE, EPISODE)
