// What a gateway serves for the resources of a plan. A test keeps this and what /fhir/metadata says in agreement.

RuleSet: Served(type, profile)
* rest.resource[+].type = #{type}
* rest.resource[=].supportedProfile[0] = "https://w3id.org/fhir-mh/StructureDefinition/{profile}"
* rest.resource[=].interaction[0].code = #read
* rest.resource[=].interaction[1].code = #vread
* rest.resource[=].interaction[2].code = #update
* rest.resource[=].interaction[3].code = #history-instance
* rest.resource[=].interaction[4].code = #create
* rest.resource[=].interaction[5].code = #search-type
* rest.resource[=].versioning = #versioned-update
* rest.resource[=].readHistory = true
* rest.resource[=].updateCreate = false
* rest.resource[=].searchParam[0].name = "identifier"
* rest.resource[=].searchParam[0].type = #token
* rest.resource[=].searchParam[1].name = "_id"
* rest.resource[=].searchParam[1].type = #token
* rest.resource[=].searchParam[2].name = "_lastUpdated"
* rest.resource[=].searchParam[2].type = #date

// Whatever is about a person is found by the person.
RuleSet: ServedByPerson(type, profile)
* insert Served({type}, {profile})
* rest.resource[=].searchParam[3].name = "patient"
* rest.resource[=].searchParam[3].type = #reference

RuleSet: Also(profile)
* rest.resource[=].supportedProfile[+] = "https://w3id.org/fhir-mh/StructureDefinition/{profile}"

Instance: gateway
InstanceOf: CapabilityStatement
Usage: #definition
* url = "https://w3id.org/fhir-mh/CapabilityStatement/gateway"
* name = "FhirMhGateway"
* title = "Gateway for mental health care plans"
* status = #draft
* date = "2026-11-26"
* kind = #requirements
* description = "What a gateway serves over FHIR REST for the resources of a care record. A gateway keeps other resource types too; its own statement, at /metadata, lists them all."
* fhirVersion = #4.0.1
* format = #json
* rest.mode = #server
* rest.interaction[0].code = #transaction
* rest.interaction[1].code = #batch
* insert Served(Patient, mh-patient)
* rest.resource[=].operation[0].name = "everything"
* rest.resource[=].operation[0].definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
* rest.resource[=].operation[1].name = "currency"
* rest.resource[=].operation[1].definition = "https://w3id.org/fhir-mh/OperationDefinition/currency"
* insert ServedByPerson(CarePlan, mh-advance-wishes)
* insert Also(mh-care-plan)
* insert Also(mh-crisis-plan)
* insert ServedByPerson(CareTeam, mh-crisis-contacts)
* insert ServedByPerson(Communication, mh-copy-given)
* insert ServedByPerson(Consent, mh-advance-choice-document)
* insert Also(mh-advance-statement)
* insert Also(mh-nomination)
* insert Also(mh-power-of-attorney)
* insert Also(mh-recorded-refusal)
* insert Also(mh-sharing-preference)
* insert ServedByPerson(DocumentReference, mh-document)
* insert ServedByPerson(Encounter, mh-stay)
* insert ServedByPerson(EpisodeOfCare, mh-episode)
* insert ServedByPerson(Flag, mh-legal-status)
* insert Also(mh-support-need)
* insert ServedByPerson(Goal, mh-goal)
* insert ServedByPerson(HealthcareService, mh-service)
* insert ServedByPerson(Organization, mh-organisation)
* insert ServedByPerson(PractitionerRole, mh-professional)
* insert ServedByPerson(Provenance, mh-agreement)
* insert ServedByPerson(RelatedPerson, mh-contact)
* insert ServedByPerson(ServiceRequest, mh-placement)
* insert ServedByPerson(Task, mh-follow-up)
* insert Also(mh-task)
* insert Also(mh-treatment-review)
* insert Also(mh-visit)
