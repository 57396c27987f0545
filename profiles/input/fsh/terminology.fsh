// Local code systems: what no published code system says, or says in a way that STANDARDS marks unconfirmed.
// Each has a value set of all its codes.

CodeSystem: CrisisPlanItem
Id: crisis-plan-item
Title: "Items of a crisis plan"
Description: "Which of the crisis plan's items an activity is."
* ^caseSensitive = true
* ^experimental = false
* #coping "Coping strategy" "What helps when the warning sign in the activity's reason shows."
* #prevention "Support to prevent admission" "Support that may make an admission unnecessary."
* #practical-need "Practical need" "What must be seen to if the person is admitted."

ValueSet: CrisisPlanItemVS
Id: crisis-plan-item
Title: "Items of a crisis plan"
Description: "Which of the crisis plan's items an activity is."
* ^experimental = false
* include codes from system CrisisPlanItem

CodeSystem: PracticalNeed
Id: practical-need
Title: "Practical needs"
Description: "What must be seen to while the person is in hospital."
* ^caseSensitive = true
* ^experimental = false
* #children "Children" "Children in the person's care."
* #dependants "Dependants" "Adults who depend on the person."
* #pets "Pets" "Animals in the person's care."
* #home "Home" "Home, bills, post, belongings."
* #other "Other" "Something else."

ValueSet: PracticalNeedVS
Id: practical-need
Title: "Practical needs"
Description: "What must be seen to while the person is in hospital."
* ^experimental = false
* include codes from system PracticalNeed

CodeSystem: CareTeamKind
Id: care-team-kind
Title: "Kinds of care team"
Description: "What a care team is for."
* ^caseSensitive = true
* ^experimental = false
* #crisis-contacts "Crisis contacts" "Whom to turn to in a crisis."

ValueSet: CareTeamKindVS
Id: care-team-kind
Title: "Kinds of care team"
Description: "What a care team is for."
* ^experimental = false
* include codes from system CareTeamKind

CodeSystem: ProvenanceActivity
Id: provenance-activity
Title: "Recorded acts"
Description: "What a provenance records."
* ^caseSensitive = true
* ^experimental = false
* #agreement "Agreement" "One party said what it thinks of one version of a plan."

ValueSet: ProvenanceActivityVS
Id: provenance-activity
Title: "Recorded acts"
Description: "What a provenance records."
* ^experimental = false
* include codes from system ProvenanceActivity

CodeSystem: CommunicationKind
Id: communication-kind
Title: "Kinds of communication"
Description: "What was communicated."
* ^caseSensitive = true
* ^experimental = false
* #copy-of-plan "Copy of the plan" "A copy of the plan was given, or offered and declined."

ValueSet: CommunicationKindVS
Id: communication-kind
Title: "Kinds of communication"
Description: "What was communicated."
* ^experimental = false
* include codes from system CommunicationKind

CodeSystem: TaskKind
Id: task-kind
Title: "Kinds of task"
Description: "What is to be done."
* ^caseSensitive = true
* ^experimental = false
* #conflict "Conflict" "Two sides changed the same field: decide what stands."
* #identity "Identity" "It is not certain whose record this is."
* #review "Review" "A review is due or overdue."
* #unclear-item "Unclear item" "An item could be matched with more than one here."
* #incomplete-plan "Incomplete plan" "Something that a plan should have is missing."
* #agreement "Agreement" "A plan has changed since it was agreed: ask again."
* #treatment-review "Treatment review" "A care (education) and treatment review is due or overdue."
* #visit "Visit" "A visit to the person is due or overdue."
* #follow-up "Follow-up" "Contact after discharge is due or overdue."
* #discharge-date "Discharge date" "The estimated date of discharge has passed, or there is none."
* #placement "Placement" "A claim waits to be confirmed, a ward has asked for the plan, two placements overlap, or a stay goes on after its placement ended."

ValueSet: TaskKindVS
Id: task-kind
Title: "Kinds of task"
Description: "What is to be done."
* ^experimental = false
* include codes from system TaskKind

CodeSystem: WishAbout
Id: wish-about
Title: "Subjects of a wish"
Description: "What a wish is about."
* ^caseSensitive = true
* ^experimental = false
* #treatment "Treatment" "Treatment other than medicines."
* #medication "Medication" "Medicines."
* #care "Care" "How care is given."
* #daily-life "Daily life" "Food, sleep, clothes, company and the like."
* #family "Family" "Family and friends."
* #spiritual "Spiritual" "Faith, belief and meaning."
* #other "Other" "Something else."

ValueSet: WishAboutVS
Id: wish-about
Title: "Subjects of a wish"
Description: "What a wish is about."
* ^experimental = false
* include codes from system WishAbout

CodeSystem: PlanKind
Id: plan-kind
Title: "Kinds of plan"
Description: "What a CarePlan holds, where no published code says it."
* ^caseSensitive = true
* ^experimental = false
* #care-and-treatment-plan "Statutory care and treatment plan" "The statutory care and treatment plan of somebody detained, once the law asks for one."
* #advance-wishes "Advance wishes" "The wishes of an advance statement and nothing else."

ValueSet: PlanKindVS
Id: plan-kind
Title: "Kinds of plan"
Description: "What a CarePlan holds, where no published code says it."
* ^experimental = false
* include codes from system PlanKind

CodeSystem: DirectiveKind
Id: directive-kind
Title: "Kinds of directive"
Description: "What a Consent records."
* ^caseSensitive = true
* ^experimental = false
* #advance-statement "Advance statement" "Wishes to be considered."
* #recorded-refusal "Recorded refusal" "Treatment refused in advance: check validity and applicability."
* #nominated-person "Nominated person" "Whom the person wants as their nominated person."
* #power-of-attorney "Lasting power of attorney" "Who decides for the person, of what, and what is known of it."
* #advance-choice-document "Advance choice document" "A document whose statements each count as what they are typed."
* #sharing-preference "Sharing preference" "What may be shared, and what not."

ValueSet: DirectiveKindVS
Id: directive-kind
Title: "Kinds of directive"
Description: "What a Consent records."
* ^experimental = false
* include codes from system DirectiveKind

CodeSystem: PolicyRule
Id: policy
Title: "Policies"
Description: "What is to be made of a directive."
* ^caseSensitive = true
* ^experimental = false
* #to-be-considered "To be considered" "Wishes to be taken into account; neither a permission nor a refusal."
* #recorded-refusal "Recorded refusal: check validity and applicability" "Whether it binds is judged at the bedside."
* #as-recorded "As recorded" "A fact is recorded; nothing here permits or refuses."
* #as-typed "Each statement as it is typed" "Each statement counts as what it is typed, and as nothing more."
* #as-stated "As the person stated" "The provisions say it all; no other policy is named."

ValueSet: PolicyRuleVS
Id: policy
Title: "Policies"
Description: "What is to be made of a directive."
* ^experimental = false
* include codes from system PolicyRule

CodeSystem: Section
Id: section
Title: "Sections of the plan"
Description: "The parts of what is held that can be shared or withheld."
* ^caseSensitive = true
* ^experimental = false
* #demographics "Demographics" "Who the person is."
* #contacts "Contacts" "Family, carers, professionals, services."
* #support-needs "Support needs" "Reasonable adjustments, a learning disability, autism."
* #care-plan "Care plan" "The care plan with its goals, agreements and copies."
* #crisis-plan "Crisis plan" "The crisis plan and its contacts."
* #advance-wishes "Advance wishes" "Statements, recorded refusals and their originals."
* #legal-status "Legal status" "The person's status under the Mental Health Act over time."
* #sharing "Sharing preferences" "The person's sharing preferences themselves."
* #placement "Placement" "The placement and the stay."
* #tasks "Tasks" "What is left to do."

ValueSet: SectionVS
Id: section
Title: "Sections of the plan"
Description: "The parts of what is held that can be shared or withheld."
* ^experimental = false
* include codes from system Section

CodeSystem: PlacementKind
Id: placement-kind
Title: "Placement and stay"
Description: "The two sides of a placement."
* ^caseSensitive = true
* ^experimental = false
* #rehabilitation-placement "Placement in mental health rehabilitation" "The request to admit."
* #rehabilitation-stay "Stay in mental health rehabilitation" "The stay itself."

ValueSet: PlacementKindVS
Id: placement-kind
Title: "Placement and stay"
Description: "The two sides of a placement."
* ^experimental = false
* include codes from system PlacementKind

CodeSystem: PlacementLevel
Id: placement-level
Title: "Levels of rehabilitation service"
Description: "The level of a mental health rehabilitation inpatient service."
* ^caseSensitive = true
* ^experimental = false
* #1 "Level 1" "Level 1 mental health rehabilitation inpatient service."
* #2 "Level 2" "Level 2 mental health rehabilitation inpatient service."

ValueSet: PlacementLevelVS
Id: placement-level
Title: "Levels of rehabilitation service"
Description: "The level of a mental health rehabilitation inpatient service."
* ^experimental = false
* include codes from system PlacementLevel

CodeSystem: OutOfAreaReasonCode
Id: out-of-area-reason
Title: "Reasons for being out of area"
Description: "Why a person is placed outside their own area."
* ^caseSensitive = true
* ^experimental = false
* #bed-unavailable "Bed unavailable" "No suitable bed nearer home."
* #safeguarding "Safeguarding" "To keep the person or others safe."
* #offending "Offending" "Because of an offence or a court's restriction."
* #staff-or-family-at-referrer "Staff member or relative at the referring provider" "To keep care apart from colleagues or family."
* #choice "Choice" "The person chose it."
* #unknown "Unknown" "The reason is not known."

ValueSet: OutOfAreaReasonVS
Id: out-of-area-reason
Title: "Reasons for being out of area"
Description: "Why a person is placed outside their own area."
* ^experimental = false
* include codes from system OutOfAreaReasonCode

CodeSystem: GoalMeasure
Id: goal-measure
Title: "Goal measures"
Description: "How a target of a goal is measured, where no published measure is named."
* ^caseSensitive = true
* ^experimental = false
* #as-described "As described" "The target's own words say it."

ValueSet: GoalMeasureVS
Id: goal-measure
Title: "Goal measures"
Description: "How a target of a goal is measured, where no published measure is named."
* ^experimental = false
* include codes from system GoalMeasure

CodeSystem: SpeakerRole
Id: speaker-role
Title: "Who speaks"
Description: "In which capacity somebody said a text."
* ^caseSensitive = true
* ^experimental = false
* #person "The person" "The person themselves."
* #carer "Carer" "Somebody who cares for the person."
* #family "Family" "A relative."
* #advocate "Advocate" "An advocate."
* #attorney "Attorney" "Somebody with a lasting power of attorney, or a deputy."
* #clinician "Clinician" "A professional."
* #other "Other" "Somebody else."

ValueSet: SpeakerRoleVS
Id: speaker-role
Title: "Who speaks"
Description: "In which capacity somebody said a text."
* ^experimental = false
* include codes from system SpeakerRole

CodeSystem: ThirdParty
Id: third-party
Title: "Third parties"
Description: "How a text concerns somebody other than the person."
* ^caseSensitive = true
* ^experimental = false
* #about "About" "It is about somebody else."
* #from "From" "It came from somebody else."

ValueSet: ThirdPartyVS
Id: third-party
Title: "Third parties"
Description: "How a text concerns somebody other than the person."
* ^experimental = false
* include codes from system ThirdParty

CodeSystem: AdmissionPreferenceKind
Id: admission-preference-kind
Title: "Admission preferences"
Description: "Whether a place of admission is wanted."
* ^caseSensitive = true
* ^experimental = false
* #prefer "Preferred" "The person would like to be admitted there."
* #avoid "To be avoided" "The person would not like to be admitted there."

ValueSet: AdmissionPreferenceKindVS
Id: admission-preference-kind
Title: "Admission preferences"
Description: "Whether a place of admission is wanted."
* ^experimental = false
* include codes from system AdmissionPreferenceKind

CodeSystem: InvolvementDegree
Id: involvement-degree
Title: "Degrees of involvement"
Description: "How far a relative or carer is involved."
* ^caseSensitive = true
* ^experimental = false
* #full "Full" "In everything."
* #some "Some" "In some things."
* #none "None" "In nothing."

ValueSet: InvolvementDegreeVS
Id: involvement-degree
Title: "Degrees of involvement"
Description: "How far a relative or carer is involved."
* ^experimental = false
* include codes from system InvolvementDegree

CodeSystem: AgreementParty
Id: agreement-party
Title: "Parties to a plan"
Description: "Who agrees to a plan."
* ^caseSensitive = true
* ^experimental = false
* #person "The person" "The person themselves."
* #carer "Carer" "Somebody who cares for the person."
* #family "Family" "A relative."
* #advocate "Advocate" "An advocate."
* #clinician "Clinician" "A professional."
* #other "Other" "Somebody else."

ValueSet: AgreementPartyVS
Id: agreement-party
Title: "Parties to a plan"
Description: "Who agrees to a plan."
* ^experimental = false
* include codes from system AgreementParty

CodeSystem: AgreementDecision
Id: agreement-decision
Title: "What a party said to a plan"
Description: "What a party said to a plan."
* ^caseSensitive = true
* ^experimental = false
* #agreed "Agreed" "To all of it."
* #partly "Partly agreed" "To some of it; the reason says what not."
* #declined "Declined" "To none of it."
* #unable "Unable" "The party could not say."

ValueSet: AgreementDecisionVS
Id: agreement-decision
Title: "What a party said to a plan"
Description: "What a party said to a plan."
* ^experimental = false
* include codes from system AgreementDecision
