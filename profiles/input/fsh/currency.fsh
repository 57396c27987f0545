// Which copies of which plans are current, and why: the answer of Patient/{id}/$currency.

CodeSystem: CurrentPlanReason
Id: current-plan-reason
Title: "Why a crisis plan is the current one"
Description: "Why one of several crisis plans is the current one, or why none can be named."
* ^caseSensitive = true
* ^experimental = false
* #only-plan "Only plan" "It is the only crisis plan there is, and it is in force."
* #only-in-force "Only one in force" "It is the only one that is in force."
* #leads-care "Keeper leads the care" "Its keeper has an active episode of the person's care with somebody who leads it."
* #home-team "Keeper is the home team" "Its keeper is the home team of a placement that is active."
* #newest "Newest" "It was agreed, reviewed or changed last."
* #none "None" "There is no crisis plan."
* #none-in-force "None in force" "There are crisis plans, and none of them is in force."
* #not-told "Cannot be told" "Several are in force, and nothing known tells which is the current one."

ValueSet: CurrentPlanReasonVS
Id: current-plan-reason
Title: "Why a crisis plan is the current one"
Description: "Why one of several crisis plans is the current one, or why none can be named."
* ^experimental = false
* include codes from system CurrentPlanReason

RuleSet: Out(path, name, min, max, type, documentation)
* {path}.name = #{name}
* {path}.use = #out
* {path}.min = {min}
* {path}.max = "{max}"
* {path}.type = #{type}
* {path}.documentation = "{documentation}"

RuleSet: OutParts(path, name, min, max, documentation)
* {path}.name = #{name}
* {path}.use = #out
* {path}.min = {min}
* {path}.max = "{max}"
* {path}.documentation = "{documentation}"

RuleSet: OutStage(path, name, documentation)
* insert OutParts({path}, {name}, 0, 1, {documentation})
* insert Out({path}.part[0], edition, 1, 1, positiveInt, [[The custodian's edition that reached the stage]])
* insert Out({path}.part[1], at, 1, 1, instant, [[When it did]])
* insert Out({path}.part[2], version, 0, 1, positiveInt, [[The plan version that it brought or left from before]])
* insert Out({path}.part[3], contentHash, 0, 1, string, [[The content hash that the plan then carried]])
* insert Out({path}.part[4], newest, 0, 1, boolean, [[Whether that is the plan as it is now. Left out where it cannot be known here]])

Instance: currency
InstanceOf: OperationDefinition
Usage: #definition
* url = "https://w3id.org/fhir-mh/OperationDefinition/currency"
* name = "Currency"
* title = "How current each copy of each plan is"
* status = #draft
* kind = #operation
* date = "2026-11-26"
* description = "For one person: which version of each plan each partner was sent, has stored, has filed and has opened, and when; which copies are not kept up to date any more, since when and why; and which crisis plan is current where several organisations each keep one, and why. Another organisation is told of its own copies, and of those that it keeps."
* affectsState = false
* code = #currency
* resource = #Patient
* system = false
* type = false
* instance = true
* insert Out(parameter[0], asOf, 1, 1, instant, [[When this was so]])
* insert OutParts(parameter[1], currentCrisisPlan, 1, 1, [[Which crisis plan is the current one]])
* insert Out(parameter[1].part[0], resource, 0, 1, Reference, [[The plan. Left out where none is current or where it cannot be told]])
* parameter[1].part[0].targetProfile = Canonical(mh-crisis-plan)
* insert Out(parameter[1].part[1], custodian, 0, 1, Identifier, [[The organisation that keeps it by ODS code]])
* insert Out(parameter[1].part[2], reason, 1, 1, Coding, [[Why]])
* parameter[1].part[2].binding.strength = #required
* parameter[1].part[2].binding.valueSet = Canonical(CurrentPlanReasonVS)
* insert Out(parameter[1].part[3], sentence, 1, 1, string, [[The same in one sentence for people]])
* insert OutParts(parameter[2], plan, 0, *, [[A care plan, a crisis plan, or a directive with the resources that say it]])
* insert Out(parameter[2].part[0], resource, 1, 1, Reference, [[The resource that stands for it, with the id that it goes by everywhere]])
* insert Out(parameter[2].part[1], custodian, 1, 1, Identifier, [[The organisation that keeps it by ODS code]])
* insert Out(parameter[2].part[2], kind, 1, 1, code, [[What it is: the id of its profile without mh-]])
* insert Out(parameter[2].part[3], title, 0, 1, string, [[What it is called]])
* insert Out(parameter[2].part[4], version, 0, 1, positiveInt, [[The plan version that is held here]])
* insert Out(parameter[2].part[5], contentHash, 0, 1, string, [[Its content hash]])
* insert OutParts(parameter[2].part[6], copy, 0, *, [[A copy of it at one organisation]])
* insert Out(parameter[2].part[6].part[0], organisation, 1, 1, Identifier, [[Which by ODS code]])
* insert OutStage(parameter[2].part[6].part[1], sent, [[What it was sent]])
* insert OutStage(parameter[2].part[6].part[2], stored, [[What its gateway has stored]])
* insert OutStage(parameter[2].part[6].part[3], filed, [[What it has filed in its own system]])
* insert OutStage(parameter[2].part[6].part[4], opened, [[What a person there has opened]])
* insert Out(parameter[2].part[6].part[5], newest, 0, 1, boolean, [[Whether what is stored is the plan as it is now. Left out where it cannot be known here]])
* insert Out(parameter[2].part[6].part[6], keptUpToDate, 1, 1, boolean, [[Whether later versions are sent there]])
* insert Out(parameter[2].part[6].part[7], since, 0, 1, instant, [[Since when they are not]])
* insert Out(parameter[2].part[6].part[8], reason, 0, 1, string, [[Why they are not in one sentence]])
* insert OutParts(parameter[2].part[6].part[9], asking, 0, 1, [[The asking by which the copy was pulled. Left out where none was]])
* insert Out(parameter[2].part[6].part[9].part[0], id, 1, 1, string, [[Its id]])
* insert Out(parameter[2].part[6].part[9].part[1], at, 1, 1, instant, [[When it was made]])
