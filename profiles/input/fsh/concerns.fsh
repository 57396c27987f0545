// A safety concern stands apart from everything about the person: in nobody's compartment, in no lane, in no record.

Extension: RaisedBy
Id: raised-by
Title: "Who raised it"
Description: "In which capacity a concern was raised, and by whom and how they can be reached, unless they want to remain unknown."
* insert Context(Task)
* insert CodedPart(capacity, 1..1, ConcernCapacityVS, [[In which capacity]])
* insert Part(name, 0..1, string, [[By whom]])
* insert Part(contact, 0..1, ContactPoint, [[How they can be reached]])

Extension: ConcernPlace
Id: concern-place
Title: "Place of the concern"
Description: "The ward, house or service in question, in words."
* insert Context(Task)
* insert SimpleValue(string)

Extension: ReplyAt
Id: reply-at
Title: "When it was answered"
Description: "When the reply was given."
* insert Context(Task.output)
* insert SimpleValue(dateTime)

Extension: ReplyBy
Id: reply-by
Title: "Who answered"
Description: "Who gave the reply, in words."
* insert Context(Task.output)
* insert SimpleValue(string)

CodeSystem: ConcernKind
Id: concern-kind
Title: "Concerns and replies"
Description: "What a Task that is no part of anybody's record is."
* ^caseSensitive = true
* ^experimental = false
* #safety-concern "Safety concern" "A concern about the safety of care, for another organisation than the one concerned to look into."
* #reply "Reply" "What was answered to it."

ValueSet: ConcernKindVS
Id: concern-kind
Title: "Concerns and replies"
Description: "What a Task that is no part of anybody's record is."
* ^experimental = false
* include codes from system ConcernKind

CodeSystem: ConcernCapacity
Id: concern-capacity
Title: "Who raises a concern"
Description: "In which capacity somebody raises a concern."
* ^caseSensitive = true
* ^experimental = false
* #person "The person" "The person whose care it is."
* #carer "Carer" "Somebody who cares for the person."
* #family "Family" "A relative."
* #advocate "Advocate" "An advocate."
* #other "Other" "Somebody else."

ValueSet: ConcernCapacityVS
Id: concern-capacity
Title: "Who raises a concern"
Description: "In which capacity somebody raises a concern."
* ^experimental = false
* include codes from system ConcernCapacity

Invariant: mh-concern-apart
Description: "A concern points at nothing: who it is about and who owns it are organisations, named by their codes."
Severity: #error
Expression: "focus.reference.empty() and owner.reference.empty() and owner.identifier.value != focus.identifier.value"

Invariant: mh-concern-due
Description: "A concern says by when it is to be answered."
Severity: #warning
Expression: "restriction.period.end.exists()"

Invariant: mh-concern-answered
Description: "A concern that is closed has a reply."
Severity: #warning
Expression: "(status = 'completed' or status = 'rejected') implies output.value.exists()"

Profile: MhSafetyConcern
Parent: $ukc-task
Id: mh-safety-concern
Title: "Safety concern"
Description: "A concern about the safety of care at one organisation, raised by the person, a carer or an advocate, perhaps without their name, for another organisation to look into and answer. It names nobody whose care it is and stands in nobody's compartment."
* insert ItemIdentifier
* intent = #order
* code 1..1
* code.coding ^slicing.discriminator.type = #pattern
* code.coding ^slicing.discriminator.path = "$this"
* code.coding ^slicing.rules = #open
* code.coding contains concern 1..1
* code.coding[concern] = ConcernKind#safety-concern
* for 0..0
* encounter 0..0
* basedOn 0..0
* partOf 0..0
* requester 0..0
* reasonReference 0..0
* relevantHistory 0..0
* location 0..0
* input 0..0
* description 1..1
* focus 1..1
* focus.identifier 1..1
* focus.identifier.system 1..1
* focus.identifier.system = $ods
* focus.identifier.value 1..1
* owner 1..1
* owner.identifier 1..1
* owner.identifier.system 1..1
* owner.identifier.system = $ods
* owner.identifier.value 1..1
* obeys mh-concern-apart and mh-concern-due and mh-concern-answered
* extension contains
    RaisedBy named raisedBy 1..1 and
    ConcernPlace named place 0..1
* output.extension contains
    ReplyAt named replyAt 0..1 and
    ReplyBy named replyBy 0..1
* insert SafetyConcernMeanings
