"""The examples of the OpenAPI document. Each is a request that works as it stands: a test sends every one.

A name leads to the body; `after` names the examples that must have been sent before. The people are synthetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.urls import NHS_NUMBER

NUMBER = "9990000018"


@dataclass(frozen=True, slots=True)
class Example:
    """One body. status: what it is answered with. query: what stands behind the address. after: sent before it.

    step: of a placement, where the address names one.
    """

    summary: str
    value: Any
    status: int
    media_type: str = "application/json"
    query: str = ""
    after: str | None = None
    step: str = ""


NEW_PERSON = Example(
    "A new person with a care plan and a crisis plan",
    {
        "person": {
            "nhs_number": NUMBER,
            "names": [{"use": "official", "family": "Example", "given": ["Rowan"]}],
            "birth_date": "1984-02-03",
            "communication_needs": [{"text": "Speak slowly, and write down what was agreed."}],
        },
        "goals": [
            {
                "id": "goal-allotment",
                "status": "active",
                "description": {"text": "I want to be back on my allotment.", "said_by": {"role": "person"}},
            }
        ],
        "care_plans": [{"title": "Care plan", "status": "active", "goals": [{"id": "goal-allotment"}]}],
        "crisis_plans": [
            {
                "id": "crisis-plan",
                "title": "Crisis plan",
                "status": "active",
                "warning_signs": [
                    {
                        "sign": {"text": "I stop answering the phone.", "said_by": {"role": "person"}},
                        "coping": "A walk with my sister.",
                    }
                ],
                "practical_needs": [{"kind": "pets", "description": "Somebody must feed the cat."}],
            }
        ],
    },
    201,
)
ONE_CHANGE = Example(
    "A change: only what is new is sent, and everything else stays",
    {
        "person": {"nhs_number": NUMBER},
        "crisis_plans": [
            {"id": "crisis-plan", "warning_signs": [{"sign": "I do not sleep.", "coping": "Ring the crisis line."}]}
        ],
    },
    200,
    after="new-person",
)
MISSPELT = Example(
    "A misspelt field is refused, with its place and what was probably meant",
    {"person": {"nhs_number": NUMBER}, "crisis_plan": []},
    422,
)
FIND = Example("By NHS number, in the body and never in a URL", {"nhs_number": NUMBER}, 200, after="new-person")
CHANGE_BY_ID = Example(
    "Clear one field with null; what is not mentioned stays",
    {"person": {"birth_date": None, "communication_needs": [{"text": "An interpreter is needed on the phone."}]}},
    200,
    after="new-person",
)
PATIENT = Example(
    "A Patient",
    {
        "resourceType": "Patient",
        "identifier": [{"system": NHS_NUMBER, "value": NUMBER}],
        "name": [{"use": "official", "family": "Example", "given": ["Rowan"]}],
        "birthDate": "1984-02-03",
    },
    201,
    "application/fhir+json",
)
WRONG_PATIENT = Example(
    "A Patient with a gender that no code says: judged, and nothing stored",
    {"resourceType": "Patient", "gender": "somebody"},
    200,
    "application/fhir+json",
)
_URN = "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11"
TRANSACTION = Example(
    "A person and their plan, stored together or not at all",
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": _URN, "resource": PATIENT.value, "request": {"method": "POST", "url": "Patient"}},
            {
                "resource": {
                    "resourceType": "CarePlan",
                    "status": "active",
                    "intent": "plan",
                    "title": "Crisis plan",
                    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}],
                    "subject": {"reference": _URN},
                },
                "request": {"method": "POST", "url": "CarePlan"},
            },
        ],
    },
    200,
    "application/fhir+json",
)
DANGLING = Example(
    "A reference that leads nowhere: nothing is stored",
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {
                    "resourceType": "CarePlan",
                    "status": "active",
                    "intent": "plan",
                    "subject": {"reference": _URN},
                },
                "request": {"method": "POST", "url": "CarePlan"},
            }
        ],
    },
    422,
    "application/fhir+json",
)
SEARCH = Example(
    "By NHS number",
    {"identifier": f"{NHS_NUMBER}|{NUMBER}"},
    200,
    "application/x-www-form-urlencoded",
    after="new-person",
)
RESUME = Example(
    "A code that is no partner's is refused; put your own partner's in its place", {"partner": "ZZZ99"}, 404
)
SEND_AGAIN = Example(
    "A code that is no partner's is refused; with a partner's own, it is sent everything again",
    {"partner": "ZZZ99"},
    404,
)
REPLAY_ALL = Example(
    "A code that is no partner's is refused; with a partner's own, all that it refused waits again",
    {"partner": "ZZZ99", "code": "sync-refused"},
    404,
)
SUBSCRIPTION = Example(
    "Refused where the settings give the client no endpoints; the topics are in /fhir/metadata",
    {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "Show each plan as it is",
        "criteria": "CarePlan",
        "channel": {
            "type": "rest-hook",
            "endpoint": "https://ehr.example/hook",
            "payload": "application/fhir+json",
            "header": ["Authorization: Bearer a-key-of-the-record-system"],
        },
    },
    403,
    "application/fhir+json",
)

NO_PARAMETERS = Example("For nobody who is known here", {"resourceType": "Parameters"}, 404, "application/fhir+json")
MARK = Example(
    "Refused: what this organisation keeps itself is no copy",
    {"custodian": "ZCT1", "stage": "opened", "edition": 1},
    404,
    after="new-person",
)

_WORDS = "Doors to the garden of the ward do not lock at night."
CONCERN = Example(
    "A carer's concern, without their name",
    {"about": "ZOA1", "place": "Willow ward", "words": _WORDS, "raised_as": "carer", "due": "2026-12"},
    201,
)
CONCERN_ABOUT_US = Example(
    "Refused: this organisation would look into itself",
    {"about": "ZCT1", "words": _WORDS, "raised_as": "person"},
    422,
)
REPLY = Example(
    "What was done about it",
    {"words": "Locks were fitted on 28 November.", "by": "Safety lead", "status": "completed"},
    201,
    after="concern",
)
DECISION = Example(
    "A third text; put the id of one of your own conflicts in the place of this record's",
    {
        "decision": "write",
        "text": "A walk by the sea, with company.",
        "by": {"display": "Duty manager"},
        "why": "The person agreed to both.",
    },
    404,
    after="new-person",
)
RECEIPT = Example("A receipt that nobody was given", {"receipt": "none"}, 404)
RETRY_HELD = Example("Everything that is held", {}, 200)
DISCARD = Example("Nothing of this id is held: read the list first", {"reason": "Meant for another trust."}, 404)
RETRACT = Example(
    "A goal that was written down for somebody else",
    {"items": [{"list": "goals", "id": "goal-allotment"}], "reason": "Taken down in the wrong record."},
    200,
    after="new-person",
)
APPROVE = Example("Refused: a client without a name cannot be told from another", {"reason": "To copy it over."}, 403)
PREVIEW_MERGE = Example("Refused: there is no such record", {"kept": "person-1", "superseded": "person-2"}, 404)
ASK_FOR_MERGE = Example(
    "Refused: a client without a name cannot be told from another",
    {"kept": "person-1", "superseded": "person-2", "reason": "One person, registered twice."},
    403,
)
UNDO_MERGE = Example(
    "Refused: a client without a name cannot be told from another",
    {"reason": "They are twins.", "answers": [{"list": "goals", "id": "goal-allotment", "whose": "other"}]},
    403,
)

_UNIT = {"ods": "ZIU1", "name": "Inpatient unit", "roles": ["inpatient-unit"]}
PARTNER = Example(
    "A unit whose gateway is on this machine", {**_UNIT, "connections": [{"base_url": "http://127.0.0.1:8081"}]}, 201
)
PARTNER_INSECURE = Example(
    "Refused: plans would cross the network unencrypted",
    {**_UNIT, "connections": [{"base_url": "http://gateway.unit.example"}]},
    422,
)
PARTNER_OFF = Example(
    "The same partner, for a while not in touch",
    {**_UNIT, "connections": [{"base_url": "http://127.0.0.1:8081", "on": False}]},
    200,
    after="partner",
)
PARTNERS_CHECK = Example("A code that is no partner's is refused", {"ods": ["ZZZ99"]}, 404)

OPEN_PLACEMENT = Example(
    "A placement far from home, and why",
    {
        "by": "Placing team",
        "provider": "ZOA1",
        "level": "2",
        "placing_commissioner": "ZIC1",
        "host_commissioner": "ZIC2",
        "out_of_area_reason": "bed-unavailable",
        "purposes": [{"text": "To live alone again, with support."}],
    },
    201,
    after="new-person",
)
CLAIM_PLACEMENT = Example(
    "A provider says that it has admitted somebody nobody placed",
    {
        "step": "claim",
        "by": "Ward manager",
        "reason": "Brought in by ambulance at night.",
        "admitted_at": "2026-11-24T02:10:00Z",
    },
    201,
    after="new-person",
)
REASON_MISSING = Example(
    "A claim that does not say why is refused",
    {"step": "claim", "by": "Ward manager", "admitted_at": "2026-11-24T02:10:00Z"},
    422,
    after="new-person",
)
CHANGE_PLACEMENT = Example(
    "Another purpose from now on; what it was stays in the history",
    {
        "by": "Placing team",
        "reason": "Agreed at the review, with the person.",
        "purposes": [{"text": "To move to a flat of her own."}],
    },
    200,
    after="open-placement",
    step="change",
)
END_PLACEMENT = Example(
    "The person does not come after all",
    {
        "by": "Placing team",
        "reason": "A bed was found near home.",
        "outcome": "cancelled",
        "at": "2026-11-24T09:30:00Z",
    },
    200,
    after="open-placement",
    step="end",
)
FIND_AND_PULL = Example(
    "Somebody was admitted at night, and is not known here",
    {
        "person": {
            "nhs_number": NUMBER,
            "birth_date": "1984-02-03",
            "names": [{"family": "Example", "given": ["Rowan"]}],
        },
        "admitted_at": "2026-11-24T02:10:00Z",
        "purpose": "ETREAT",
        "reason": "Brought in by ambulance, and not able to say what helps.",
    },
    200,
)
FIND_WITHOUT_REASON = Example(
    "An emergency without a reason is refused",
    {name: value for name, value in FIND_AND_PULL.value.items() if name != "reason"},
    422,
)
BY_NAME = {
    "find-and-pull": FIND_AND_PULL,
    "find-without-reason": FIND_WITHOUT_REASON,
    "new-person": NEW_PERSON,
    "one-change": ONE_CHANGE,
    "misspelt": MISSPELT,
    "find": FIND,
    "change-by-id": CHANGE_BY_ID,
    "patient": PATIENT,
    "wrong-patient": WRONG_PATIENT,
    "transaction": TRANSACTION,
    "dangling": DANGLING,
    "search": SEARCH,
    "resume": RESUME,
    "send-again": SEND_AGAIN,
    "replay-all": REPLAY_ALL,
    "no-parameters": NO_PARAMETERS,
    "mark": MARK,
    "concern": CONCERN,
    "concern-about-us": CONCERN_ABOUT_US,
    "reply": REPLY,
    "receipt": RECEIPT,
    "partner": PARTNER,
    "partner-insecure": PARTNER_INSECURE,
    "partner-off": PARTNER_OFF,
    "partners-check": PARTNERS_CHECK,
    "open-placement": OPEN_PLACEMENT,
    "claim-placement": CLAIM_PLACEMENT,
    "reason-missing": REASON_MISSING,
    "change-placement": CHANGE_PLACEMENT,
    "end-placement": END_PLACEMENT,
    "retry-held": RETRY_HELD,
    "discard": DISCARD,
    "retract": RETRACT,
    "approve": APPROVE,
    "preview-merge": PREVIEW_MERGE,
    "ask-for-merge": ASK_FOR_MERGE,
    "undo-merge": UNDO_MERGE,
    "decision": DECISION,
    "subscription": SUBSCRIPTION,
}
