"""Placements: which step is possible, for whom, and what may not be changed."""

from __future__ import annotations

from fhir_mh.issue_codes.code import Code

CODES: dict[str, Code] = {
    "placement-no-ground": Code(
        "error",
        "business-rule",
        "Nobody can be asked for the plan of this person: no stay here goes on in their record.",
        "Record the claim first: POST /records/{{id}}/placements with the step claim.",
    ),
    "placement-no-identity": Code(
        "error",
        "business-rule",
        "The record does not say enough of who the person is to ask for their plan.",
        "Record the NHS number, the whole date of birth and a name; all three are compared with what is held there.",
    ),
    "placement-not-found": Code(
        "error",
        "not-found",
        "This record has no placement of this id.",
        "List them with GET /records/{{id}}/placements; a stay that nobody has placed goes by its own id.",
    ),
    "placement-step": Code(
        "error",
        "business-rule",
        "A placement that is {state} does not take the step {step}.",
        "It takes {possible}. Read it again: somebody else may have recorded a step.",
    ),
    "placement-to-come": Code(
        "error",
        "business-rule",
        "The time that is told of the step {step} is still to come, and a step is recorded when it has happened.",
        "Put the time right, or record the step then. A day that is expected: change, with estimated_discharge.",
    ),
    "placement-told-otherwise": Code(
        "error",
        "conflict",
        "This step, {step}, was recorded already, with other facts.",
        "Read what was recorded. What was recorded wrongly is put right by change or by reopen, with the reason.",
    ),
    "placement-not-yours": Code(
        "error",
        "forbidden",
        "The step {step} is for {who} to record.",
        "Ask them to record it; what is theirs to keep can also be proposed to them with PUT /records/{{id}}.",
    ),
    "placement-part-missing": Code(
        "error",
        "business-rule",
        "There is no {part} yet of which this could be said.",
        "Say of a placement what was agreed when the person was placed, and of a stay what is so since they came.",
    ),
    "placement-ended": Code(
        "error",
        "business-rule",
        "What has ended does not go on, or end otherwise, by a mere change.",
        "Reopen it with POST /records/{{id}}/placements/{{placement}}/reopen, which asks for the reason.",
    ),
    "placement-history": Code(
        "error",
        "business-rule",
        "An entry of the history of an agreed term was changed or left out; entries are only ever added.",
        "Send the entries as they were read, and add one that says what holds now, and why.",
    ),
    "placement-not-shared": Code(
        "warning",
        "informational",
        "{organisation} is sent nothing of this person: {reason}",
        "See to what is missing, or tell them in another way.",
    ),
}
