"""A resource against FHIR R4 and its profiles."""

from __future__ import annotations

from fhir_mh.issue_codes.code import (
    DATATYPES,
    ELEMENTS,
    EXTENSIBILITY,
    JSON,
    PROFILING,
    R4,
    REFERENCES,
    RESOURCE,
    TERMINOLOGY,
    Code,
)

CODES: dict[str, Code] = {
    "validate-type-unknown": Code(
        "error",
        "structure",
        "{name} is not a resource type of FHIR R4.",
        "Give resourceType one of R4's types.",
        RESOURCE,
    ),
    "validate-element-unknown": Code(
        "error",
        "structure",
        "{name} is not an element of {type}.{guess}",
        "Remove it, or carry it as an extension.",
        JSON,
    ),
    "validate-type-not-allowed": Code(
        "error", "structure", "{name} takes {allowed} here, not {type}.", "Use one of the types allowed.", ELEMENTS
    ),
    "validate-required": Code(
        "error", "required", "{name} is missing{slice}.", "Add it: at least {min} needed.", ELEMENTS
    ),
    "validate-too-many": Code(
        "error",
        "structure",
        "{name} stands {count} times{slice}; at most {max} allowed.",
        "Remove what is too many.",
        ELEMENTS,
    ),
    "validate-not-a-list": Code(
        "error", "structure", "{name} repeats, so it is written as a list.", "Put [ ] around the value.", JSON
    ),
    "validate-not-repeating": Code(
        "error",
        "structure",
        "{name} does not repeat, so it is not written as a list.",
        "Give one value, without [ ].",
        JSON,
    ),
    "validate-not-an-object": Code(
        "error", "structure", "{name} is an object of type {type}.", "Write it as {{ ... }}.", JSON
    ),
    "validate-empty": Code(
        "error",
        "structure",
        "{name} is empty.",
        "Leave out what has no value: FHIR has no empty objects or lists.",
        JSON,
    ),
    "validate-null": Code(
        "error",
        "structure",
        "null stands here without an extension beside it.",
        "Remove it; null only keeps a place in a list.",
        JSON,
    ),
    "validate-primitive-siblings": Code(
        "error",
        "structure",
        "{name} and _{name} do not match: {problem}.",
        "Give both the same length, null where nothing is.",
        JSON,
    ),
    "validate-primitive": Code("error", "value", "A {type} {rule}.", "Correct the value.", DATATYPES),
    "validate-too-long": Code("error", "too-long", "{name} is longer than {max} characters.", "Shorten it.", ELEMENTS),
    "validate-out-of-range": Code(
        "error",
        "value",
        "The value lies outside the limits its definition sets.",
        "Give a value within them.",
        ELEMENTS,
    ),
    "validate-choice-twice": Code(
        "error", "structure", "{name} is given in more than one type.", "Keep one of them.", JSON
    ),
    "validate-fixed": Code(
        "error",
        "value",
        "{name} must be exactly {wanted}; it is {seen}.",
        "Use the value the profile fixes.",
        ELEMENTS,
    ),
    "validate-pattern": Code(
        "error",
        "value",
        "{name} must hold {wanted}; it is {seen}.",
        "Add what the profile's pattern asks for.",
        ELEMENTS,
    ),
    "validate-binding": Code(
        "error",
        "code-invalid",
        "{seen} is not in the value set {value_set} ({strength}).",
        "{mend}",
        TERMINOLOGY,
    ),
    "validate-code-missing": Code(
        "error",
        "code-invalid",
        "A code of the value set {value_set} is required here.",
        "Add a coding with a code.",
        TERMINOLOGY,
    ),
    "validate-code-unknown": Code(
        "error",
        "code-invalid",
        "{seen} is not a code of {system}.",
        "Use a code that the code system defines.",
        TERMINOLOGY,
    ),
    "validate-snomed-code": Code(
        "error",
        "code-invalid",
        "This is not a SNOMED CT identifier: its length or check digit is wrong.",
        "Correct the code: 6 to 18 digits, the last one a check digit.",
        TERMINOLOGY,
    ),
    "validate-invariant": Code("error", "invariant", "Rule {key}: {wrong}", "{mend}", ELEMENTS),
    "validate-narrative": Code(
        "error",
        "invariant",
        "The narrative is not acceptable: {problem}.",
        "Use a <div> of simple XHTML.",
        "https://hl7.org/fhir/R4/narrative.html",
    ),
    "validate-reference-type": Code(
        "error",
        "structure",
        "A reference to {seen} is not allowed; {allowed} expected.",
        "Point to a resource of that type.",
        REFERENCES,
    ),
    "validate-reference-form": Code(
        "error",
        "value",
        "This is not a reference: {rule}.",
        "Write Type/id, a full URL, urn:uuid:... or #id.",
        REFERENCES,
    ),
    "validate-reference-unresolved": Code(
        "error",
        "not-found",
        "This reference leads nowhere inside its own document.",
        "Include what it refers to{where}, or refer to it by Type/id or full URL.",
        REFERENCES,
    ),
    "validate-extension-part": Code(
        "error",
        "structure",
        "The extension {url} has no part {name}.",
        "Use one of its parts: {known}; a further extension is named by a full URL.",
        EXTENSIBILITY,
    ),
    "validate-extension-context": Code(
        "error",
        "structure",
        "The extension {url} is not meant for {element}.",
        "Move it to where its definition allows it.",
        EXTENSIBILITY,
    ),
    "validate-profile-none": Code(
        "error", "structure", "This follows none of the profiles {profiles}.", "Follow one of them.", PROFILING
    ),
    "validate-slice-none": Code(
        "error",
        "structure",
        "This {name} fits none of the slices {slices}: {reason}.",
        "Make it fit one slice, or remove it.",
        PROFILING,
    ),
    "validate-slice-order": Code(
        "error", "structure", "The slices of {name} are out of order.", "Put them in the profile's order.", PROFILING
    ),
    "validate-bundle-fullurl": Code(
        "error",
        "structure",
        "The fullUrl of this entry does not end in {expected}.",
        "Make fullUrl and the resource's type and id agree.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-bundle-fullurl-absolute": Code(
        "error",
        "structure",
        "fullUrl is not an absolute URL.",
        "Write urn:uuid:... or the whole http(s) URL.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-bundle-link": Code(
        "error",
        "structure",
        "The link {relation} {problem}.",
        "Keep one link of each relation; those that turn pages stand in search results and histories alone.",
        "https://hl7.org/fhir/R4/bundle.html",
    ),
    "validate-bundle-search-id": Code(
        "error",
        "required",
        "A resource in search results needs an id.",
        "Give it the id it has on the server.",
        "https://hl7.org/fhir/R4/bundle.html#searchset",
    ),
    "validate-bundle-twice": Code(
        "error",
        "duplicate",
        "This resource is in the document twice, in the same version.",
        "Keep one.",
        "https://hl7.org/fhir/R4/bundle.html#bundle-unique",
    ),
    "validate-attachment-size": Code(
        "error",
        "value",
        "size does not agree with the data: it holds {count} bytes.",
        "Give the size of the decoded data.",
        DATATYPES + "#Attachment",
    ),
    "validate-profile-type": Code(
        "error",
        "structure",
        "The profile {profile} is for {wanted}, not for {type}.",
        "Remove it, or name a fitting profile.",
        PROFILING,
    ),
    # what definitions must be, beyond their own shape
    "validate-definition-path": Code(
        "error",
        "value",
        "{path} is no element of {base}.",
        "Correct the path: a profile speaks of elements that its base has.",
        PROFILING,
    ),
    "validate-definition-widens": Code(
        "error",
        "business-rule",
        "A profile may only narrow its base: {what}.",
        "Leave it as the base has it, or narrow it.",
        PROFILING,
    ),
    "validate-definition-binding": Code(
        "error",
        "business-rule",
        "A value set is bound to an element of type {types}, which holds no codes.",
        "Remove the binding, or bind the element that holds the code.",
        TERMINOLOGY,
    ),
    "validate-definition-discriminator": Code(
        "error",
        "value",
        "The discriminator {path} leads to nothing within {element}.",
        "Name an element within it, or $this.",
        PROFILING + "#discriminator",
    ),
    "validate-definition-operation": Code(
        "error",
        "business-rule",
        "This profile and the parameter {name} do not agree: {what}.",
        "Make the profile and the parameter say the same.",
        R4 + "operationdefinition-definitions.html#OperationDefinition.inputProfile",
    ),
    "validate-definition-composite": Code(
        "error",
        "business-rule",
        "A composite search parameter has two components or more.",
        "Name its components, or give it another type.",
        R4 + "searchparameter.html",
    ),
    # what is odd, whatever a profile says
    "validate-vital-sign": Code(
        "error",
        "business-rule",
        "An observation of a vital sign carries its LOINC code, {asked}, beside any other code; it is missing here.",
        "Add a coding of http://loinc.org with that code.",
        R4 + "observation-vitalsigns.html",
    ),
    "validate-nhs-number": Code(
        "error",
        "value",
        "This is not an NHS number: it has ten digits, the last of which is a check digit.",
        "Correct the number; do not guess. Leave the identifier out where the number is not known.",
        "https://www.datadictionary.nhs.uk/attributes/nhs_number.html",
    ),
    "validate-ods-code": Code(
        "warning",
        "value",
        "This is not an ODS code: it has 3 to 12 capital letters and digits.",
        "Write the code as the Organisation Data Service does, or name the system that the value is from.",
        "https://digital.nhs.uk/services/organisation-data-service",
    ),
    "validate-legal-status": Code(
        "error",
        "business-rule",
        "In England's list 35 is guardianship under section 7; the words say a community treatment order.",
        "Say which of the two it is. England's list has no code for a community treatment order: give it in text, or "
        "in the mh-legal-status profile. (Code 35 of Wales's list is one.)",
        "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland",
    ),
    # what could not be checked is reported apart, and never counts as passed
    "validate-unchecked-profile": Code(
        "warning",
        "not-found",
        "Not checked: the profile {profile} is not at hand.",
        "Name the package that defines it.",
        PROFILING,
    ),
    "validate-unchecked-version": Code(
        "warning",
        "not-found",
        "Not checked: the version asked for, {asked}, is not at hand; {served} is, and was used.",
        "Name the package that has that version.",
        PROFILING,
    ),
    "validate-unchecked-extension": Code(
        "information",
        "not-found",
        "Not checked: the extension {url} is not at hand.",
        "Name the package that defines it.",
        EXTENSIBILITY,
    ),
    "validate-unchecked-binding": Code(
        "information",
        "not-supported",
        "Not checked: whether {seen} is in {value_set} ({strength}) cannot be told offline.",
        "Ask a terminology server where it matters.",
        TERMINOLOGY,
    ),
    "validate-unchecked-invariant": Code(
        "information",
        "not-supported",
        "Not checked: rule {key} could not be evaluated ({problem}).",
        "Check it by eye.",
        ELEMENTS,
    ),
    "validate-unchecked-context": Code(
        "information",
        "not-supported",
        "Not checked: whether the extension {url} may stand here ({context}) cannot be told.",
        "Check it by eye.",
        EXTENSIBILITY,
    ),
    "validate-unchecked-target": Code(
        "information",
        "not-supported",
        "Not checked: whether what this leads to follows {profile}, for it does not say so.",
        "Name the profile in its meta.profile, or check it by eye.",
        REFERENCES,
    ),
    "validate-unchecked-slice": Code(
        "information",
        "not-supported",
        "Not checked: the slices of {name} cannot be told apart here.",
        "Check them by eye.",
        PROFILING,
    ),
}
