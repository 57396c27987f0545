// The placement as agreed by who places, and the stay as kept by who admits, with leave and the way home.

// --- what placements and meetings have in common

RuleSet: AgreedAction
* insert Part(description, 1..1, string, [[What is to be done]])
* insert Part(owner, 0..1, [[Reference(PractitionerRole or CareTeam or Organization or RelatedPerson)]], [[Who sees to it]])
* insert Part(due, 0..1, date, [[By when]])
* insert Part(done-on, 0..1, date, [[When it was done]])

Extension: DischargeStep
Id: discharge-step
Title: "Step of the discharge plan"
Description: "Something that is to be done for the person to go home: by whom, by when, and when it was done."
* insert Context(Encounter)
* insert AgreedAction

Extension: TermHistory
Id: term-history
Title: "A term as it stood"
Description: "What one of the agreed terms was from one moment on, why, and who recorded it. Repeats: nothing is taken away, and the entry recorded last says what its element says."
* insert Context(ServiceRequest)
* insert Context(Encounter)
* insert CodedPart(term, 1..1, PlacementTermVS, [[Which term]])
* insert Part(value, 1..1, string, [[What it was: a level, a code, an ODS code, or words]])
* insert Part(recorded-at, 1..1, dateTime, [[From when]])
* insert Part(reason, 0..1, string, [[Why]])
* insert Part(recorded-by, 0..1, string, [[Who recorded it]])

Extension: Leave
Id: leave
Title: "Leave"
Description: "Leave from the ward: from and until when, of which kind, with whom, on which conditions, and when the person came back."
* insert Context(Encounter)
* insert CodedPart(kind, 1..1, LeaveKindVS, [[Of which kind]])
* insert Part(period, 0..1, Period, [[From and until when]])
* insert Part(with, 0..*, [[Reference(RelatedPerson or PractitionerRole)]], [[With whom]])
* insert Part(conditions, 0..1, string, [[On which conditions]])
* insert Part(returned-at, 0..1, dateTime, [[When the person came back]])

CodeSystem: PlacementTerm
Id: placement-term
Title: "Terms of a placement"
Description: "What is agreed about a placement and may change."
* ^caseSensitive = true
* ^experimental = false
* #level "Level" "The level of the service."
* #out-of-area-reason "Reason for being out of area" "Why the person is placed outside their own area."
* #placing-commissioner "Placing commissioner" "Who places and stays responsible, by ODS code."
* #host-commissioner "Host commissioner" "Whose area the service lies in, by ODS code."
* #purpose "Purpose of the admission" "What the admission is for."
* #interventions "Assessments and interventions" "The specific assessments and interventions."
* #ward "Ward" "The ward the person is on."
* #status "Status" "How far the placement or the stay has come: opened, ended, opened again."

ValueSet: PlacementTermVS
Id: placement-term
Title: "Terms of a placement"
Description: "What is agreed about a placement and may change."
* ^experimental = false
* include codes from system PlacementTerm

CodeSystem: LeaveKind
Id: leave-kind
Title: "Kinds of leave"
Description: "With whom somebody is on leave."
* ^caseSensitive = true
* ^experimental = false
* #escorted "Escorted" "With staff."
* #accompanied "Accompanied" "With family, a friend or a carer."
* #unescorted "Unescorted" "Alone."
* #other "Other" "Otherwise; the conditions say how."

ValueSet: LeaveKindVS
Id: leave-kind
Title: "Kinds of leave"
Description: "With whom somebody is on leave."
* ^experimental = false
* include codes from system LeaveKind

CodeSystem: FormerServiceTerm
Id: former-service-term
Title: "Former terms of rehabilitation services"
Description: "What rehabilitation services were called before, or are called by some, and which the guidance does not recognise."
* ^caseSensitive = true
* ^experimental = false
* #community-rehabilitation-unit "Community rehabilitation unit" "Now a level 1 service."
* #high-dependency-rehabilitation-unit "High dependency rehabilitation unit" "Now a level 2 service."
* #locked-rehabilitation-unit "Locked rehabilitation unit" "Not recognised: it says nothing of the level."

ValueSet: FormerServiceTermVS
Id: former-service-term
Title: "Former terms of rehabilitation services"
Description: "What rehabilitation services were called before, or are called by some, and which the guidance does not recognise."
* ^experimental = false
* include codes from system FormerServiceTerm

Instance: former-service-terms
InstanceOf: ConceptMap
Usage: #definition
* url = "https://w3id.org/fhir-mh/ConceptMap/former-service-terms"
* name = "FormerServiceTerms"
* title = "Former terms of rehabilitation services to levels"
* status = #draft
* description = "The levels that older terms mean. What maps to nothing is reported and never stored as the type of a service. Source: NHS England's commissioner guidance for mental health rehabilitation inpatient services, 2024."
* group.source = "https://w3id.org/fhir-mh/CodeSystem/former-service-term"
* group.target = "https://w3id.org/fhir-mh/CodeSystem/placement-level"
* group.element[0].code = #community-rehabilitation-unit
* group.element[0].target.code = #1
* group.element[0].target.equivalence = #equivalent
* group.element[1].code = #high-dependency-rehabilitation-unit
* group.element[1].target.code = #2
* group.element[1].target.equivalence = #equivalent
* group.element[2].code = #locked-rehabilitation-unit
* group.element[2].target.equivalence = #unmatched

Invariant: mh-placement-level
Description: "A placement says the level of the service."
Severity: #warning
Expression: "code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/placement-level').exists()"

Invariant: mh-placement-commissioner
Description: "A placement names the commissioner that places."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/placing-commissioner').exists()"

Invariant: mh-placement-purpose
Description: "A placement says what the admission is for."
Severity: #warning
Expression: "reasonCode.exists()"

Invariant: mh-placement-reason
Description: "Where somebody is placed in the area of another commissioner, the reason is said."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/host-commissioner').exists() implies extension('https://w3id.org/fhir-mh/StructureDefinition/out-of-area-reason').exists()"

Invariant: mh-term-history
Description: "The entry of the history that was recorded last says what is in force."
Severity: #warning
Expression: "(extension('https://w3id.org/fhir-mh/StructureDefinition/term-history').where(extension('term').value = 'level').exists() implies (code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/placement-level').code.exists() and code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/placement-level').code = extension('https://w3id.org/fhir-mh/StructureDefinition/term-history').where(extension('term').value = 'level').last().extension('value').value)) and (extension('https://w3id.org/fhir-mh/StructureDefinition/term-history').where(extension('term').value = 'out-of-area-reason').exists() implies (extension('https://w3id.org/fhir-mh/StructureDefinition/out-of-area-reason').value.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/out-of-area-reason').code.exists() and extension('https://w3id.org/fhir-mh/StructureDefinition/out-of-area-reason').value.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/out-of-area-reason').code = extension('https://w3id.org/fhir-mh/StructureDefinition/term-history').where(extension('term').value = 'out-of-area-reason').last().extension('value').value))"

Invariant: mh-term-reason
Description: "An agreed term that changed says why, and who recorded it."
Severity: #warning
Expression: "extension('https://w3id.org/fhir-mh/StructureDefinition/estimated-discharge-date').skip(1).all(extension('reason').exists() and extension('recorded-by').exists()) and extension('https://w3id.org/fhir-mh/StructureDefinition/anticipated-length-of-stay').skip(1).all(extension('reason').exists() and extension('recorded-by').exists()) and extension('https://w3id.org/fhir-mh/StructureDefinition/term-history').all(extension('reason').exists() and extension('recorded-by').exists())"

Invariant: mh-stay-estimate
Description: "A stay under way has an estimated date of discharge."
Severity: #warning
Expression: "(status = 'in-progress' or status = 'onleave') implies extension('https://w3id.org/fhir-mh/StructureDefinition/estimated-discharge-date').exists()"

Invariant: mh-stay-ended
Description: "A stay that is over says when, and where the person went."
Severity: #warning
Expression: "status = 'finished' implies (period.end.exists() and (hospitalization.dischargeDisposition.exists() or hospitalization.destination.exists()))"

// --- profiles

Profile: MhPlacement
Parent: $ukc-service-request
Id: mh-placement
Title: "Placement"
Description: "The request to admit the person to a level 1 or level 2 mental health rehabilitation inpatient service, with the commissioners and the reason where that is out of area."
* insert ItemIdentifier
* intent = #order
* category contains placement 1..1
* category[placement].coding 1..1
* category[placement].coding.system 1..1
* category[placement].coding.system = Canonical(PlacementKind)
* category[placement].coding.code 1..1
* category[placement].coding.code = #rehabilitation-placement
* extension contains
    Custodian named custodian 0..1 and
    PlacingCommissioner named placingCommissioner 0..1 and
    HostCommissioner named hostCommissioner 0..1 and
    OutOfAreaReason named outOfAreaReason 0..1 and
    TermHistory named history 0..*
* obeys mh-placement-level and mh-placement-commissioner and mh-placement-purpose and mh-placement-reason
* obeys mh-term-history and mh-term-reason
* insert PlacementMeanings

Profile: MhStay
Parent: $ukc-encounter
Id: mh-stay
Title: "Stay"
Description: "The stay itself, kept by the provider that admits. Estimated discharge and length of stay hold their whole history: each value, from when, why and by whom; the one recorded last is in force."
* insert ItemIdentifier
* class = $act-code#IMP
* type ^slicing.discriminator.type = #pattern
* type ^slicing.discriminator.path = "$this"
* type ^slicing.rules = #open
* type contains stay 1..1
* type[stay] = PlacementKind#rehabilitation-stay
* extension contains
    Custodian named custodian 0..1 and
    EstimatedDischargeDate named estimatedDischarge 0..* and
    AnticipatedLengthOfStay named lengthOfStay 0..* and
    DischargeDelay named delay 0..* and
    TermHistory named history 0..* and
    DischargeStep named dischargeStep 0..* and
    Leave named leave 0..*
* obeys mh-term-reason and mh-stay-estimate and mh-stay-ended
* insert StayMeanings
