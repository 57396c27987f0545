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
* extension contains Custodian named custodian 0..1

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
* extension contains
    Custodian named custodian 0..1 and
    RefusalFormalities named formalities 0..1

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
* scope = $consent-scope#patient-privacy
* insert DirectiveCategory(sharing-preference)
* extension contains Custodian named custodian 0..1

Profile: MhDocument
Parent: $ukc-document-reference
Id: mh-document
Title: "Original document"
Description: "An original behind a statement, refusal or preference, with the SHA-256 of its bytes."
* content.attachment.extension contains Sha256 named sha256 0..1
