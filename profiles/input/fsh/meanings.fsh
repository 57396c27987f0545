// What each element of a profile means, in plain English: one rule set for each profile, inserted at its end. The
// parts of an extension say what they mean where the extension is defined. `make pages` prints all of it.

RuleSet: Meaning(element, says)
* {element} ^short = "{says}"

RuleSet: PatientMeanings
* insert Meaning(identifier, [[A number that names the person]])
* insert Meaning(identifier[nhsNumber], [[The NHS number: ten digits, the last a check digit]])
* insert Meaning(identifier[nhsNumber].extension[nhsNumberVerificationStatus], [[How the NHS number was checked: 01 present and verified, to 08]])
* insert Meaning(extension[ethnicCategory], [[The person's ethnic category, as they say it themselves]])
* insert Meaning(extension[deathNotificationStatus], [[Whether a death was notified, informally or formally, and from when that holds]])
* insert Meaning(extension[patientInterpreterRequired], [[Whether an interpreter is needed]])
* insert Meaning(active, [[Whether this entry is in use]])
* insert Meaning(name, [[What the person is called]])
* insert Meaning(gender, [[Administrative gender]])
* insert Meaning(birthDate, [[Date of birth. A different one stops an update and asks a person]])
* insert Meaning(deceased[x], [[Whether the person has died, or when]])
* insert Meaning(address, [[Where the person lives or can be written to]])
* insert Meaning(telecom, [[How the person can be reached]])
* insert Meaning(communication.language, [[A language the person speaks, as a tag (cy, bfi) or in words]])
* communication.language ^comment = "R4 asks for a tag. A language known in words alone is written with the tag `und` beside the words."
* insert Meaning(generalPractitioner, [[The person's GP or practice]])
* insert Meaning(managingOrganization, [[The organisation that keeps this entry]])

RuleSet: OrganisationMeanings
* insert Meaning(identifier, [[The ODS code, which names the organisation everywhere]])
* insert Meaning(name, [[What it is called]])
* insert Meaning(active, [[Whether it still exists]])
* insert Meaning(telecom, [[How it can be reached]])

RuleSet: ProfessionalMeanings
* insert Meaning(active, [[Whether they still hold the role]])
* insert Meaning(practitioner, [[Who: the name in `display`, the national user id in `identifier`]])
* insert Meaning(organization, [[Where they work]])
* insert Meaning(code, [[In which role: care co-ordinator, consultant, ward manager]])
* insert Meaning(telecom, [[How they can be reached]])
* insert Meaning(period, [[From when and until when they hold the role]])

RuleSet: ContactMeanings
* insert Meaning(patient, [[The person]])
* insert Meaning(active, [[Whether they are still a contact]])
* insert Meaning(name, [[What they are called]])
* insert Meaning(relationship, [[What they are to the person: sister, carer, advocate]])
* insert Meaning(telecom, [[How they can be reached]])
* insert Meaning(address, [[Where they live or can be written to]])
* insert Meaning(gender, [[Administrative gender]])
* insert Meaning(birthDate, [[Date of birth]])
* insert Meaning(period, [[From when and until when they are a contact]])

RuleSet: ServiceMeanings
* insert Meaning(active, [[Whether the service still exists]])
* insert Meaning(name, [[What it is called]])
* insert Meaning(providedBy, [[Who provides it]])
* insert Meaning(telecom, [[How it can be reached]])
* insert Meaning(availableTime.allDay, [[Whether it can be reached at any hour]])
* insert Meaning(availabilityExceptions, [[When it can be reached, in words]])

RuleSet: EpisodeMeanings
* insert Meaning(status, [[Whether the care is planned, under way or finished]])
* insert Meaning(patient, [[The person]])
* insert Meaning(managingOrganization, [[The provider]])
* insert Meaning(careManager, [[The lead professional or care co-ordinator]])
* insert Meaning(type, [[What kind of care it is]])
* insert Meaning(period, [[From when and until when]])

RuleSet: GoalMeanings
* insert Meaning(lifecycleStatus, [[Where the goal stands]])
* insert Meaning(achievementStatus, [[How far it has been reached]])
* insert Meaning(category, [[What kind of goal it is]])
* insert Meaning(priority, [[How much it matters to the person]])
* insert Meaning(description.text, [[What the person wants, in their own words]])
* insert Meaning(description.coding, [[The same in codes, where somebody coded it]])
* insert Meaning(subject, [[The person]])
* insert Meaning(start[x], [[When work on it begins]])
* insert Meaning(target, [[A stage: what would show that the goal, or a part of it, is reached]])
* insert Meaning(target.measure, [[What is looked at]])
* target.measure ^comment = "R4's gol-1 asks for a measure beside a detail. Where nobody named one, `goal-measure#as-described` is written."
* insert Meaning(target.detail[x], [[What would show it, in words]])
* insert Meaning(target.due[x], [[By when]])
* insert Meaning(statusDate, [[Since when it stands so]])
* insert Meaning(statusReason, [[Why it stands so]])
* insert Meaning(expressedBy, [[Whose goal it is: the person, unless somebody else put it forward]])
* insert Meaning(addresses, [[The problem it is to help with]])
* insert Meaning(note, [[Remarks: what, who, when]])
* insert Meaning(outcomeCode, [[What came of it, in words or codes]])
* insert Meaning(outcomeReference, [[What came of it, as an observation]])

// What a care plan and a crisis plan have in common.
RuleSet: PlanMeanings
* insert Meaning(status, [[Whether the plan is in force]])
* insert Meaning(title, [[What it is called]])
* insert Meaning(description, [[What it is about, in a few words]])
* insert Meaning(subject, [[The person]])
* insert Meaning(period, [[From when and until when the plan holds]])
* insert Meaning(created, [[When it was first made]])
* insert Meaning(author, [[Who is responsible for its content]])
* insert Meaning(contributor, [[Who else took part in making it]])
* insert Meaning(basedOn, [[A plan that this one carries out]])
* insert Meaning(replaces, [[A different plan that this one takes the place of. A change is a new version of the same plan, not a replacement]])
* insert Meaning(partOf, [[A larger plan it belongs to: a crisis plan to its care plan]])
* insert Meaning(goal, [[The goals it serves]])
* insert Meaning(note, [[Remarks: what, who, when]])
* insert Meaning(activity[review], [[A review of the plan]])
* insert Meaning(activity[review].detail.scheduled[x], [[When it is due]])
* insert Meaning(activity[review].detail.performer, [[Who sees to it that it is held]])
* insert Meaning(activity[review].detail.status, [[Whether it is still to be held: `scheduled`, or `completed`]])
* insert Meaning(activity, [[Something the plan foresees: an intervention, or something that promotes social inclusion]])
* insert Meaning(activity.detail.kind, [[Which kind of order would say it, where one is written]])
* insert Meaning(activity.detail.code, [[What is to be done, in codes]])
* insert Meaning(activity.detail.description, [[What is to be done, in words]])
* insert Meaning(activity.detail.status, [[Whether it has begun, goes on or is done]])
* insert Meaning(activity.detail.statusReason, [[Why it stands so]])
* insert Meaning(activity.detail.doNotPerform, [[True where this is not to be done]])
* insert Meaning(activity.detail.scheduled[x], [[When, as dates or in words]])
* insert Meaning(activity.detail.reasonCode, [[Why it is to be done]])
* insert Meaning(activity.detail.goal, [[The goals it serves]])
* insert Meaning(activity.detail.performer, [[Who does it]])
* insert Meaning(activity.detail.location, [[Where]])
* insert Meaning(activity.outcomeReference, [[What came of it, as an observation]])
* insert Meaning(activity.outcomeCodeableConcept, [[What came of it, in words or codes]])
* insert Meaning(activity.reference, [[An order that says it all; then nothing is described here]])
* insert Meaning(activity.progress, [[How it goes: what, who, when]])

RuleSet: CarePlanMeanings
* insert PlanMeanings
* insert Meaning(intent, [[That this is a plan, or what else it is]])
* insert Meaning(category, [[What kind of plan it is]])
* insert Meaning(addresses, [[A need the plan meets]])
* insert Meaning(addresses.display, [[The need, in words]])
* insert Meaning(addresses.reference, [[The coded problem behind it, where there is one]])
* insert Meaning(careTeam, [[Who carries the plan out]])
* insert Meaning(encounter, [[The stay or contact in which it was made]])

RuleSet: CrisisPlanMeanings
* insert PlanMeanings
* insert Meaning(intent, [[That this is a plan]])
* insert Meaning(activity[coping], [[A warning sign and what helps then]])
* insert Meaning(activity[coping].detail.reasonCode, [[The early warning sign, in the words it was told in]])
* insert Meaning(activity[coping].detail.description, [[The coping strategy: what helps when the sign shows]])
* insert Meaning(activity[coping].detail.status, [[Whether it has been tried]])
* insert Meaning(activity[prevention], [[Support that may make an admission unnecessary]])
* insert Meaning(activity[prevention].detail.description, [[The support, in words]])
* insert Meaning(activity[prevention].detail.status, [[Whether it is being given]])
* insert Meaning(activity[prevention].detail.performer, [[Who gives it]])
* insert Meaning(activity[practicalNeed], [[What must be seen to if the person is admitted]])
* insert Meaning(activity[practicalNeed].detail.reasonCode, [[What it concerns: children, dependants, pets, home]])
* insert Meaning(activity[practicalNeed].detail.description, [[What must be seen to, in words]])
* insert Meaning(activity[practicalNeed].detail.status, [[Whether it has been seen to]])
* insert Meaning(activity[practicalNeed].detail.performer, [[Who sees to it]])
* insert Meaning(supportingInfo[consent], [[The person's advance statements and recorded refusals]])
* insert Meaning(supportingInfo[healthcareService], [[Services that can be reached, for instance at any hour]])
* insert Meaning(careTeam, [[The list of named contacts (mh-crisis-contacts)]])

RuleSet: CrisisContactsMeanings
* insert Meaning(subject, [[The person]])
* insert Meaning(participant, [[Somebody to turn to]])
* insert Meaning(participant.member, [[Who; how they are reached stands in their own resource]])
* insert Meaning(participant.role, [[What to turn to them for, in words]])

RuleSet: AgreementMeanings
* insert Meaning(target, [[The plan]])
* insert Meaning(recorded, [[When it was said, where that is known to the second]])
* recorded ^comment = "R4 asks for it. Where only the day is known, it has no value and a data-absent-reason `unknown`; the day stands in the extension."
* insert Meaning(agent.who, [[Who said it]])
* insert Meaning(signature, [[The signature under it]])
* insert Meaning(signature.when, [[When it was signed]])
* insert Meaning(signature.who, [[Who signed]])

RuleSet: CopyGivenMeanings
* insert Meaning(status, [[`completed`: given. `not-done`: declined or not given]])
* insert Meaning(subject, [[The person]])
* insert Meaning(about, [[The plan]])
* insert Meaning(recipient, [[To whom]])
* insert Meaning(sent, [[When]])
* insert Meaning(statusReason, [[Why no copy was given]])
* insert Meaning(medium, [[In which form: on paper, by e-mail, read aloud]])
* insert Meaning(extension[planVersion], [[Which version of the plan the copy is of]])

RuleSet: TaskMeanings
* insert Meaning(status, [[Whether it is still to be done]])
* insert Meaning(intent, [[That somebody is asked to do it]])
* insert Meaning(code, [[What is to be done]])
* insert Meaning(for, [[The person]])
* insert Meaning(focus, [[The item it is about]])
* insert Meaning(owner, [[Who is to do it: the lead professional, or the team's queue]])
* insert Meaning(description, [[What is to be done, in words]])
* insert Meaning(authoredOn, [[When it was raised]])
* insert Meaning(restriction.period.end, [[By when]])
* insert Meaning(input, [[One of the texts it is about]])
* insert Meaning(input.type, [[Which side the text is from]])
* insert Meaning(input.value[x], [[The text]])

// What every decision of the person has.
RuleSet: DirectiveMeanings
* insert Meaning(scope, [[What the Consent is about: `adr` advance wishes and decisions, `patient-privacy` sharing]])
* insert Meaning(status, [[Whether it stands; `inactive`: withdrawn, or ended by a later one]])
* insert Meaning(patient, [[The person]])
* insert Meaning(dateTime, [[When the person made it]])
* insert Meaning(performer, [[Who recorded it]])
* insert Meaning(organization, [[Which organisations hold it]])
* insert Meaning(source[x], [[The original, as a document]])

RuleSet: AdvanceStatementMeanings
* insert DirectiveMeanings
* insert Meaning(category, [[What kind of directive it is]])
* insert Meaning(policyRule, [[That these are wishes to be considered, neither a permission nor a refusal]])
* insert Meaning(provision, [[Never there: a wish permits nothing and refuses nothing]])

RuleSet: AdvanceWishesMeanings
* insert Meaning(status, [[Follows the statement: `active`, `draft` or `revoked`]])
* insert Meaning(intent, [[`proposal`: with this category it means wishes and nothing else]])
* insert Meaning(subject, [[The person]])
* insert Meaning(supportingInfo, [[The statement whose wishes these are]])
* insert Meaning(activity, [[One wish]])
* insert Meaning(activity.detail.code, [[What the wish is about]])
* insert Meaning(activity.detail.description, [[The wish, in the person's own words]])

RuleSet: RecordedRefusalMeanings
* insert DirectiveMeanings
* insert Meaning(category, [[What kind of directive it is]])
* insert Meaning(policyRule, [[That a refusal was recorded: check validity and applicability]])
* insert Meaning(provision.provision, [[One treatment that is refused]])
* insert Meaning(provision.provision.code.text, [[The treatment, in the person's words]])
* insert Meaning(provision.provision.code.coding, [[The treatment, in codes]])

RuleSet: SharingPreferenceMeanings
* insert DirectiveMeanings
* insert Meaning(identifier, [[A number that somebody else gave it]])
* insert Meaning(category, [[What kind of directive it is, and categories that others gave it]])
* insert Meaning(policyRule, [[The policy it follows]])
* policyRule ^comment = "R4's ppc-1 asks for a policy. Where the person named none, `policy#as-stated` is written."
* insert Meaning(policy.uri, [[Further policies, by their address]])
* insert Meaning(provision, [[The outermost rule; what it permits or denies stands in the rules inside it]])
* insert Meaning(provision.type, [[Permit or deny. Never on the outermost rule of ours]])
* insert Meaning(provision.period, [[From when and until when the rule holds]])
* insert Meaning(provision.dataPeriod, [[Of which time the content is]])
* insert Meaning(provision.actor, [[With whom]])
* insert Meaning(provision.actor.role, [[In which role]])
* provision.actor.role ^comment = "R4 asks for it. Where the record says none, information recipient (IRCP) is written."
* insert Meaning(provision.actor.reference, [[Which organisation or person]])
* provision.actor.reference ^comment = "R4 asks for it. A rule about everybody in one role has a data-absent-reason `not-applicable` here."
* insert Meaning(provision.action, [[What may or may not be done with it]])
* insert Meaning(provision.securityLabel, [[Content with this label]])
* insert Meaning(provision.purpose, [[For which purpose]])
* insert Meaning(provision.class, [[Which sections of the plan, or other classes of content]])
* insert Meaning(provision.code, [[Content about this]])
* insert Meaning(provision.data, [[Particular content]])
* insert Meaning(provision.data.meaning, [[Whether that content alone, or what belongs to it]])
* insert Meaning(provision.data.reference, [[The content]])
* insert Meaning(provision.provision, [[Rules inside the rule: a deeper one is the exception to the one around it]])

RuleSet: DocumentMeanings
* insert Meaning(status, [[Whether it is the current one]])
* insert Meaning(type, [[What kind of document it is]])
* insert Meaning(subject, [[The person]])
* insert Meaning(date, [[When it was made known here]])
* insert Meaning(description, [[What it is, in words]])
* insert Meaning(content.attachment.title, [[Its title]])
* insert Meaning(content.attachment.contentType, [[Its format, for instance application/pdf]])
* insert Meaning(content.attachment.url, [[Where its bytes are]])
* insert Meaning(content.attachment.data, [[Its bytes, in base64]])
* insert Meaning(content.attachment.creation, [[When it was made]])

RuleSet: PlacementMeanings
* insert Meaning(intent, [[That somebody is asked to admit the person]])
* insert Meaning(status, [[Whether the request stands]])
* insert Meaning(subject, [[The person]])
* insert Meaning(code, [[Level 1 or level 2 mental health rehabilitation inpatient service]])
* code ^comment = "R4's prr-1 asks for a code where there are interventions: `placement-kind#rehabilitation-placement` is always written, the level beside it where it is known."
* insert Meaning(authoredOn, [[When it was asked]])
* insert Meaning(requester, [[Who asks]])
* insert Meaning(performer, [[The provider asked]])
* insert Meaning(reasonCode, [[The purpose of the admission]])
* insert Meaning(orderDetail, [[Assessments and interventions that are specifically asked for]])
* insert Meaning(occurrence[x], [[From when and until when, as planned]])
* insert Meaning(replaces, [[The placement that ended with a transfer to this one]])

RuleSet: StayMeanings
* insert Meaning(class, [[That the person stays at night]])
* insert Meaning(status, [[Whether the person has arrived, is there, on leave or gone]])
* insert Meaning(subject, [[The person]])
* insert Meaning(basedOn, [[The placement it carries out]])
* insert Meaning(serviceProvider, [[The provider that admits]])
* insert Meaning(location.location, [[The ward, by name]])
* insert Meaning(hospitalization.dischargeDisposition, [[Where the person went, as a kind of place]])
* insert Meaning(hospitalization.destination, [[Where the person went, as a place]])
* insert Meaning(period, [[From when and until when]])
* insert Meaning(reasonCode, [[The purpose of the admission, as the provider sees it]])

// What a treatment review, a visit and a follow-up have in common.
RuleSet: MeetingMeanings
* insert Meaning(status, [[Whether it is still to be held: `requested`, or `completed`]])
* insert Meaning(intent, [[That it is planned]])
* insert Meaning(code, [[Which kind of meeting it is]])
* insert Meaning(for, [[The person]])
* insert Meaning(restriction.period.end, [[By when it is to be held]])
* insert Meaning(owner, [[Who sees to it that it is held]])
* insert Meaning(executionPeriod.start, [[When it was held]])
* insert Meaning(output, [[What came of it]])

RuleSet: TreatmentReviewMeanings
* insert MeetingMeanings
* insert Meaning(code.coding[kind], [[Care and treatment review or, for a child, care, education and treatment review; in the community or in hospital]])

RuleSet: VisitMeanings
* insert MeetingMeanings
* insert Meaning(code.coding[by], [[On whose behalf: the home team or the commissioner]])
* insert Meaning(focus, [[The stay during which the person is visited]])

RuleSet: FollowUpMeanings
* insert MeetingMeanings
* insert Meaning(focus, [[The stay after which it is held]])

RuleSet: SupportNeedMeanings
* insert Meaning(status, [[Whether it still holds]])
* insert Meaning(code, [[What it is: a reasonable adjustment, a learning disability or autism]])
* insert Meaning(code.text, [[What is to be done, or known, in words]])
* insert Meaning(period, [[From when and until when]])
* insert Meaning(author, [[Who recorded it]])
* insert Meaning(subject, [[The person]])

RuleSet: NominationMeanings
* insert DirectiveMeanings
* insert Meaning(policyRule, [[That it is recorded as a fact, and decides nothing by itself]])

RuleSet: PowerOfAttorneyMeanings
* insert DirectiveMeanings
* insert Meaning(policyRule, [[That it is recorded as a fact, and decides nothing by itself]])

RuleSet: AdvanceChoiceDocumentMeanings
* insert DirectiveMeanings
* insert Meaning(policyRule, [[That each statement counts as what it is typed, and as nothing more]])

RuleSet: LegalStatusMeanings
* insert Meaning(status, [[Whether it holds, has ended, or was entered in error]])
* insert Meaning(category, [[That this flag is a legal status]])
* insert Meaning(code, [[Which status]])
* insert Meaning(code.coding[kind], [[Its kind: detained, community treatment order, conditional discharge, guardianship, informal]])
* insert Meaning(code.coding[england], [[England's classification, where it has a code for it]])
* insert Meaning(subject, [[The person]])
* insert Meaning(period, [[From when until when it held]])
* insert Meaning(encounter, [[The stay during which it was imposed]])
* insert Meaning(author, [[Who recorded it]])

RuleSet: SafetyConcernMeanings
* insert Meaning(status, [[Whether somebody looks into it, and whether that is done]])
* insert Meaning(intent, [[That it is to be looked into]])
* insert Meaning(code, [[That it is a safety concern]])
* insert Meaning(focus, [[The organisation complained of, by its ODS code and never by reference]])
* insert Meaning(description, [[The concern, in the words of whoever raised it]])
* insert Meaning(authoredOn, [[When it was raised]])
* insert Meaning(owner, [[The organisation that looks into it, by its ODS code; never the one complained of]])
* insert Meaning(restriction.period.end, [[By when it is to be answered]])
* insert Meaning(output, [[A reply]])
