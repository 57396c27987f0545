// Treatment reviews, visits and follow-up: what is to be held by a certain day, who sees to it, what came of it.

Extension: HeldBy
Id: held-by
Title: "Held by"
Description: "Who was there for whom it is held: who visited, who followed up, the panel of a review beside its chair."
* insert Context(Task)
* insert SimpleValue([[Reference(PractitionerRole or RelatedPerson or Organization)]])

Extension: Chair
Id: chair
Title: "Chair"
Description: "Who chairs a treatment review."
* insert Context(Task)
* insert SimpleValue([[Reference(PractitionerRole or RelatedPerson or Organization)]])

Extension: NextDue
Id: next-due
Title: "Next due"
Description: "By when the next one is to be held."
* insert Context(Task)
* insert SimpleValue(date)

Extension: Recommendation
Id: recommendation
Title: "Recommendation"
Description: "What a treatment review recommends: who sees to it, by when, and when it was done."
* insert Context(Task)
* insert AgreedAction

CodeSystem: MeetingKind
Id: meeting-kind
Title: "Kinds of meeting"
Description: "What is to be held."
* ^caseSensitive = true
* ^experimental = false
* #treatment-review "Treatment review" "A care and treatment review, or a care, education and treatment review."
* #visit "Visit" "A visit in person to somebody on a stay."
* #follow-up "Follow-up" "Contact after discharge."

ValueSet: MeetingKindVS
Id: meeting-kind
Title: "Kinds of meeting"
Description: "What is to be held."
* ^experimental = false
* include codes from system MeetingKind

CodeSystem: TreatmentReviewKind
Id: treatment-review-kind
Title: "Kinds of treatment review"
Description: "Whose review it is and where they are."
* ^caseSensitive = true
* ^experimental = false
* #ctr-community "CTR in the community" "A care and treatment review, to prevent an admission."
* #ctr-inpatient "CTR in hospital" "A care and treatment review during a stay."
* #cetr-community "CETR in the community" "A care, education and treatment review, to prevent an admission."
* #cetr-inpatient "CETR in hospital" "A care, education and treatment review during a stay."

ValueSet: TreatmentReviewKindVS
Id: treatment-review-kind
Title: "Kinds of treatment review"
Description: "Whose review it is and where they are."
* ^experimental = false
* include codes from system TreatmentReviewKind

CodeSystem: VisitBy
Id: visit-by
Title: "Who visits"
Description: "On whose behalf somebody on a stay is visited."
* ^caseSensitive = true
* ^experimental = false
* #home-team "Home team" "The team that leads the plan."
* #commissioner "Commissioner" "The commissioner that placed the person."

ValueSet: VisitByVS
Id: visit-by
Title: "Who visits"
Description: "On whose behalf somebody on a stay is visited."
* ^experimental = false
* include codes from system VisitBy

CodeSystem: MeetingOutput
Id: meeting-output
Title: "What came of a meeting"
Description: "What is recorded of a meeting once it was held."
* ^caseSensitive = true
* ^experimental = false
* #outcome "Outcome" "What came of it, in words."

ValueSet: MeetingOutputVS
Id: meeting-output
Title: "What came of a meeting"
Description: "What is recorded of a meeting once it was held."
* ^experimental = false
* include codes from system MeetingOutput

Invariant: mh-meeting-planned
Description: "What is to be held says by when."
Severity: #warning
Expression: "status = 'cancelled' or restriction.period.end.exists()"

Invariant: mh-meeting-owner
Description: "What is to be held has an owner, who sees to it."
Severity: #warning
Expression: "status = 'cancelled' or owner.exists()"

Invariant: mh-meeting-held
Description: "What was held says when, and what says when is completed."
Severity: #warning
Expression: "(status = 'completed') = executionPeriod.start.exists()"

Invariant: mh-meeting-next
Description: "Once held, it says by when the next one is due."
Severity: #warning
Expression: "status = 'completed' implies extension('https://w3id.org/fhir-mh/StructureDefinition/next-due').exists()"

Invariant: mh-meeting-outcome
Description: "Once held, it says what came of it."
Severity: #warning
Expression: "status = 'completed' implies (output.value.exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/recommendation').exists())"

RuleSet: Meeting(kind)
* insert ItemIdentifier
* intent = #plan
* code 1..1
* code.coding ^slicing.discriminator.type = #pattern
* code.coding ^slicing.discriminator.path = "$this"
* code.coding ^slicing.rules = #open
* code.coding contains meeting 1..1
* code.coding[meeting] = MeetingKind#{kind}
* for 1..1
* obeys mh-meeting-planned and mh-meeting-owner and mh-meeting-held and mh-meeting-outcome
* extension contains
    HeldBy named heldBy 0..* and
    NextDue named nextDue 0..1

Profile: MhTreatmentReview
Parent: $ukc-task
Id: mh-treatment-review
Title: "Treatment review"
Description: "A care and treatment review (CTR), or for a child a care, education and treatment review (CETR), in the community or in hospital: by when, who sees to it and who chairs it, when it was held, what it recommends and when the next one is due."
* insert Meeting(treatment-review)
* code.coding contains kind 1..1
* code.coding[kind] ^patternCoding.system = "https://w3id.org/fhir-mh/CodeSystem/treatment-review-kind"
* code.coding[kind].system 1..1
* code.coding[kind].code 1..1
* code.coding[kind] from TreatmentReviewKindVS (required)
* obeys mh-meeting-next
* extension contains
    Chair named chair 0..1 and
    Recommendation named recommendation 0..*
* insert TreatmentReviewMeanings

Profile: MhVisit
Parent: $ukc-task
Id: mh-visit
Title: "Visit"
Description: "A visit in person to somebody on a stay, by their home team or by the commissioner that placed them: by when, who sees to it, when it was held and by whom, what came of it and when the next one is due."
* insert Meeting(visit)
* code.coding contains by 1..1
* code.coding[by] ^patternCoding.system = "https://w3id.org/fhir-mh/CodeSystem/visit-by"
* code.coding[by].system 1..1
* code.coding[by].code 1..1
* code.coding[by] from VisitByVS (required)
* obeys mh-meeting-next
* insert VisitMeanings

Profile: MhFollowUp
Parent: $ukc-task
Id: mh-follow-up
Title: "Follow-up after discharge"
Description: "Contact after discharge, for instance within 72 hours: by when, who sees to it, when it was held and by whom, and what came of it."
* insert Meeting(follow-up)
* insert FollowUpMeanings
