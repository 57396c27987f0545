// Goals, care plans, crisis plans, who agreed to them, who has a copy, and what is left to do.

Profile: MhGoal
Parent: Goal
Id: mh-goal
Title: "Goal"
Description: "What the person wants, in their own words, with the outcome they would prefer. UK Core has no Goal profile, so this one stands on R4 itself."
* insert ItemIdentifier
* extension contains PreferredOutcome named preferredOutcome 0..1

Invariant: mh-next-review
Description: "The next review date is the earliest review that is still to be held."
Severity: #error
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').exists() implies (activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).scheduled.ofType(Period).start.where(toString() = %resource.extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').value.toString()).exists() and activity.detail.where(status = 'scheduled' and code.coding.where(system = 'http://snomed.info/sct' and code = '425268008').exists()).scheduled.ofType(Period).start.where(toString() < %resource.extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').value.toString()).empty())"

// What a care plan and a crisis plan have in common.
RuleSet: Plan
* insert ItemIdentifier
* obeys mh-next-review
* extension contains
    Custodian named custodian 0..1 and
    PlanVersion named planVersion 0..1 and
    NextReview named nextReview 0..1
* activity.extension contains
    ReviewHeld named reviewHeld 0..1 and
    ReviewChanged named reviewChanged 0..1

Profile: MhCarePlan
Parent: $ukc-care-plan
Id: mh-care-plan
Title: "Care plan"
Description: "The jointly agreed care plan: needs, goals, activities and reviews. A change is a new version of the same plan; `replaces` is for a different one."
* insert Plan

Invariant: mh-contact-named
Description: "A crisis plan names whom to turn to."
Severity: #warning
Expression: "careTeam.exists()"

Invariant: mh-sign-answered
Description: "Each warning sign has an answer: what helps when it shows."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/unanswered-sign').empty()"

Profile: MhCrisisPlan
Parent: $ukc-care-plan
Id: mh-crisis-plan
Title: "Crisis plan"
Description: "What to do when a crisis comes near: warning signs and what helps, how an admission may be prevented, where the person would and would not like to be admitted, what must be seen to meanwhile, their wishes, who is involved, where help is found at any hour and whom to turn to. Incomplete plans are accepted, with warnings."
* insert Plan
* obeys mh-contact-named and mh-sign-answered
* intent = #plan
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains crisisPlan 1..1
* category[crisisPlan] = $sct#736253002
* category[crisisPlan] ^short = "Mental health crisis plan"
* extension contains
    UnansweredSign named unansweredSign 0..* and
    AdmissionPreference named admissionPreference 0..* and
    CarerInvolvement named carerInvolvement 0..*

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

Profile: MhAgreement
Parent: $ukc-provenance
Id: mh-agreement
Title: "Agreement"
Description: "What one party said to one version of a plan. A later change to the plan leaves the agreement as it was: it is to the version named."
* target 1..1
* activity 1..1
* activity = ProvenanceActivity#agreement
* extension contains Agreement named agreement 1..1

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

Profile: MhTask
Parent: $ukc-task
Id: mh-task
Title: "Task"
Description: "Something for somebody to do: settle a conflict between two texts, chase a review, find out who is meant. Both texts of a conflict are inputs, each with its words."
* insert ItemIdentifier
* code 1..1
* code from TaskKindVS (required)
* extension contains TaskField named taskField 0..1
