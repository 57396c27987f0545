// The person, and those around them.

Profile: MhPatient
Parent: $ukc-patient
Id: mh-patient
Title: "Person"
Description: "The person whose plans these are. The NHS number carries its verification status; a superseded number keeps the use `old`."
* extension contains CommunicationNeed named communicationNeed 0..*

Profile: MhOrganisation
Parent: $ukc-organization
Id: mh-organisation
Title: "Organisation"
Description: "A provider, commissioner or other body, known by its ODS code."

Profile: MhProfessional
Parent: $ukc-practitioner-role
Id: mh-professional
Title: "Professional"
Description: "Somebody in a role at an organisation: a care co-ordinator, a consultant, a ward manager."
* insert ItemIdentifier

Profile: MhContact
Parent: $ukc-related-person
Id: mh-contact
Title: "Contact"
Description: "Family, friend, carer, advocate or attorney: somebody who is not there as a professional."
* insert ItemIdentifier

Profile: MhService
Parent: $ukc-healthcare-service
Id: mh-service
Title: "Service"
Description: "A service the person can turn to, for instance at any hour in a crisis."
* insert ItemIdentifier

Profile: MhEpisode
Parent: $ukc-episode-of-care
Id: mh-episode
Title: "Episode of care and its lead"
Description: "One provider's care of the person over time. The care manager is the lead professional or care co-ordinator."
* insert ItemIdentifier
