"""A resource against FHIR R4 and its profiles: what each element must be, and in validate_whole.py the rest."""

from __future__ import annotations

from fhir_mh.issue_codes.code import (
    DATATYPES,
    ELEMENTS,
    EXTENSIBILITY,
    JSON,
    PROFILING,
    REFERENCES,
    RESOURCE,
    TERMINOLOGY,
    Code,
)
from fhir_mh.issue_codes.validate_whole import WHOLE

CODES: dict[str, Code] = {
    "validate-type-unknown": Code(
        "error",
        "structure",
        "This is not a resource type of FHIR R4: {name}.",
        "Give resourceType one of R4's types.",
        RESOURCE,
    ),
    "validate-element-unknown": Code(
        "error",
        "structure",
        "{name} is not an element of {type}.{guess}",
        "{mend}",
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
        "Too many of {name}{slice}: {count} here, {max} allowed.",
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
    "validate-primitive": Code("error", "value", "A value of type {type} {rule}.", "Correct the value.", DATATYPES),
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
        "This is not in the value set {value_set} ({strength}): {seen}.",
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
        "This is not a code of {system}: {seen}.",
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
        "{mend}",
        "https://hl7.org/fhir/R4/narrative.html",
    ),
    "validate-reference-type": Code(
        "error",
        "structure",
        "A reference to {seen} is not allowed; {allowed} expected.",
        "Point to a resource of that type.",
        REFERENCES,
    ),
    "validate-reference-aggregation": Code(
        "error",
        "structure",
        "What this reference leads to is {seen}; it must be {allowed}.",
        "Contain it, put it into the same Bundle, or refer to it by its address, as is asked for.",
        REFERENCES,
    ),
    "validate-reference-profile": Code(
        "error",
        "structure",
        "What this leads to does not follow {profiles}: {said}",
        "Mend what it leads to, or refer to another.",
        REFERENCES,
    ),
    "validate-reference-form": Code(
        "error",
        "value",
        "This reference cannot stand: {rule}.",
        "{mend}",
        REFERENCES,
    ),
    "validate-reference-unresolved": Code(
        "error",
        "not-found",
        "This reference leads nowhere inside its own document.",
        "Include what it refers to{where}{otherwise}.",
        REFERENCES,
    ),
    "validate-extension-part": Code(
        "error",
        "structure",
        "The extension {url} has no part {name}.",
        "Use one of its parts: {known}; a further extension is named by a full URL.",
        EXTENSIBILITY,
    ),
    "validate-extension-modifier": Code(
        "error",
        "structure",
        "The extension {url} stands in the wrong list: by its definition it belongs into {right}.",
        "Move it to {right}: what may change the meaning of the element around it is told apart from what may not.",
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
    "validate-attachment-size": Code(
        "error",
        "value",
        "size does not agree with the data: it holds {count} bytes.",
        "Give the size of the decoded data.",
        DATATYPES + "#Attachment",
    ),
    "validate-display": Code(
        "warning",
        "code-invalid",
        "The display is not what the code system calls this code.",
        "Write {display}, leave the display out, or say what is meant in text.",
        DATATYPES + "#Coding",
    ),
    **WHOLE,
}
