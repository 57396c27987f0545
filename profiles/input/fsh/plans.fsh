// Goals, care plans, crisis plans, who agreed to them, who has a copy, and what is left to do.

Invariant: mh-goal-words
Description: "A goal stands in words, and not in codes alone."
Severity: #warning
Expression: "description.text.exists()"

Invariant: mh-goal-outcome
Description: "A goal says which outcome the person would prefer."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/preferred-outcome').exists()"

Extension: TargetAchievement
Id: target-achievement
Title: "How far a stage has come"
Description: "How far this stage of the goal has come; Goal.achievementStatus says it of the whole goal."
* insert Context(Goal.target)
* insert SimpleValue(CodeableConcept)
* valueCodeableConcept from http://hl7.org/fhir/ValueSet/goal-achievement (preferred)

Extension: TargetAchievedOn
Id: target-achieved-on
Title: "When a stage was reached"
Description: "The day on which this stage of the goal was reached."
* insert Context(Goal.target)
* insert SimpleValue(date)

Profile: MhGoal
Parent: Goal
Id: mh-goal
Title: "Goal"
Description: "What the person wants, in their own words, with the outcome they would prefer. UK Core has no Goal profile, so this one stands on R4 itself."
* insert ItemIdentifier
* obeys mh-goal-words and mh-goal-outcome
* extension contains PreferredOutcome named preferredOutcome 0..1
* target.extension contains
    TargetAchievement named achievement 0..1 and
    TargetAchievedOn named achievedOn 0..1
* insert GoalMeanings

Invariant: mh-next-review
Description: "The next review date is the earliest review that is still to be held."
Severity: #error
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').exists() implies (activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).scheduled.ofType(Period).start.where(toString() = %resource.extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').value.toString()).exists() and activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).scheduled.ofType(Period).start.where(toString() < %resource.extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').value.toString()).empty())"

Invariant: mh-review-planned
Description: "A plan in force has a review that is still to be held."
Severity: #warning
Expression: "status = 'active' implies activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).exists()"

Invariant: mh-review-dated
Description: "A review that is still to be held says when."
Severity: #warning
Expression: "activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).all(scheduled.ofType(Period).start.exists())"

Invariant: mh-review-owner
Description: "A review that is still to be held has an owner, who sees to it that it is held."
Severity: #warning
Expression: "activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).all(performer.exists())"

Invariant: mh-review-held
Description: "A review that was held says when, and one that says when is no longer scheduled."
Severity: #warning
Expression: "activity.where(detail.code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).all((detail.status = 'completed') = extension('https://w3id.org/fhir-mh/StructureDefinition/review-held').exists())"

// What a care plan and a crisis plan have in common.
RuleSet: Plan
* insert ItemIdentifier
* obeys mh-next-review and mh-review-planned and mh-review-dated and mh-review-owner and mh-review-held
* extension contains
    Custodian named custodian 0..1 and
    PlanVersion named planVersion 0..1 and
    ContentHash named contentHash 0..1 and
    NextReview named nextReview 0..1
* activity ^slicing.discriminator.type = #pattern
* activity ^slicing.discriminator.path = "detail.code"
* activity ^slicing.rules = #open
* activity contains review 0..*
* insert ActivityKind(review, $sct#425268008)
* activity.extension contains
    ReviewHeld named reviewHeld 0..1 and
    ReviewChanged named reviewChanged 0..1 and
    SocialInclusion named inclusion 0..1

Extension: SocialInclusion
Id: social-inclusion
Title: "Activity of social inclusion"
Description: "Which kind of activity that promotes social inclusion this is. An activity without it is an intervention."
* insert Context(CarePlan.activity)
* insert SimpleValue(code)
* valueCode from SocialInclusionVS (required)

CodeSystem: SocialInclusionKind
Id: social-inclusion
Title: "Activities of social inclusion"
Description: "The kinds of activity that promote social inclusion, as NICE QS14 names them."
* ^caseSensitive = true
* ^experimental = false
* #education "Education" "Learning, courses, training."
* #employment "Employment" "Paid work, and support to find or keep it."
* #volunteering "Volunteering" "Unpaid work for others."
* #leisure "Leisure" "What the person does for its own sake, alone or with others."
* #caring-for-dependants "Caring for dependants" "Caring for children or for adults who depend on the person."

ValueSet: SocialInclusionVS
Id: social-inclusion
Title: "Activities of social inclusion"
Description: "The kinds of activity that promote social inclusion, as NICE QS14 names them."
* ^experimental = false
* include codes from system SocialInclusionKind

// One kind of activity, known by its code.
RuleSet: ActivityKind(name, code)
* activity[{name}].detail 1..1
* activity[{name}].detail.code 1..1
* activity[{name}].detail.code = {code}

Profile: MhCarePlan
Parent: $ukc-care-plan
Id: mh-care-plan
Title: "Care plan"
Description: "The jointly agreed care plan: needs, goals, activities and reviews. A change is a new version of the same plan; `replaces` is for a different one."
* insert Plan
* insert CarePlanMeanings

Invariant: mh-contact-named
Description: "A crisis plan names whom to turn to."
Severity: #warning
Expression: "careTeam.exists()"

Invariant: mh-sign-answered
Description: "Each warning sign has an answer: what helps when it shows."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/unanswered-sign').empty()"

Invariant: mh-crisis-signs
Description: "Early warning signs are recorded. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'coping').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/unanswered-sign').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'warning-signs').exists()"

Invariant: mh-crisis-prevention
Description: "Support that may prevent an admission is recorded. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'prevention').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'prevention').exists()"

Invariant: mh-crisis-admission
Description: "Where the person would like to be admitted, and where not, is recorded. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/admission-preference').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'admission-preferences').exists()"

Invariant: mh-crisis-needs
Description: "What must be seen to during an admission is recorded. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'practical-need').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'practical-needs').exists()"

Invariant: mh-crisis-wishes
Description: "The advance statements and recorded refusals that belong to the plan are named. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "supportingInfo.where(type = 'Consent').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'wishes').exists()"

Invariant: mh-crisis-involvement
Description: "Whether and how far relatives and carers are involved is recorded. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/carer-involvement').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'involvement').exists()"

Invariant: mh-crisis-services
Description: "Services that can be reached at any hour are named. Nothing to record counts, once it was asked."
Severity: #warning
Expression: "supportingInfo.where(type = 'HealthcareService').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'services').exists()"

Invariant: mh-nothing-for
Description: "An item for which there is said to be nothing to record has nothing recorded."
Severity: #error
Expression: "(extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'warning-signs').exists() implies (activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'coping').exists() or extension('https://w3id.org/fhir-mh/StructureDefinition/unanswered-sign').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'prevention').exists() implies (activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'prevention').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'admission-preferences').exists() implies (extension('https://w3id.org/fhir-mh/StructureDefinition/admission-preference').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'practical-needs').exists() implies (activity.detail.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/crisis-plan-item' and code = 'practical-need').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'wishes').exists() implies (supportingInfo.where(type = 'Consent').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'involvement').exists() implies (extension('https://w3id.org/fhir-mh/StructureDefinition/carer-involvement').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'services').exists() implies (supportingInfo.where(type = 'HealthcareService').exists()).not()) and (extension('https://w3id.org/fhir-mh/StructureDefinition/nothing-for').value.where($this = 'contacts').exists() implies (careTeam.exists()).not())"

Extension: NothingFor
Id: nothing-for
Title: "Nothing to record"
Description: "An item of the crisis plan that was talked through and for which there is nothing to record, which is not the same as an item that nobody has asked about."
* insert Context(CarePlan)
* insert SimpleValue(code)
* valueCode from CrisisPlanPartVS (required)

CodeSystem: CrisisPlanPart
Id: crisis-plan-part
Title: "Parts of a crisis plan"
Description: "The eight items of a crisis plan in NICE CG136."
* ^caseSensitive = true
* ^experimental = false
* #warning-signs "Warning signs" "Early warning signs and what helps then."
* #prevention "Prevention" "Support that may prevent an admission."
* #admission-preferences "Admission preferences" "Where the person would like to be admitted, and where not."
* #practical-needs "Practical needs" "What must be seen to during an admission."
* #wishes "Wishes" "Advance statements and recorded refusals."
* #involvement "Involvement" "Whether and how far relatives and carers are involved."
* #services "Services at any hour" "Where help is found at any hour."
* #contacts "Contacts" "Whom to turn to, by name."

ValueSet: CrisisPlanPartVS
Id: crisis-plan-part
Title: "Parts of a crisis plan"
Description: "The eight items of a crisis plan in NICE CG136."
* ^experimental = false
* include codes from system CrisisPlanPart

Profile: MhCrisisPlan
Parent: $ukc-care-plan
Id: mh-crisis-plan
Title: "Crisis plan"
Description: "What to do when a crisis comes near: warning signs and what helps, how an admission may be prevented, where the person would and would not like to be admitted, what must be seen to meanwhile, their wishes, who is involved, where help is found at any hour and whom to turn to. Incomplete plans are accepted, with warnings."
* insert Plan
* obeys mh-contact-named and mh-sign-answered and mh-nothing-for
* obeys mh-crisis-signs and mh-crisis-prevention and mh-crisis-admission and mh-crisis-needs and mh-crisis-wishes and mh-crisis-involvement and mh-crisis-services
* intent = #plan
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains crisisPlan 1..1
* category[crisisPlan] = $sct#736253002
* category[crisisPlan] ^short = "Mental health crisis plan"
* supportingInfo ^slicing.discriminator.type = #value
* supportingInfo ^slicing.discriminator.path = "type"
* supportingInfo ^slicing.rules = #open
* supportingInfo contains consent 0..* and healthcareService 0..*
* supportingInfo[consent].type 1..1
* supportingInfo[consent].type = "Consent"
* supportingInfo[healthcareService].type 1..1
* supportingInfo[healthcareService].type = "HealthcareService"
* activity contains coping 0..* and prevention 0..* and practicalNeed 0..*
* insert ActivityKind(coping, CrisisPlanItem#coping)
* insert ActivityKind(prevention, CrisisPlanItem#prevention)
* insert ActivityKind(practicalNeed, CrisisPlanItem#practical-need)
* extension contains
    UnansweredSign named unansweredSign 0..* and
    NothingFor named nothingFor 0..8 and
    AdmissionPreference named admissionPreference 0..* and
    CarerInvolvement named carerInvolvement 0..*
* insert CrisisPlanMeanings

Invariant: mh-contact-listed
Description: "The list of crisis contacts is not empty."
Severity: #warning
Expression: "participant.member.exists()"

Profile: MhCrisisContacts
Parent: $ukc-care-team
Id: mh-crisis-contacts
Title: "Crisis contacts"
Description: "Whom to turn to in a crisis, in which order and for what. How they are reached stands in the resources of the contacts themselves."
* insert ItemIdentifier
* obeys mh-contact-listed
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains crisisContacts 1..1
* category[crisisContacts] = CareTeamKind#crisis-contacts
* participant.extension contains ContactOrder named contactOrder 0..1
* insert CrisisContactsMeanings

Invariant: mh-agreement-version
Description: "An agreement says to which version of the plan it was given."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/agreement').extension('plan-version').exists()"

Invariant: mh-agreement-reason
Description: "Who agrees in part, or not, says to what not, or why."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/agreement').all(extension('decision').value.exists($this = 'partly' or $this = 'declined') implies extension('reason').exists())"

Extension: ItemNamed
Id: item
Title: "The item's id"
Description: "The item's id, minted once and carried through every format, on a resource that R4 gives no identifier."
* insert Context(Provenance)
* insert SimpleValue(Identifier)
* valueIdentifier.system 1..1
* valueIdentifier.system = $item-id
* valueIdentifier.value 1..1

Profile: MhAgreement
Parent: $ukc-provenance
Id: mh-agreement
Title: "Agreement"
Description: "What one party said to one version of a plan. A later change to the plan leaves the agreement as it was: it is to the version named."
* target 1..1
* activity 1..1
* activity = ProvenanceActivity#agreement
* obeys mh-agreement-version and mh-agreement-reason
* extension contains
    Agreement named agreement 1..1 and
    ItemNamed named item 0..1
* insert AgreementMeanings

Invariant: mh-copy-reason
Description: "Where no copy was given, the reason is said."
Severity: #warning
Expression: "status = 'not-done' implies statusReason.exists()"

Invariant: mh-copy-dated
Description: "A copy that was given says when, and of which version of the plan it is."
Severity: #warning
Expression: "status = 'completed' implies (sent.exists() and extension('https://w3id.org/fhir-mh/StructureDefinition/plan-version').exists())"

Profile: MhCopyGiven
Parent: $ukc-communication
Id: mh-copy-given
Title: "Copy of the plan"
Description: "To whom a copy of the plan was given, or who declined one and why (status `not-done` and its reason)."
* insert ItemIdentifier
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains copy 1..1
* category[copy] = CommunicationKind#copy-of-plan
* obeys mh-copy-reason and mh-copy-dated
* extension contains PlanVersion named planVersion 0..1
* insert CopyGivenMeanings

Profile: MhTask
Parent: $ukc-task
Id: mh-task
Title: "Task"
Description: "Something for somebody to do: settle a conflict between two texts, chase a review, find out who is meant. Both texts of a conflict are inputs, each with its words."
* insert ItemIdentifier
* code 1..1
* code from TaskKindVS (required)
* extension contains TaskField named taskField 0..1
* insert TaskMeanings
