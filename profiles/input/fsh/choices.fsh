// Advance choice documents, nominations and powers of attorney. None permits or refuses, so none has a provision.

Profile: MhNomination
Parent: $ukc-consent
Id: mh-nomination
Title: "Nomination of a nominated person"
Description: "Whom the person wants as their nominated person, why, and whether that person agreed. It records a wish: who is the nominated person now stands in the contact's role."
* insert ItemIdentifier
* insert Directive
* scope = $consent-scope#adr
* insert DirectiveCategory(nominated-person)
* policyRule 1..1
* policyRule = PolicyRule#as-recorded
* provision 0..0
* extension contains
    Formalities named formalities 0..1 and
    Nomination named nomination 0..1
* obeys mh-nominee
* obeys mh-original
* insert NominationMeanings

Invariant: mh-nominee
Description: "It is said who is nominated, and whether they agreed."
Severity: #warning
Expression: "extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/nomination').where(extension.where(url = 'nominee').exists() and extension.where(url = 'accepted').exists()).exists()"

Profile: MhPowerOfAttorney
Parent: $ukc-consent
Id: mh-power-of-attorney
Title: "Lasting power of attorney"
Description: "A lasting power of attorney, as recorded: for what, who the attorneys are and how they act, what it states of life-sustaining treatment, what is known of its registration."
* insert ItemIdentifier
* insert Directive
* scope = $consent-scope#adr
* insert DirectiveCategory(power-of-attorney)
* policyRule 1..1
* policyRule = PolicyRule#as-recorded
* provision 0..0
* extension contains
    Formalities named formalities 0..1 and
    PowerOfAttorney named power 1..1 and
    Attorney named attorney 0..*
* obeys mh-power-scope
* obeys mh-power-known
* obeys mh-power-attorney
* obeys mh-original
* insert PowerOfAttorneyMeanings

Invariant: mh-power-scope
Description: "A power over property and financial affairs refuses no treatment."
Severity: #error
Expression: "extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/power-of-attorney').where(extension.where(url = 'scope' and value = 'property-and-financial-affairs').exists() and extension.where(url = 'may-refuse-life-sustaining' and value = true).exists()).empty()"

Invariant: mh-power-known
Description: "It is said whether the power is registered, how its attorneys act, and, of one over health and welfare, what it states of life-sustaining treatment."
Severity: #warning
Expression: "extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/power-of-attorney').all(extension.where(url = 'registered').exists() and extension.where(url = 'acting').exists() and (extension.where(url = 'scope' and value = 'health-and-welfare').empty() or extension.where(url = 'may-refuse-life-sustaining').exists()))"

Invariant: mh-power-attorney
Description: "At least one attorney is named."
Severity: #warning
Expression: "extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/attorney').exists()"

Profile: MhAdvanceChoiceDocument
Parent: $ukc-consent
Id: mh-advance-choice-document
Title: "Advance choice document"
Description: "A document in which the person sets down choices in advance. Each of its statements counts as what it is typed, and as nothing more; the statement itself stands in the resource it points to. Status `proposed`: help was offered and nothing is written yet; `rejected`: the person did not want it."
* insert ItemIdentifier
* insert Directive
* scope = $consent-scope#adr
* insert DirectiveCategory(advance-choice-document)
* policyRule 1..1
* policyRule = PolicyRule#as-typed
* provision 0..0
* extension contains
    Formalities named formalities 0..1 and
    HelpGiven named help 0..1 and
    ChoiceStatement named statement 0..*
* obeys mh-choice-made
* obeys mh-choice-said
* insert AdvanceChoiceDocumentMeanings

Invariant: mh-choice-made
Description: "An advance choice document in force says when it was made and names its original."
Severity: #warning
Expression: "status != 'active' or (dateTime.exists() and source.exists())"

Invariant: mh-choice-said
Description: "An advance choice document in force holds a statement, and each statement points to where it stands or says it in words."
Severity: #warning
Expression: "status != 'active' or (extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/choice-statement').exists() and extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/choice-statement').all(extension.where(url = 'item' or url = 'words').exists()))"

Extension: Formalities
Id: formalities
Title: "Formalities"
Description: "What is known of the formalities, as facts. What is not known is left out, which is not the same as `false`."
* insert Context(Consent)
* insert Part(written, 0..1, boolean, [[It is in writing]])
* insert Part(signed, 0..1, boolean, [[The person signed it, or somebody did at their direction]])
* insert Part(witnessed, 0..1, boolean, [[The signature was witnessed]])
* insert Part(witness, 0..1, string, [[Who signed as a witness]])
* insert Part(verified-by, 0..1, string, [[Who looked at the original]])
* insert Part(verified-on, 0..1, dateTime, [[When]])

Extension: Nomination
Id: nomination
Title: "Nomination"
Description: "Whom the person wants as their nominated person, why, and whether that person agreed."
* insert Context(Consent)
* insert Part(nominee, 0..1, [[Reference(RelatedPerson or PractitionerRole)]], [[Who]])
* insert Part(accepted, 0..1, boolean, [[Whether they agreed]])
* insert Part(reason, 0..1, string, [[Why them, in the person's words]])

Extension: PowerOfAttorney
Id: power-of-attorney
Title: "Power of attorney"
Description: "For what the power was given, how the attorneys act, what it states of life-sustaining treatment, and its registration."
* insert Context(Consent)
* insert CodedPart(scope, 1..1, AttorneyScopeVS, [[For what]])
* insert CodedPart(acting, 0..1, AttorneyActingVS, [[How several attorneys decide]])
* insert Part(may-refuse-life-sustaining, 0..1, boolean, [[What the document states: whether the attorneys may refuse life-sustaining treatment]])
* insert Part(limits, 0..1, string, [[The instructions and preferences it holds]])
* insert Part(registered, 0..1, boolean, [[Whether it is registered]])
* insert Part(registered-on, 0..1, date, [[When it was registered]])
* insert Part(registration-number, 0..1, string, [[The number it is registered under]])

Extension: Attorney
Id: attorney
Title: "Attorney"
Description: "Somebody named in a power of attorney, and whether only as a replacement."
* insert Context(Consent)
* insert Part(contact, 1..1, [[Reference(RelatedPerson or PractitionerRole or Organization)]], [[Who]])
* insert Part(replacement, 0..1, boolean, [[Only if one of the others can no longer act]])

Extension: HelpGiven
Id: help-given
Title: "Help with making the document"
Description: "Help with making an advance choice document: offered when and by whom; given when, by whom, and what it was."
* insert Context(Consent)
* insert Part(offered-on, 0..1, dateTime, [[When it was offered]])
* insert Part(offered-by, 0..1, string, [[Who offered it]])
* insert Part(given-on, 0..1, dateTime, [[When it was given]])
* insert Part(given-by, 0..1, string, [[Who gave it]])
* insert Part(what, 0..1, string, [[What it was]])

Extension: ChoiceStatement
Id: choice-statement
Title: "Statement of an advance choice document"
Description: "One statement of an advance choice document: what it counts as, where it stands, and its words."
* insert Context(Consent)
* insert CodedPart(kind, 1..1, StatementKindVS, [[What it counts as]])
* insert Part(item, 0..1, [[Reference(Consent)]], [[Where it stands]])
* insert Part(words, 0..1, string, [[Its words in the document]])

CodeSystem: AttorneyScopeCode
Id: attorney-scope
Title: "Scopes of a lasting power of attorney"
Description: "For what a lasting power of attorney was given."
* ^caseSensitive = true
* ^experimental = false
* #health-and-welfare "Health and welfare" "Decisions about health and welfare."
* #property-and-financial-affairs "Property and financial affairs" "Decisions about property and financial affairs."

ValueSet: AttorneyScopeVS
Id: attorney-scope
Title: "Scopes of a lasting power of attorney"
Description: "For what a lasting power of attorney was given."
* ^experimental = false
* include codes from system AttorneyScopeCode

CodeSystem: AttorneyActingCode
Id: attorney-acting
Title: "How attorneys act"
Description: "How several attorneys decide."
* ^caseSensitive = true
* ^experimental = false
* #alone "Alone" "There is one attorney."
* #jointly "Jointly" "All of them together."
* #jointly-and-severally "Jointly and severally" "Together or each alone."
* #mixed "Mixed" "Jointly for some decisions, jointly and severally for others; the limits say which."

ValueSet: AttorneyActingVS
Id: attorney-acting
Title: "How attorneys act"
Description: "How several attorneys decide."
* ^experimental = false
* include codes from system AttorneyActingCode

CodeSystem: StatementKindCode
Id: statement-kind
Title: "Kinds of statement"
Description: "What a statement of an advance choice document counts as."
* ^caseSensitive = true
* ^experimental = false
* #to-be-considered "To be considered" "A wish to be taken into account; neither a permission nor a refusal."
* #recorded-refusal "Recorded refusal" "Treatment refused in advance: check validity and applicability."
* #nominated-person "Nominated person" "Whom the person wants as their nominated person."
* #attorney "Attorney" "Who decides for the person under a lasting power of attorney."
* #other "Other" "Something else; the words say it."

ValueSet: StatementKindVS
Id: statement-kind
Title: "Kinds of statement"
Description: "What a statement of an advance choice document counts as."
* ^experimental = false
* include codes from system StatementKindCode
