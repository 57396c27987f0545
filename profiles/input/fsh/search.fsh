// What an integrator would search for beyond R4's own parameters, for servers that index it. The set id of a plan is its
// `identifier`, the lead its EpisodeOfCare's `care-manager`, the person `patient`: those are R4's. The gateway itself serves
// what its CapabilityStatement lists, and no more.

Instance: custodian
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/custodian"
* name = "MhCustodian"
* status = #draft
* description = "The organisation that keeps the plan, directive, placement or stay, by its ODS code: only its gateway makes new versions."
* code = #mh-custodian
* base[0] = #CarePlan
* base[1] = #Consent
* base[2] = #ServiceRequest
* base[3] = #Encounter
* type = #token
* expression = "CarePlan.extension('https://w3id.org/fhir-mh/StructureDefinition/custodian').value | Consent.extension('https://w3id.org/fhir-mh/StructureDefinition/custodian').value | ServiceRequest.extension('https://w3id.org/fhir-mh/StructureDefinition/custodian').value | Encounter.extension('https://w3id.org/fhir-mh/StructureDefinition/custodian').value"

Instance: plan-version
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/plan-version"
* name = "MhPlanVersion"
* status = #draft
* description = "The custodian's version of the plan; it rises."
* code = #mh-plan-version
* base[0] = #CarePlan
* type = #number
* expression = "CarePlan.extension('https://w3id.org/fhir-mh/StructureDefinition/plan-version').value"

Instance: next-review
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/next-review"
* name = "MhNextReview"
* status = #draft
* description = "When the plan is next to be reviewed; search it with le for what is due."
* code = #mh-next-review
* base[0] = #CarePlan
* type = #date
* expression = "CarePlan.extension('https://w3id.org/fhir-mh/StructureDefinition/next-review').value"

Instance: placing-commissioner
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/placing-commissioner"
* name = "MhPlacingCommissioner"
* status = #draft
* description = "The commissioner that places the person."
* code = #mh-placing-commissioner
* base[0] = #ServiceRequest
* type = #reference
* expression = "ServiceRequest.extension('https://w3id.org/fhir-mh/StructureDefinition/placing-commissioner').value"
* target[0] = #Organization

Instance: host-commissioner
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/host-commissioner"
* name = "MhHostCommissioner"
* status = #draft
* description = "The commissioner of the area in which the person is placed."
* code = #mh-host-commissioner
* base[0] = #ServiceRequest
* type = #reference
* expression = "ServiceRequest.extension('https://w3id.org/fhir-mh/StructureDefinition/host-commissioner').value"
* target[0] = #Organization

Instance: out-of-area-reason
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/out-of-area-reason"
* name = "MhOutOfAreaReason"
* status = #draft
* description = "Why the person is placed out of area."
* code = #mh-out-of-area-reason
* base[0] = #ServiceRequest
* type = #token
* expression = "ServiceRequest.extension('https://w3id.org/fhir-mh/StructureDefinition/out-of-area-reason').value"

Instance: placement-level
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/placement-level"
* name = "MhPlacementLevel"
* status = #draft
* description = "The level, 1 or 2, of the rehabilitation service."
* code = #mh-placement-level
* base[0] = #ServiceRequest
* type = #token
* expression = "ServiceRequest.code.coding.where(system = 'https://w3id.org/fhir-mh/CodeSystem/placement-level')"

Instance: estimated-discharge-date
InstanceOf: SearchParameter
Usage: #definition
* url = "https://w3id.org/fhir-mh/SearchParameter/estimated-discharge-date"
* name = "MhEstimatedDischargeDate"
* status = #draft
* description = "Every date of discharge that was estimated for the stay; the one in force is the latest recorded."
* code = #mh-estimated-discharge-date
* base[0] = #Encounter
* type = #date
* expression = "Encounter.extension('https://w3id.org/fhir-mh/StructureDefinition/estimated-discharge-date').extension('value').value"
