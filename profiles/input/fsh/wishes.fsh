// Advance wishes, sharing preferences and the documents behind them. Facts, never verdicts.

Profile: MhAdvanceStatement
Parent: $ukc-consent
Id: mh-advance-statement
Title: "Advance statement"
Description: "Wishes to be considered when the person cannot voice them. It never permits and never refuses, so it has no provision; its words stand in a CarePlan of intent `proposal` (mh-advance-wishes)."
* insert ItemIdentifier
* scope = $consent-scope#adr
* insert DirectiveCategory(advance-statement)
* policyRule 1..1
* policyRule = PolicyRule#to-be-considered
* provision 0..0
* insert Directive
* insert AdvanceStatementMeanings

Invariant: mh-withdrawn
Description: "What was withdrawn is not in force."
Severity: #error
Expression: "status != 'active' or extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/withdrawal').empty()"

// What every decision of the person has.
RuleSet: Directive
* obeys mh-withdrawn
* extension contains
    Custodian named custodian 0..1 and
    Withdrawal named withdrawal 0..1

RuleSet: DirectiveCategory(kind)
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains kind 1..1
* category[kind] = DirectiveKind#{kind}

Invariant: mh-wish-only
Description: "A wish is not an order: nothing here is under way, done, or asked of anybody."
Severity: #error
Expression: "activity.all(reference.empty() and detail.doNotPerform.empty() and (detail.status.empty() or detail.status = 'not-started'))"

Profile: MhAdvanceWishes
Parent: $ukc-care-plan
Id: mh-advance-wishes
Title: "Wishes of an advance statement"
Description: "The words of an advance statement, one wish for each activity. Intent `proposal` with this category means wishes and nothing else."
* insert ItemIdentifier
* obeys mh-wish-only
* intent = #proposal
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains wishes 1..1
* category[wishes] = PlanKind#advance-wishes
* insert AdvanceWishesMeanings

Invariant: mh-refusal-denies
Description: "A recorded refusal only denies: nothing in it permits."
Severity: #error
Expression: "provision.repeat(provision).all(type = 'deny')"

Profile: MhRecordedRefusal
Parent: $ukc-consent
Id: mh-recorded-refusal
Title: "Recorded refusal of treatment"
Description: "An advance decision to refuse treatment, as recorded: what is refused, in which circumstances, and what is known of its formalities. Nothing here says that it binds: validity and applicability are judged at the bedside, and the Mental Health Act may govern the treatment of somebody detained."
* insert ItemIdentifier
* obeys mh-refusal-denies
* scope = $consent-scope#adr
* insert DirectiveCategory(recorded-refusal)
* policyRule 1..1
* policyRule = PolicyRule#recorded-refusal
* provision.type 0..0
* provision.provision.type 1..1
* provision.provision.type = #deny
* provision.provision.extension contains RefusalCircumstances named circumstances 0..1
* insert Directive
* extension contains RefusalFormalities named formalities 0..1
* obeys mh-refusal-said
* obeys mh-refusal-verified
* obeys mh-original
* insert RecordedRefusalMeanings

Invariant: mh-refusal-said
Description: "A recorded refusal says what is refused."
Severity: #warning
Expression: "status != 'active' or provision.provision.exists()"

Invariant: mh-refusal-verified
Description: "A recorded refusal says who has seen that its formalities were seen to, and when."
Severity: #warning
Expression: "extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/refusal-formalities').where(extension.where(url = 'verified-by').exists() and extension.where(url = 'verified-on').exists()).exists()"

Invariant: mh-original
Description: "The original is named: the document that was signed, with its SHA-256."
Severity: #warning
Expression: "source.exists()"

Invariant: mh-sharing-terms
Description: "A permission says with whom, for what and until when."
Severity: #warning
Expression: "provision.provision.where(type = 'permit').all(actor.exists() and purpose.exists() and period.end.exists())"

Invariant: mh-no-root-type
Description: "R4 gives the outermost provision no type: what is permitted or denied stands in the provisions inside it."
Severity: #warning
Expression: "provision.type.empty()"

Profile: MhSharingPreference
Parent: $ukc-consent
Id: mh-sharing-preference
Title: "Sharing preference"
Description: "What the person agreed may be shared, with whom, for what and until when; and what may not. A deeper provision is the exception to the one around it. `provision.class` names sections of the plan."
* insert ItemIdentifier
* obeys mh-no-root-type
* obeys mh-sharing-terms
* scope = $consent-scope#patient-privacy
* insert DirectiveCategory(sharing-preference)
* insert Directive
* insert SharingPreferenceMeanings

Profile: MhDocument
Parent: $ukc-document-reference
Id: mh-document
Title: "Original document"
Description: "An original behind a statement, refusal or preference, with the SHA-256 of its bytes."
* content.attachment.extension contains Sha256 named sha256 0..1
* obeys mh-document-hash
* insert DocumentMeanings

Invariant: mh-document-hash
Description: "The SHA-256 of the original is known, so that whoever gets it can tell that it is the same."
Severity: #warning
Expression: "content.attachment.extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/sha-256').exists()"

Extension: Withdrawal
Id: withdrawal
Title: "Withdrawal"
Description: "That the person took the decision back: when, how, and who recorded it. A decision that was withdrawn has the status `inactive`."
* insert Context(Consent)
* insert Part(at, 0..1, dateTime, [[When]])
* insert Part(how, 0..1, string, [[How, in words]])
* insert Part(recorded-by, 0..1, string, [[Who recorded it]])
