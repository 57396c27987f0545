"""The person and those around them, as UK Core Patient, RelatedPerson, PractitionerRole and their like."""

from __future__ import annotations

from fhir_mh.fhir.urls import EXTENSION, FORMER_NHS_NUMBER, NHS_NUMBER, ODS_CODE, SDS_USER, UK_CORE
from fhir_mh.mapping.codecs import BOOLEAN, DATE, DATETIME
from fhir_mh.mapping.nodes import Item, Many, One
from fhir_mh.profiles.defaults import Default
from fhir_mh.profiles.elements import (
    addresses,
    code,
    codings,
    concept_key,
    concepts,
    first,
    fixed,
    holds,
    identifiers,
    names,
    one,
    own_words,
    period,
    plain,
    ref,
    refs,
    row,
    stated,
    telecoms,
    tree,
)
from fhir_mh.profiles.reference import Subject
from fhir_mh.profiles.table import table

_GENDER = "male female other unknown"
_VERIFIED = {
    "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
}
_COMMUNICATION_NEED = EXTENSION + "communication-need"

_TAGS = "urn:ietf:bcp:47"
_NO_TAG = {"system": _TAGS, "code": "und"}


def _lacks_tag(language: Item) -> bool:
    return all(coding.get("system") != _TAGS for coding in language.get("codings", ()))


# R4 asks for a tag also for a language that is known in words alone.
_LANGUAGE = tree(
    row("text", "text"),
    (("coding",), One("undetermined", lambda coding: coding == _NO_TAG, Default(None, _NO_TAG, when=_lacks_tag))),
    codings("codings", "coding"),
)

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
    row("active", "active", BOOLEAN),
    names("names", "name"),
    code("gender", "gender", _GENDER),
    row("birth_date", "birthDate", DATE),
    row("deceased", "deceasedBoolean", BOOLEAN),
    row("deceased_at", "deceasedDateTime", DATETIME),
    addresses("addresses", "address"),
    telecoms("telecoms", "telecom"),
    (("communication",), Many("language", None, "languages", tree((("language",), _LANGUAGE)), key=concept_key)),
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
)  # fmt: skip

CONTACT = table(
    "contact", "RelatedPerson", "contacts", "contacts", "home",
    (("patient",), Subject()),
    row("active", "active", BOOLEAN),
    names("names", "name"),
    concepts("relationships", "relationship"),
    telecoms("telecoms", "telecom"),
    addresses("addresses", "address"),
    code("gender", "gender", _GENDER),
    row("birth_date", "birthDate", DATE),
    period("period", "period"),
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

TABLES = (PERSON, ORGANISATION, PROFESSIONAL, CONTACT, SERVICE, EPISODE)
