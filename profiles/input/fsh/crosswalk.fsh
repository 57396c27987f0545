// Where each item comes from, and what others call it: StructureDefinition.mapping. A line of PRSB or MHSDS stands only
// where the item was read in the source; "none found" says that the source was searched and has no such item. What a
// profile merely takes over from UK Core or R4 needs no line. `make pages` prints docs/crosswalk.md and the sources on
// the pages of the profiles from this.

Mapping: MhPatientAis
Id: ais
Title: "Accessible Information Standard, DCB1605"
Source: MhPatient
Target: "https://www.england.nhs.uk/about/equality/equality-hub/patient-equalities-programme/equality-frameworks-and-information-standards/accessibleinfo/"
* extension[communicationNeed] -> "information and communication needs: identified, recorded, shared and met"

Mapping: MhEpisodeQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhEpisode
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* careManager -> "the lead professional or care co-ordinator"

Mapping: MhGoalQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhGoal
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* description -> "the goals agreed with the person"
* extension[preferredOutcome] -> "the outcomes the person prefers"

Mapping: MhCarePlanQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhCarePlan
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure a: a jointly agreed care plan"
* addresses -> "the person's needs"
* goal -> "the goals agreed with the person"
* activity -> "activities that promote social inclusion: education, employment, volunteering, leisure, caring for dependants"
* activity[review] -> "measure c: an agreed date to review it"

Mapping: MhCarePlanPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhCarePlan
Target: "https://theprsb.org"
* activity[review] -> "review date and owner"

Mapping: MhCarePlanMhsds
Id: mhsds
Title: "Mental Health Services Data Set"
Source: MhCarePlan
Target: "https://digital.nhs.uk/data-and-information/data-collections-and-data-sets/data-sets/mental-health-services-data-set"
* -> "MHS008 care plan type 10, mental health care plan"

Mapping: MhCrisisPlanQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhCrisisPlan
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure d: a crisis plan for people who may be at risk of crisis"
* activity[review] -> "measure c: an agreed date to review it"

Mapping: MhCrisisPlanCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhCrisisPlan
Target: "https://www.nice.org.uk/guidance/cg136"
* activity[coping] -> "crisis plan, item 1 of 8: early warning signs and coping strategies"
* extension[unansweredSign] -> "crisis plan, item 1 of 8: early warning signs and coping strategies"
* activity[prevention] -> "crisis plan, item 2 of 8: support to prevent admission"
* extension[admissionPreference] -> "crisis plan, item 3 of 8: where the person would like to be admitted"
* activity[practicalNeed] -> "crisis plan, item 4 of 8: practical needs if admitted"
* supportingInfo[consent] -> "crisis plan, item 5 of 8: advance statements and advance decisions"
* supportingInfo[healthcareService] -> "crisis plan, item 7 of 8: 24-hour access to services"
* extension[carerInvolvement] -> "crisis plan, item 6 of 8: whether and how far families and carers are involved"
* careTeam -> "crisis plan, item 8 of 8: named contacts"

Mapping: MhCrisisPlanPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhCrisisPlan
Target: "https://theprsb.org"
* -> "contingency plan"
* activity[coping] -> "triggers, warning signs and coping strategies"
* extension[unansweredSign] -> "warning signs"
* activity[prevention] -> "actions"
* extension[admissionPreference] -> "none found"
* activity[practicalNeed] -> "none found"
* supportingInfo[consent] -> "advance statement"
* supportingInfo[healthcareService] -> "none found"
* careTeam -> "contacts"
* activity[review] -> "review date and owner"

Mapping: MhCrisisPlanMhsds
Id: mhsds
Title: "Mental Health Services Data Set"
Source: MhCrisisPlan
Target: "https://digital.nhs.uk/data-and-information/data-collections-and-data-sets/data-sets/mental-health-services-data-set"
* -> "MHS008 care plan type 12, crisis plan"

Mapping: MhCrisisPlanOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhCrisisPlan
Target: "https://w3id.org/fhir-mh"
* category[crisisPlan] -> "the type under which the National Record Locator lists a crisis plan"

Mapping: MhCrisisContactsCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhCrisisContacts
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan, item 8 of 8: named contacts"
* participant -> "crisis plan, item 8 of 8: named contacts"
* participant.extension[contactOrder] -> "crisis plan, item 8 of 8: named contacts"

Mapping: MhCrisisContactsPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhCrisisContacts
Target: "https://theprsb.org"
* participant -> "contacts"

Mapping: MhServiceCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhService
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan, item 7 of 8: 24-hour access to services"
* availableTime.allDay -> "crisis plan, item 7 of 8: 24-hour access to services"
* availabilityExceptions -> "crisis plan, item 7 of 8: 24-hour access to services"

Mapping: MhServicePrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhService
Target: "https://theprsb.org"
* -> "none found"

Mapping: MhAgreementQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhAgreement
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure a: a jointly agreed care plan"
* extension[agreement] -> "measure a: a jointly agreed care plan"

Mapping: MhAgreementPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhAgreement
Target: "https://theprsb.org"
* -> "agreed with"
* extension[agreement] -> "agreed with"

Mapping: MhAgreementMhsds
Id: mhsds
Title: "Mental Health Services Data Set"
Source: MhAgreement
Target: "https://digital.nhs.uk/data-and-information/data-collections-and-data-sets/data-sets/mental-health-services-data-set"
* -> "MHS009 care plan agreement: agreed by, date, family indicator and reason"

Mapping: MhCopyGivenQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: MhCopyGiven
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure b: a copy of the care plan"
* extension[planVersion] -> "measure b: a copy of the care plan"

Mapping: MhTaskOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhTask
Target: "https://w3id.org/fhir-mh"
* extension[taskField] -> "a conflict names the field it is about; a whole plan would hide it"
* code -> "nobody's words are overwritten silently: what is unclear goes to a person"

Mapping: MhAdvanceStatementCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhAdvanceStatement
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan, item 5 of 8: advance statements and advance decisions"

Mapping: MhAdvanceStatementPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhAdvanceStatement
Target: "https://theprsb.org"
* -> "advance statement"

Mapping: MhAdvanceStatementMca
Id: mca-2005
Title: "Mental Capacity Act 2005"
Source: MhAdvanceStatement
Target: "https://www.legislation.gov.uk/ukpga/2005/9"
* -> "advance statements are to be considered in deciding what is in the person's best interests (section 4)"

Mapping: MhAdvanceStatementOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhAdvanceStatement
Target: "https://w3id.org/fhir-mh"
* category[kind] -> "no published code says what the resource is"
* policyRule -> "R4 asks a Consent for a policy; this one says that wishes bind nobody"

Mapping: MhAdvanceWishesCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhAdvanceWishes
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan, item 5 of 8: advance statements and advance decisions"
* activity -> "crisis plan, item 5 of 8: advance statements and advance decisions"

Mapping: MhAdvanceWishesPrsb
Id: prsb
Title: "PRSB care plan and contingency plan headings"
Source: MhAdvanceWishes
Target: "https://theprsb.org"
* activity -> "advance statement"

Mapping: MhAdvanceWishesOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhAdvanceWishes
Target: "https://w3id.org/fhir-mh"
* category[wishes] -> "no published code says that a CarePlan holds wishes alone"

Mapping: MhRecordedRefusalCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: MhRecordedRefusal
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan, item 5 of 8: advance statements and advance decisions"

Mapping: MhRecordedRefusalMca
Id: mca-2005
Title: "Mental Capacity Act 2005"
Source: MhRecordedRefusal
Target: "https://www.legislation.gov.uk/ukpga/2005/9"
* -> "advance decisions to refuse treatment (sections 24 to 26)"
* provision.provision -> "the treatment to be refused (section 24)"
* provision.provision.extension[circumstances] -> "the circumstances in which it is refused (section 24)"
* extension[formalities] -> "in writing, signed, witnessed, and said to apply even if life is at risk (section 25)"

Mapping: MhRecordedRefusalOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhRecordedRefusal
Target: "https://w3id.org/fhir-mh"
* category[kind] -> "no published code says what the resource is"
* policyRule -> "R4 asks a Consent for a policy; whether a refusal binds is judged at the bedside"

Mapping: MhSharingPreferenceOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhSharingPreference
Target: "https://w3id.org/fhir-mh"
* -> "what is shared is shared as the person agreed"
* category[kind] -> "no published code says what the resource is"

Mapping: MhDocumentOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhDocument
Target: "https://w3id.org/fhir-mh"
* content.attachment.extension[sha256] -> "Attachment.hash is a SHA-1, which proves little today"

Mapping: MhPlacementGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: MhPlacement
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "placement in a level 1 or level 2 mental health rehabilitation inpatient service"
* code -> "the level of the service"
* extension[placingCommissioner] -> "the placing commissioner"
* extension[hostCommissioner] -> "the host commissioner"
* extension[outOfAreaReason] -> "the reason for being out of area"
* reasonCode -> "the purpose of the admission"
* orderDetail -> "the specific assessments and interventions"

Mapping: MhPlacementMhsds
Id: mhsds
Title: "Mental Health Services Data Set"
Source: MhPlacement
Target: "https://digital.nhs.uk/data-and-information/data-collections-and-data-sets/data-sets/mental-health-services-data-set"
* extension[outOfAreaReason] -> "out of area reason (adult acute): 10 bed unavailable, 11 safeguarding, 12 offending, 13 staff or family at referrer, 14 choice, 99 unknown"

Mapping: MhPlacementOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhPlacement
Target: "https://w3id.org/fhir-mh"
* category[placement] -> "no published code found for an out-of-area placement"

Mapping: MhStayGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: MhStay
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "the stay"
* extension[estimatedDischarge] -> "the estimated date of discharge"
* extension[lengthOfStay] -> "the anticipated length of stay"
* extension[delay] -> "delays of the discharge and their reasons"
* reasonCode -> "the purpose of the admission"

Mapping: MhStayMhsds
Id: mhsds
Title: "Mental Health Services Data Set"
Source: MhStay
Target: "https://digital.nhs.uk/data-and-information/data-collections-and-data-sets/data-sets/mental-health-services-data-set"
* extension[estimatedDischarge] -> "MHS501 estimated discharge date"

Mapping: MhStayOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: MhStay
Target: "https://w3id.org/fhir-mh"
* type[stay] -> "no published code found"

Mapping: CommissionerOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: Commissioner
Target: "https://w3id.org/fhir-mh"
* -> "UK Core has no place on a Patient for the integrated care board"

Mapping: ContactRoleMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: ContactRole
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "nearest relative, nominated person, independent mental health advocate"

Mapping: MhSupportNeedRaf
Id: raf
Title: "Reasonable Adjustment Digital Flag, DAPB4019"
Source: MhSupportNeed
Target: "https://digital.nhs.uk/services/reasonable-adjustment-flag"
* -> "reasonable adjustments, and the conditions they are for"

Mapping: CertaintyOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: Certainty
Target: "https://w3id.org/fhir-mh"
* -> "what is suspected is told from what is confirmed, before adjustments wait for a diagnosis"

Mapping: MhNominationMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: MhNomination
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "nominated person: appointed by the person (prospective, Mental Health Act 2025)"

Mapping: NominationMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: Nomination
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "nominated person: appointed by the person (prospective, Mental Health Act 2025)"

Mapping: MhPowerOfAttorneyMca
Id: mca-2005
Title: "Mental Capacity Act 2005"
Source: MhPowerOfAttorney
Target: "https://www.legislation.gov.uk/ukpga/2005/9"
* -> "lasting powers of attorney (sections 9 to 11)"

Mapping: PowerOfAttorneyMca
Id: mca-2005
Title: "Mental Capacity Act 2005"
Source: PowerOfAttorney
Target: "https://www.legislation.gov.uk/ukpga/2005/9"
* -> "lasting powers of attorney (sections 9 to 11)"

Mapping: AttorneyMca
Id: mca-2005
Title: "Mental Capacity Act 2005"
Source: Attorney
Target: "https://www.legislation.gov.uk/ukpga/2005/9"
* -> "lasting powers of attorney (sections 9 to 11)"

Mapping: MhAdvanceChoiceDocumentMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: MhAdvanceChoiceDocument
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "advance choice documents, and help with making one (prospective, Mental Health Act 2025, section 44)"

Mapping: HelpGivenMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: HelpGiven
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "advance choice documents, and help with making one (prospective, Mental Health Act 2025, section 44)"

Mapping: ChoiceStatementMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: ChoiceStatement
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "advance choice documents, and help with making one (prospective, Mental Health Act 2025, section 44)"

Mapping: FormalitiesOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: Formalities
Target: "https://w3id.org/fhir-mh"
* -> "facts for whoever judges at the bedside; nothing here says that anything binds"

Mapping: WithdrawalOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: Withdrawal
Target: "https://w3id.org/fhir-mh"
* -> "that a person took a decision back is told from a decision that a later one replaced"

Mapping: TermHistoryGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: TermHistory
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "each agreed term with its history and the reasons for change"

Mapping: DischargeStepGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: DischargeStep
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "the discharge plan"

Mapping: LeaveGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: Leave
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "leave"

Mapping: MhTreatmentReviewCetr
Id: cetr
Title: "NHS England, Dynamic support register and Care (Education) and Treatment Review policy and guide"
Source: MhTreatmentReview
Target: "https://www.england.nhs.uk/publication/dynamic-support-register-and-care-education-and-treatment-review-policy-and-guide/"
* -> "care (education) and treatment review"

Mapping: MhVisitGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: MhVisit
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "in-person visits by the home team and the commissioner"

Mapping: MhFollowUpGuidance
Id: nhse-rehab
Title: "NHS England, commissioner guidance for adult mental health rehabilitation inpatient services"
Source: MhFollowUp
Target: "https://www.england.nhs.uk/long-read/commissioner-guidance-for-adult-mental-health-rehabilitation-inpatient-services/"
* -> "follow-up after discharge"

Mapping: HeldByOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: HeldBy
Target: "https://w3id.org/fhir-mh"
* -> "R4 names one owner of a Task, and not who was there"

Mapping: ChairCetr
Id: cetr
Title: "NHS England, Dynamic support register and Care (Education) and Treatment Review policy and guide"
Source: Chair
Target: "https://www.england.nhs.uk/publication/dynamic-support-register-and-care-education-and-treatment-review-policy-and-guide/"
* -> "care (education) and treatment review: its chair"

Mapping: NextDueOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: NextDue
Target: "https://w3id.org/fhir-mh"
* -> "R4 says by when this is to be held, and not by when the next one"

Mapping: RecommendationCetr
Id: cetr
Title: "NHS England, Dynamic support register and Care (Education) and Treatment Review policy and guide"
Source: Recommendation
Target: "https://www.england.nhs.uk/publication/dynamic-support-register-and-care-education-and-treatment-review-policy-and-guide/"
* -> "care (education) and treatment review: its recommendations"

Mapping: CustodianOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: Custodian
Target: "https://w3id.org/fhir-mh"
* -> "one organisation alone mints versions of an item; two that did would undo each other"

Mapping: PlanVersionOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: PlanVersion
Target: "https://w3id.org/fhir-mh"
* -> "a version that travels with the plan, for a server's own does not"

Mapping: NextReviewQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: NextReview
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure c: an agreed date to review it"

Mapping: SocialInclusionQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: SocialInclusion
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "activities that promote social inclusion: education, employment, volunteering, leisure, caring for dependants"

Mapping: NothingForCG136
Id: nice-cg136
Title: "NICE guideline CG136"
Source: NothingFor
Target: "https://www.nice.org.uk/guidance/cg136"
* -> "crisis plan: an item asked about and found empty is told from one nobody asked about"

Mapping: TargetAchievementOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: TargetAchievement
Target: "https://w3id.org/fhir-mh"
* -> "R4 says how far a whole goal has come, and not each stage of it"

Mapping: TargetAchievedOnOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: TargetAchievedOn
Target: "https://w3id.org/fhir-mh"
* -> "R4 says how far a whole goal has come, and not each stage of it"

Mapping: ItemNamedOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ItemNamed
Target: "https://w3id.org/fhir-mh"
* -> "every item has an id of its own in every format; R4 gives a Provenance no identifier"

Mapping: WordsSourceOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: WordsSource
Target: "https://w3id.org/fhir-mh"
* -> "the person's own words are told from what others said about them, in every format"

Mapping: ItemNumberOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ItemNumber
Target: "https://w3id.org/fhir-mh"
* -> "a format without ids finds its item again"

Mapping: KeptContentOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: KeptContent
Target: "https://w3id.org/fhir-mh"
* -> "what one format says and another cannot is never lost"

Mapping: ReviewHeldQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: ReviewHeld
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure c: an agreed date to review it"

Mapping: ReviewChangedQS14
Id: nice-qs14
Title: "NICE quality standard QS14, statement 6"
Source: ReviewChanged
Target: "https://www.nice.org.uk/guidance/qs14/chapter/Quality-statement-6-Joint-care-planning"
* -> "measure c: an agreed date to review it"

Mapping: MhLegalStatusMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: MhLegalStatus
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "detention, guardianship, community treatment orders, conditional discharge"

Mapping: LegalStatusMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: LegalStatus
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "detention, guardianship, community treatment orders, conditional discharge"

Mapping: LegalConditionMha
Id: mha-1983
Title: "Mental Health Act 1983, as amended"
Source: LegalCondition
Target: "https://www.legislation.gov.uk/ukpga/1983/20"
* -> "conditions of a community treatment order or a conditional discharge"

Mapping: ContentHashOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ContentHash
Target: "https://w3id.org/fhir-mh"
* -> "a hash that travels with the plan, by which two copies of one version can be told to be the same"

Mapping: RaisedByOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: RaisedBy
Target: "https://w3id.org/fhir-mh"
* -> "in which capacity a concern was raised, by somebody who may remain unknown"

Mapping: ConcernPlaceOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ConcernPlace
Target: "https://w3id.org/fhir-mh"
* -> "the ward or house a concern is about, where an organisation has many"

Mapping: ReplyAtOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ReplyAt
Target: "https://w3id.org/fhir-mh"
* -> "when a concern was answered: replies are added and never replaced"

Mapping: ReplyByOwn
Id: fhir-mh
Title: "Needed to keep systems in step"
Source: ReplyBy
Target: "https://w3id.org/fhir-mh"
* -> "who answered a concern, named in words so that nobody's record is led to"
