"""A resource, a Bundle or a definition as a whole, and what could not be checked."""

from __future__ import annotations

from fhir_mh.issue_codes.code import ELEMENTS, EXTENSIBILITY, HTTP, PROFILING, R4, REFERENCES, TERMINOLOGY, Code

ANSWERS = R4 + "questionnaireresponse.html"

WHOLE: dict[str, Code] = {
    # a resource as a whole, and a Bundle
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
    "validate-bundle-request": Code(
        "error",
        "business-rule",
        "What this entry asks for cannot be done: {problem}.",
        "{mend}",
        HTTP + "#update",
    ),
    "validate-bundle-identity": Code(
        "error",
        "duplicate",
        "Another entry of this transaction changes or deletes the same resource.",
        "Keep one: a server refuses the whole transaction.",
        HTTP + "#trules",
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
    "validate-bundle-unreachable": Code(
        "error",
        "structure",
        "No chain of references links this entry of the document with its Composition.",
        "Refer to it, or leave it out.",
        R4 + "documents.html#content",
    ),
    "validate-id-twice": Code(
        "error",
        "duplicate",
        "Another element of this resource has the same id.",
        "Give each an id of its own.",
        ELEMENTS,
    ),
    "validate-contained-twice": Code(
        "error",
        "duplicate",
        "Another contained resource has the same id.",
        "Give each an id of its own, and refer to it by that.",
        REFERENCES + "#contained",
    ),
    "validate-profile-type": Code(
        "error",
        "structure",
        "The profile {profile} is for {wanted}, not for {type}.",
        "Remove it, or name a fitting profile.",
        PROFILING,
    ),
    "validate-more-found": Code(
        "information",
        "incomplete",
        "More findings like these ({code}) were made, here and further on; the first {most} are told.",
        "Mend those that are told, and check again.",
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
    "validate-definition-search": Code(
        "error",
        "business-rule",
        "The search parameter is of type {defined} by its definition; here it is {type}.",
        "Give it the type of its definition, or define another.",
        R4 + "capabilitystatement.html",
    ),
    # answers beside the questionnaire that asked for them
    "validate-answer-unknown": Code(
        "error",
        "structure",
        "The questionnaire asks for no item {link} here.",
        "Give the item the linkId, and the place, that the questionnaire has for it.",
        ANSWERS,
    ),
    "validate-answer-missing": Code(
        "error",
        "required",
        "The item {link} must be answered, and is not.",
        "Answer it; a response that is not finished is in-progress.",
        ANSWERS,
    ),
    "validate-answer-count": Code(
        "error",
        "structure",
        "The item {link} has {count}; {asked} may be given.",
        "Give as many as the questionnaire asks for, all in one item.",
        ANSWERS,
    ),
    "validate-answer-place": Code(
        "error",
        "structure",
        "The item {link} is of type {kind}, which takes no answers.",
        "Answer the questions within it.",
        ANSWERS,
    ),
    "validate-answer-disabled": Code(
        "warning",
        "business-rule",
        "The item {link} is not asked for, by the answers that it depends on.",
        "Leave it out, or correct those answers.",
        ANSWERS,
    ),
    "validate-answer-type": Code(
        "error",
        "structure",
        "The item {link} is answered by {seen}; it takes {wanted}.",
        "Give an answer of that type.",
        ANSWERS,
    ),
    "validate-answer-option": Code(
        "error",
        "code-invalid",
        "The item {link} has options, and this answer {what}.",
        "Give one of the options.",
        ANSWERS,
    ),
    "validate-answer-limit": Code(
        "error", "value", "The answer to the item {link} does not keep {limit}.", "Keep to what is asked.", ANSWERS
    ),
    # what is odd or missing, whatever form it has
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
    "validate-obligation": Code(
        "information",
        "informational",
        "The profile obliges {actor} to give {name} ({what}); it is not there.",
        "Give it, unless there is nothing to give.",
        "https://hl7.org/fhir/extensions/obligations.html",
    ),
    # what could not be checked is reported apart, and never counts as passed
    "validate-unchecked-profile": Code(
        "warning",
        "not-found",
        "Not checked: the profile {profile} is not at hand.",
        "Name the package that defines it.",
        PROFILING,
    ),
    "validate-unchecked-questionnaire": Code(
        "information",
        "not-found",
        "Not checked: the questionnaire {questionnaire} is not at hand, so no answer was compared with it.",
        "Name the package that has it, or contain it.",
        ANSWERS,
    ),
    "validate-unchecked-answer": Code(
        "information",
        "not-supported",
        "Not checked: whether the answer to the item {link} is in {value_set} cannot be told offline.",
        "Ask a terminology server where it matters.",
        ANSWERS,
    ),
    "validate-unchecked-part": Code(
        "information", "not-supported", "Not checked: {what}.", "Check it by other means where it matters."
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
