// Extensions. Each stands only where it says; texts in them may carry words-source like any other text.

Extension: WordsSource
Id: words-source
Title: "Whose words"
Description: "Who said a text, who recorded it, when, in what language, and whether it is about or from a third party or was told in confidence. Most texts need none of it."
* insert Context(string)
* insert Context(markdown)
* extension contains said-by 0..1
* extension[said-by].value[x] 0..0
* extension[said-by] ^short = "Who said it"
* extension[said-by].extension contains role 1..1 and name 0..1
* extension[said-by].extension[role].value[x] only code
* extension[said-by].extension[role].value[x] 1..1
* extension[said-by].extension[role].value[x] from SpeakerRoleVS (required)
* extension[said-by].extension[role] ^short = "In which capacity"
* extension[said-by].extension[name].value[x] only string
* extension[said-by].extension[name].value[x] 1..1
* extension[said-by].extension[name] ^short = "Their name, where it helps"
* insert Part(recorded-by, 0..1, string, [[Who wrote it down]])
* insert Part(recorded-at, 0..1, dateTime, [[When it was written down]])
* insert Part(language, 0..1, code, [[The language it was said in]])
* insert CodedPart(third-party, 0..1, ThirdPartyVS, [[Whether it is about or from somebody else]])
* insert Part(in-confidence, 0..1, boolean, [[Whether it was told in confidence]])

Extension: ItemNumber
Id: item-number
Title: "Number in another system"
Description: "What a provider's own system calls this item, by the name of that system's format, so that its answer finds the item again."
* insert Context(DomainResource)
* insert Context(Element)
* insert Part(format, 1..1, string, [[The name of the format]])
* insert Part(content, 1..1, string, [[The number or code]])

Extension: KeptContent
Id: kept-content
Title: "Content of another format"
Description: "What a provider's own format says of this item and FHIR has no element for, as JSON, kept so that it can be given back."
* insert Context(DomainResource)
* insert Context(Element)
* insert Part(format, 1..1, string, [[The name of the format]])
* insert Part(content, 1..1, string, [[The content, as JSON]])

Extension: Custodian
Id: custodian
Title: "Custodian"
Description: "The organisation, by its ODS code, whose system alone mints versions of this item. Everybody else proposes."
* insert Context(CarePlan)
* insert Context(Consent)
* insert Context(ServiceRequest)
* insert Context(Flag)
* insert Context(Encounter)
* insert SimpleValue(Identifier)
* valueIdentifier.system 1..1
* valueIdentifier.value 1..1

Extension: PlanVersion
Id: plan-version
Title: "Plan version"
Description: "A number that rises with each change its custodian makes to the plan. It travels with the plan; a server's own version ids do not. On a copy that was given: the version it is a copy of."
* insert Context(CarePlan)
* insert Context(Communication)
* insert SimpleValue(positiveInt)

Extension: ContentHash
Id: content-hash
Title: "Content hash"
Description: "The SHA-256 of what the plan says at its version, minted by its custodian, by which two copies can be told to be the same in whatever form they travelled. docs/profiles.md says how it is made."
* insert Context(CarePlan)
* insert SimpleValue(string)
* obeys mh-sha-256

Extension: NextReview
Id: next-review
Title: "Next review"
Description: "The earliest review still to be held, for readers who look no further. It is derived: the scheduled review among the activities is the fact."
* insert Context(CarePlan)
* insert SimpleValue(dateTime)

Extension: ReviewHeld
Id: review-held
Title: "Review held"
Description: "When the review was held."
* insert Context(CarePlan.activity)
* insert SimpleValue(dateTime)

Extension: ReviewChanged
Id: review-changed
Title: "What the review changed"
Description: "What the review changed, in words."
* insert Context(CarePlan.activity)
* insert SimpleValue(string)

Extension: UnansweredSign
Id: unanswered-sign
Title: "Warning sign without an answer"
Description: "An early warning sign for which nothing that helps has been agreed yet. Once it has, the sign moves to the coping strategy as its reason."
* insert Context(CarePlan)
* insert Part(sign, 1..1, string, [[The sign, in the words it was told in]])
* insert CodedPart(status, 0..1, http://hl7.org/fhir/ValueSet/care-plan-activity-status, [[The status its coping strategy would have]])

Extension: AdmissionPreference
Id: admission-preference
Title: "Preferred or unwanted place of admission"
Description: "Where the person would like to be admitted if it comes to that, or would not, and why. A preference, never a planned admission."
* insert Context(CarePlan)
* insert CodedPart(preference, 1..1, AdmissionPreferenceKindVS, [[Preferred or to be avoided]])
* insert Part(place, 0..1, string, [[The place in words]])
* insert Part(location, 0..1, [[Reference(Location or Organization or HealthcareService)]], [[The place as a resource]])
* insert Part(rank, 0..1, positiveInt, [[Which is preferred, or avoided, most: 1]])
* insert Part(reason, 0..1, string, [[Why]])

Extension: CarerInvolvement
Id: carer-involvement
Title: "Involvement of a relative or carer"
Description: "Whether and how far somebody close to the person is involved in their care, and what they are not to be told or asked."
* insert Context(CarePlan)
* insert Part(contact, 0..1, [[Reference(RelatedPerson or PractitionerRole)]], [[Who]])
* insert CodedPart(degree, 1..1, InvolvementDegreeVS, [[How far]])
* insert Part(involved-in, 0..1, string, [[In what]])
* insert Part(not-in, 0..1, string, [[In what not]])

Extension: ContactOrder
Id: contact-order
Title: "Order of contact"
Description: "Whom to try first: 1, then 2, and so on."
* insert Context(CareTeam.participant)
* insert SimpleValue(positiveInt)

Extension: PreferredOutcome
Id: preferred-outcome
Title: "Preferred outcome"
Description: "The outcome the person would prefer, in their words."
* insert Context(Goal)
* insert SimpleValue(string)

Extension: Agreement
Id: agreement
Title: "Agreement of one party"
Description: "Which party, to which version of the plan, and what they said."
* insert Context(Provenance)
* insert CodedPart(party, 1..1, AgreementPartyVS, [[Which party]])
* insert CodedPart(decision, 1..1, AgreementDecisionVS, [[What they said]])
* insert Part(plan-version, 0..1, positiveInt, [[The version of the plan it was said to]])
* insert Part(agreed-on, 0..1, dateTime, [[When it was said, where that is known less exactly than Provenance.recorded needs]])
* insert Part(reason, 0..1, string, [[Why]])

Extension: TaskField
Id: task-field
Title: "Field in question"
Description: "Which field of the item in focus the task is about, as a path in the record."
* insert Context(Task)
* insert SimpleValue(string)

Extension: RefusalFormalities
Id: refusal-formalities
Title: "Formalities of a recorded refusal"
Description: "What is known of the formalities, as facts. What is not known is left out, which is not the same as `false`."
* insert Context(Consent)
* insert Part(written, 0..1, boolean, [[It is in writing]])
* insert Part(signed, 0..1, boolean, [[The person signed it, or somebody did at their direction]])
* insert Part(witnessed, 0..1, boolean, [[The signature was witnessed]])
* insert Part(witness, 0..1, string, [[Who signed as a witness]])
* insert Part(life-at-risk-stated, 0..1, boolean, [[It says that it applies even if life is at risk]])
* insert Part(verified-by, 0..1, string, [[Who looked at the original]])
* insert Part(verified-on, 0..1, dateTime, [[When]])

Extension: RefusalCircumstances
Id: refusal-circumstances
Title: "Circumstances of a refusal"
Description: "In which circumstances the treatment is refused, in the person's words."
* insert Context(Consent.provision.provision)
* insert SimpleValue(string)

Extension: Sha256
Id: sha-256
Title: "SHA-256 of the original"
Description: "The SHA-256 of the document's bytes, 64 hexadecimal digits in small letters. Attachment.hash holds a SHA-1, which proves little today."
* insert Context(DocumentReference.content.attachment)
* insert SimpleValue(string)
* obeys mh-sha-256

Invariant: mh-sha-256
Description: "A SHA-256 is 64 hexadecimal digits in small letters."
Severity: #error
Expression: "value.matches('^[0-9a-f]{64}$')"

Extension: CommunicationNeed
Id: communication-need
Title: "Communication need"
Description: "What helps the person to understand and be understood, or another reasonable adjustment, in words."
* insert Context(Patient)
* insert SimpleValue(string)

Extension: PlacingCommissioner
Id: placing-commissioner
Title: "Placing commissioner"
Description: "The commissioner that places the person and remains responsible for the placement."
* insert Context(ServiceRequest)
* insert SimpleValue([[Reference(Organization)]])

Extension: HostCommissioner
Id: host-commissioner
Title: "Host commissioner"
Description: "The commissioner of the area in which the service lies."
* insert Context(ServiceRequest)
* insert SimpleValue([[Reference(Organization)]])

Extension: OutOfAreaReason
Id: out-of-area-reason
Title: "Reason for being out of area"
Description: "Why the person is placed outside their own area."
* insert Context(ServiceRequest)
* insert SimpleValue(CodeableConcept)
* valueCodeableConcept from OutOfAreaReasonVS (extensible)

// An agreed term as it stood from one moment on.
RuleSet: AgreedTerm(type)
* insert Context(Encounter)
* insert Part(value, 1..1, {type}, [[What was agreed or estimated]])
* insert Part(recorded-at, 1..1, dateTime, [[From when]])
* insert Part(reason, 0..1, string, [[Why]])
* insert Part(recorded-by, 0..1, string, [[Who recorded it]])

Extension: EstimatedDischargeDate
Id: estimated-discharge-date
Title: "Estimated date of discharge"
Description: "The estimated date of discharge as it stood from one moment on. Repeats: nothing is taken away, the one recorded last is in force."
* insert AgreedTerm(date)

Extension: AnticipatedLengthOfStay
Id: anticipated-length-of-stay
Title: "Anticipated length of stay"
Description: "The anticipated length of stay, in words, as it stood from one moment on. Repeats: nothing is taken away, the one recorded last is in force."
* insert AgreedTerm(string)

Extension: DischargeDelay
Id: discharge-delay
Title: "Delay of the discharge"
Description: "Why the discharge is delayed, from when and until when."
* insert Context(Encounter)
* insert Part(reason, 1..1, string, [[Why]])
* insert Part(since, 0..1, date, [[From when]])
* insert Part(until, 0..1, date, [[Until when]])
