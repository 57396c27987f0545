// The person's legal status over time.

Profile: MhLegalStatus
Parent: $ukc-flag
Id: mh-legal-status
Title: "Legal status"
Description: "The person's status under the Mental Health Act from one day to another, whoever holds it now: it may outlive a stay. England's classification stands beside the kind where it has a code; it has none for a community treatment order or a conditional discharge."
* insert ItemIdentifier
* insert FlagCategory(legal-status)
* insert FlagKind(LegalStatusKind)
* code.coding contains england 0..1
* code.coding[england] ^patternCoding.system = "https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland"
* code.coding[england].system 1..1
* code.coding[england].code 1..1
* extension contains
    Custodian named custodian 0..1 and
    LegalStatus named details 0..1 and
    LegalCondition named condition 0..*
* obeys mh-legal-kind
* obeys mh-legal-dated
* obeys mh-legal-ended
* obeys mh-legal-known
* obeys mh-legal-conditions
* insert LegalStatusMeanings

Invariant: mh-legal-kind
Description: "England's code and the kind say the same: 35 and 36 are guardianship, and no code means a community treatment order or a conditional discharge."
Severity: #error
Expression: "(code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland' and (code = '01')).empty() or code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/legal-status-kind').code = 'informal') and (code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland' and (code = '35' or code = '36')).empty() or code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/legal-status-kind').code = 'guardianship') and (code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland' and (code = '98')).empty() or code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/legal-status-kind').code = 'other') and (code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland' and (code = '99')).empty() or code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/legal-status-kind').code = 'unknown') and (code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland' and (code != '01' and code != '35' and code != '36' and code != '98' and code != '99')).empty() or code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/legal-status-kind').code = 'detained')"

Invariant: mh-legal-dated
Description: "It is said from when the status holds."
Severity: #warning
Expression: "period.start.exists()"

Invariant: mh-legal-ended
Description: "A status that is no longer active says when and why it ended."
Severity: #warning
Expression: "status != 'inactive' or (period.end.exists() and extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/legal-status').extension.where(url = 'ended-because').exists())"

Invariant: mh-legal-known
Description: "A detention says its section, who imposed it, and England's code."
Severity: #warning
Expression: "code.coding.where(code = 'detained').empty() or (code.coding.where(system = 'https://fhir.hl7.org.uk/CodeSystem/UKCore-LegalStatusClassificationEngland').exists() and extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/legal-status').where(extension.where(url = 'section').exists() and extension.where(url = 'imposed-by').exists()).exists())"

Invariant: mh-legal-conditions
Description: "A community treatment order or a conditional discharge says its conditions."
Severity: #warning
Expression: "code.coding.where(code = 'community-treatment-order' or code = 'conditional-discharge').empty() or extension.where(url = 'https://w3id.org/fhir-mh/StructureDefinition/legal-condition').exists()"

Extension: LegalStatus
Id: legal-status
Title: "Particulars of a legal status"
Description: "The section, when it ends unless it is renewed, who imposed it, who is responsible, and why it ended."
* insert Context(Flag)
* insert Part(section, 0..1, string, [[The section as people say it, such as 3 or 37/41]])
* insert Part(expires-on, 0..1, date, [[When it ends unless it is renewed]])
* insert Part(imposed-by, 0..1, string, [[Who imposed it]])
* insert Part(responsible-clinician, 0..1, [[Reference(PractitionerRole)]], [[The responsible clinician]])
* insert Part(hospital, 0..1, [[Reference(Organization)]], [[The organisation that detains, or is responsible]])
* insert Part(ended-because, 0..1, string, [[Why it ended]])
* insert Part(recorded-at, 0..1, dateTime, [[When it was recorded]])

Extension: LegalCondition
Id: legal-condition
Title: "Condition of a legal status"
Description: "A condition of a community treatment order or of a discharge."
* insert Context(Flag)
* insert SimpleValue(string)

CodeSystem: LegalStatusKindCode
Id: legal-status-kind
Title: "Kinds of legal status"
Description: "What a legal status is, where England's classification has no code for it as well."
* ^caseSensitive = true
* ^experimental = false
* #informal "Informal" "In hospital, or under care, without being detained."
* #detained "Detained" "Detained in hospital or in a place of safety."
* #community-treatment-order "Community treatment order" "In the community under a community treatment order."
* #conditional-discharge "Conditional discharge" "Discharged from detention under conditions."
* #guardianship "Guardianship" "Subject to guardianship."
* #other "Other" "Another status, or none that applies."
* #unknown "Unknown" "Not known."

ValueSet: LegalStatusKindVS
Id: legal-status-kind
Title: "Kinds of legal status"
Description: "What a legal status is, where England's classification has no code for it as well."
* ^experimental = false
* include codes from system LegalStatusKindCode
