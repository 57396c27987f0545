// Maps from what is said here to what national data sets and headings call it. Where a code of theirs could not be
// confirmed at its source it stands here, and only here, so that it can be corrected in one place.

CodeSystem: MhsdsCarePlanType
Id: mhsds-care-plan-type
Title: "Care plan types of MHSDS"
Description: "The codes of the type of a care plan in the Mental Health Services Data Set, table MHS008, under a name of ours: the address of the national list is not confirmed."
* ^caseSensitive = true
* ^experimental = false
* #10 "Mental health care plan" "A care plan in mental health."
* #11 "Urgent or emergency care plan" "A plan for urgent or emergency care."
* #12 "Crisis plan" "A plan for a crisis."
* #13 "Positive behaviour support plan" "A plan for positive behaviour support."
* #14 "Transition plan" "A plan for the move from services for children and young people."

ValueSet: MhsdsCarePlanTypeVS
Id: mhsds-care-plan-type
Title: "Care plan types of MHSDS"
Description: "All of the codes."
* ^experimental = false
* include codes from system MhsdsCarePlanType

CodeSystem: MhsdsOutOfAreaReason
Id: mhsds-out-of-area-reason
Title: "Out-of-area reasons of MHSDS"
Description: "The codes of the reason for an out-of-area placement in adult acute care in the Mental Health Services Data Set, under a name of ours: the address of the national list is not confirmed, nor that it is meant for rehabilitation."
* ^caseSensitive = true
* ^experimental = false
* #10 "Bed unavailable" "No bed was available."
* #11 "Safeguarding" "For reasons of safeguarding."
* #12 "Offending" "Because of an offence or a restriction."
* #13 "Staff or family at the referrer" "A member of staff, or a relative, at the referring provider."
* #14 "Choice" "The person chose it."
* #99 "Not known" "The reason is not known."

ValueSet: MhsdsOutOfAreaReasonVS
Id: mhsds-out-of-area-reason
Title: "Out-of-area reasons of MHSDS"
Description: "All of the codes."
* ^experimental = false
* include codes from system MhsdsOutOfAreaReason

Instance: plans-to-mhsds
InstanceOf: ConceptMap
Usage: #definition
* url = "https://w3id.org/fhir-mh/ConceptMap/plans-to-mhsds"
* name = "PlansToMhsds"
* title = "Plans to MHSDS care plan types"
* status = #draft
* description = "The type in MHSDS (MHS008) of a plan by its SNOMED CT category. The code of the mental health care plan is not confirmed at its source."
* group.source = "http://snomed.info/sct"
* group.target = "https://w3id.org/fhir-mh/CodeSystem/mhsds-care-plan-type"
* group.element[0].code = #736253002
* group.element[0].target.code = #12
* group.element[0].target.equivalence = #equivalent
* group.element[1].code = #718347000
* group.element[1].target.code = #10
* group.element[1].target.equivalence = #equivalent

Instance: out-of-area-reasons-to-mhsds
InstanceOf: ConceptMap
Usage: #definition
* url = "https://w3id.org/fhir-mh/ConceptMap/out-of-area-reasons-to-mhsds"
* name = "OutOfAreaReasonsToMhsds"
* title = "Out-of-area reasons to MHSDS"
* status = #draft
* description = "The reason for a placement out of area as MHSDS codes it for adult acute care."
* group.source = "https://w3id.org/fhir-mh/CodeSystem/out-of-area-reason"
* group.target = "https://w3id.org/fhir-mh/CodeSystem/mhsds-out-of-area-reason"
* group.element[0].code = #bed-unavailable
* group.element[0].target.code = #10
* group.element[0].target.equivalence = #equivalent
* group.element[1].code = #safeguarding
* group.element[1].target.code = #11
* group.element[1].target.equivalence = #equivalent
* group.element[2].code = #offending
* group.element[2].target.code = #12
* group.element[2].target.equivalence = #equivalent
* group.element[3].code = #staff-or-family-at-referrer
* group.element[3].target.code = #13
* group.element[3].target.equivalence = #equivalent
* group.element[4].code = #choice
* group.element[4].target.code = #14
* group.element[4].target.equivalence = #equivalent
* group.element[5].code = #unknown
* group.element[5].target.code = #99
* group.element[5].target.equivalence = #equivalent

Instance: directives-to-snomed
InstanceOf: ConceptMap
Usage: #definition
* url = "https://w3id.org/fhir-mh/ConceptMap/directives-to-snomed"
* name = "DirectivesToSnomed"
* title = "Directives to SNOMED CT"
* status = #draft
* description = "What SNOMED CT says of a person who has such a directive: a finding about the person, not the kind of document. The codes for a decision to refuse treatment and for a power of attorney are not confirmed at their source."
* group.source = "https://w3id.org/fhir-mh/CodeSystem/directive-kind"
* group.target = "http://snomed.info/sct"
* group.element[0].code = #advance-statement
* group.element[0].target.code = #816281000000101
* group.element[0].target.equivalence = #relatedto
* group.element[1].code = #recorded-refusal
* group.element[1].target.code = #816301000000100
* group.element[1].target.equivalence = #relatedto
* group.element[2].code = #power-of-attorney
* group.element[2].target.code = #816361000000101
* group.element[2].target.equivalence = #relatedto
* group.element[3].code = #nominated-person
* group.element[3].target.equivalence = #unmatched
* group.element[4].code = #advance-choice-document
* group.element[4].target.equivalence = #unmatched
* group.element[5].code = #sharing-preference
* group.element[5].target.equivalence = #unmatched

Instance: sections-to-headings
InstanceOf: ConceptMap
Usage: #definition
* url = "https://w3id.org/fhir-mh/ConceptMap/sections-to-headings"
* name = "SectionsToHeadings"
* title = "Sections to record headings"
* status = #draft
* description = "Under which of UK Core's headings for records, from the PRSB standards, a section of the record belongs. A crisis plan has none of its own there."
* group.source = "https://w3id.org/fhir-mh/CodeSystem/section"
* group.target = "https://fhir.hl7.org.uk/CodeSystem/UKCore-RecordStandardHeadings"
* group.element[0].code = #demographics
* group.element[0].target.code = #person-demographics
* group.element[0].target.equivalence = #equivalent
* group.element[1].code = #contacts
* group.element[1].target.code = #professional-contacts
* group.element[1].target.equivalence = #relatedto
* group.element[2].code = #support-needs
* group.element[2].target.code = #reasonable-adjustments-for-health-and-care-access
* group.element[2].target.equivalence = #relatedto
* group.element[3].code = #care-plan
* group.element[3].target.code = #plan-and-requested-actions
* group.element[3].target.equivalence = #wider
* group.element[4].code = #crisis-plan
* group.element[4].target.equivalence = #unmatched
* group.element[5].code = #advance-wishes
* group.element[5].target[0].code = #advance-statement
* group.element[5].target[0].equivalence = #relatedto
* group.element[5].target[1].code = #advance-decision-to-refuse-treatment
* group.element[5].target[1].equivalence = #relatedto
* group.element[6].code = #legal-status
* group.element[6].target.code = #mental-health-act-or-equivalent-status
* group.element[6].target.equivalence = #equivalent
* group.element[7].code = #sharing
* group.element[7].target.code = #consent-for-information-sharing
* group.element[7].target.equivalence = #equivalent
* group.element[8].code = #placement
* group.element[8].target.code = #admission-details
* group.element[8].target.equivalence = #relatedto
* group.element[9].code = #tasks
* group.element[9].target.code = #outstanding-issues
* group.element[9].target.equivalence = #wider
