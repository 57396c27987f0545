// The person, and those around them.

Profile: MhPatient
Parent: $ukc-patient
Id: mh-patient
Title: "Person"
Description: "The person whose plans these are. The NHS number carries its verification status; a superseded number keeps the use `old`."
* meta.security ^short = "R or V where somebody is at risk if it becomes known where the person lives or is treated"
* communication.preferred ^short = "The language to use with the person"
* extension contains
    CommunicationNeed named communicationNeed 0..* and
    Commissioner named commissioner 0..1
* obeys mh-death-told
* insert PatientMeanings

Invariant: mh-death-told
Description: "A death is notified, and nothing here says that the person has died."
Severity: #warning
Expression: "extension.where(url = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus').extension.where(url = 'deathNotificationStatus').value.coding.where(code = '1' or code = '2').empty() or deceased.where($this is dateTime or $this = true).exists()"

Profile: MhOrganisation
Parent: $ukc-organization
Id: mh-organisation
Title: "Organisation"
Description: "A provider, commissioner or other body, known by its ODS code."
* insert OrganisationMeanings

Profile: MhProfessional
Parent: $ukc-practitioner-role
Id: mh-professional
Title: "Professional"
Description: "Somebody in a role at an organisation: a care co-ordinator, a consultant, a ward manager."
* insert ItemIdentifier
* insert ProfessionalMeanings

Profile: MhContact
Parent: $ukc-related-person
Id: mh-contact
Title: "Contact"
Description: "Family, friend, carer, advocate or attorney: somebody who is not there as a professional. In which role, since when and on what basis, stands in `contact-role`."
* insert ItemIdentifier
* extension contains ContactRole named role 0..*
* insert ContactMeanings

Profile: MhSupportNeed
Parent: $ukc-flag
Id: mh-support-need
Title: "Support need"
Description: "What those who care for the person must know and allow for: a reasonable adjustment, a learning disability, autism."
* insert ItemIdentifier
* insert FlagCategory(support-need)
* insert FlagKind(SupportNeed)
* extension contains Certainty named certainty 0..1
* obeys mh-adjustment-said
* insert SupportNeedMeanings

Invariant: mh-adjustment-said
Description: "A reasonable adjustment says what is to be done."
Severity: #warning
Expression: "code.coding.where(code = 'reasonable-adjustment').empty() or code.text.exists()"

RuleSet: FlagCategory(kind)
* category ^slicing.discriminator.type = #pattern
* category ^slicing.discriminator.path = "$this"
* category ^slicing.rules = #open
* category contains kind 1..1
* category[kind] = FlagKindCode#{kind}

RuleSet: FlagKind(system)
* code.coding ^slicing.discriminator.type = #pattern
* code.coding ^slicing.discriminator.path = "$this"
* code.coding ^slicing.rules = #open
* code.coding contains kind 1..1
* code.coding[kind] ^patternCoding.system = Canonical({system}Code)
* code.coding[kind].system 1..1
* code.coding[kind].code 1..1
* code.coding[kind] from {system}VS (required)

Profile: MhService
Parent: $ukc-healthcare-service
Id: mh-service
Title: "Service"
Description: "A service the person can turn to, for instance at any hour in a crisis."
* insert ItemIdentifier
* insert ServiceMeanings

Profile: MhEpisode
Parent: $ukc-episode-of-care
Id: mh-episode
Title: "Episode of care and its lead"
Description: "One provider's care of the person over time. The care manager is the lead professional or care co-ordinator."
* insert ItemIdentifier
* insert EpisodeMeanings

Extension: Commissioner
Id: commissioner
Title: "Responsible commissioner"
Description: "The integrated care board that is responsible for the person's care."
* insert Context(Patient)
* insert SimpleValue([[Reference(Organization)]])

Extension: ContactRole
Id: contact-role
Title: "Role beside the person"
Description: "In which role somebody stands beside the person, since when and until when, and what it rests on."
* insert Context(RelatedPerson)
* insert CodedPart(kind, 1..1, ContactRoleVS, [[Which role]])
* insert Part(period, 0..1, Period, [[From when, until when]])
* insert Part(basis, 0..1, string, [[What it rests on: appointed by the person, delegated, displaced by a court]])
* insert Part(organisation, 0..1, [[Reference(Organization)]], [[Whom an advocate works for]])

Extension: Certainty
Id: certainty
Title: "Certainty"
Description: "Whether a learning disability or autism is confirmed or suspected."
* insert Context(Flag)
* insert SimpleValue(code)
* valueCode from CertaintyVS (required)

CodeSystem: ContactRoleCode
Id: contact-role
Title: "Roles beside the person"
Description: "In which role somebody stands beside the person."
* ^caseSensitive = true
* ^experimental = false
* #carer "Carer" "Somebody who cares for the person unpaid."
* #nearest-relative "Nearest relative" "The nearest relative as the Mental Health Act 1983 has it."
* #nominated-person "Nominated person" "The person nominated as the Mental Health Act 2025 will have it."
* #independent-mental-health-advocate "Independent mental health advocate" "An IMHA."
* #independent-mental-capacity-advocate "Independent mental capacity advocate" "An IMCA."
* #advocate "Advocate" "Another advocate."
* #attorney "Attorney" "Named in a lasting power of attorney."
* #deputy "Deputy" "Appointed by the Court of Protection."
* #other "Other" "Another role; the basis says which."

ValueSet: ContactRoleVS
Id: contact-role
Title: "Roles beside the person"
Description: "In which role somebody stands beside the person."
* ^experimental = false
* include codes from system ContactRoleCode

CodeSystem: FlagKindCode
Id: flag-kind
Title: "Kinds of flag"
Description: "What a flag is about."
* ^caseSensitive = true
* ^experimental = false
* #legal-status "Legal status" "The person's status under the Mental Health Act."
* #support-need "Support need" "What those who care for the person must know and allow for."

ValueSet: FlagKindVS
Id: flag-kind
Title: "Kinds of flag"
Description: "What a flag is about."
* ^experimental = false
* include codes from system FlagKindCode

CodeSystem: SupportNeedCode
Id: support-need
Title: "Support needs"
Description: "What those who care for the person must know and allow for."
* ^caseSensitive = true
* ^experimental = false
* #reasonable-adjustment "Reasonable adjustment" "Something to be done differently, so that care is as good for this person as for others."
* #learning-disability "Learning disability" "The person has, or may have, a learning disability."
* #autism "Autism" "The person is, or may be, autistic."

ValueSet: SupportNeedVS
Id: support-need
Title: "Support needs"
Description: "What those who care for the person must know and allow for."
* ^experimental = false
* include codes from system SupportNeedCode

CodeSystem: CertaintyCode
Id: certainty
Title: "Certainty"
Description: "Whether something is confirmed or suspected."
* ^caseSensitive = true
* ^experimental = false
* #confirmed "Confirmed" "Somebody competent has confirmed it."
* #suspected "Suspected" "It is suspected; nobody has confirmed it."

ValueSet: CertaintyVS
Id: certainty
Title: "Certainty"
Description: "Whether something is confirmed or suspected."
* ^experimental = false
* include codes from system CertaintyCode
