// The placement as agreed by who places, and the stay as kept by who admits.

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
    OutOfAreaReason named outOfAreaReason 0..1

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
    DischargeDelay named delay 0..*
