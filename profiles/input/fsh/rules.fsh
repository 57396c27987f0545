// Rule sets: what several profiles or extensions have in common.

RuleSet: Context(path)
* ^context[+].type = #element
* ^context[=].expression = "{path}"

// A primitive value and nothing else.
RuleSet: SimpleValue(type)
* value[x] only {type}
* value[x] 1..1

// A part of a complex extension: name, cardinality, type of its value, what it says.
RuleSet: Part(name, cardinality, type, says)
* extension contains {name} {cardinality}
* extension[{name}].value[x] only {type}
* extension[{name}].value[x] 1..1
* extension[{name}] ^short = "{says}"

// A part whose value is a code of a closed list.
RuleSet: CodedPart(name, cardinality, valueset, says)
* extension contains {name} {cardinality}
* extension[{name}].value[x] only code
* extension[{name}].value[x] 1..1
* extension[{name}].value[x] from {valueset} (required)
* extension[{name}] ^short = "{says}"

// The id of the item in the record, minted once and the same in every format and on every server.
RuleSet: ItemIdentifier
* identifier ^slicing.discriminator.type = #pattern
* identifier ^slicing.discriminator.path = "$this"
* identifier ^slicing.rules = #open
* identifier contains item 0..1
* identifier[item].system 1..1
* identifier[item].value 1..1
* identifier[item] ^patternIdentifier.system = $item-id
* identifier[item] ^short = "The item's id, minted once and carried through every format"
