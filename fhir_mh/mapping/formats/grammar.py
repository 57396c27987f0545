"""The keys of a mapping file, by the place they stand in. docs/mappings.md explains each; a test compares the two."""

from __future__ import annotations

MAPPING = {
    "name": "what the format is called on the command line and in `unknown`",
    "title": "one line for people",
    "kind": "json or csv",
    "encoding": "utf-8 or cp1252",
    "delimiter": "what parts the columns of a CSV file",
    "columns": "the columns of a CSV file, in order",
    "other_columns": "refuse or keep columns that are not named",
    "dates": "how dates and times are written, wherever a row does not say",
    "zone": "the clock of times that are written without a zone",
    "yes_no": "the words for yes and no, wherever a row does not say",
    "clear": "the word that asks for a field to be emptied",
    "id_scope": "the places in the file that make its own numbers unique in the world",
    "document": "the rows of a JSON file",
    "rows": "the kinds of row of a CSV file",
    "other_rows": "refuse or keep rows of a kind that is not named",
}
LEAF = {
    "field": "the record's field",
    "date": "how this date is written",
    "zone": "the clock of this time",
    "yes_no": "the words for yes and no",
    "codes": "their codes and the record's, or a ConceptMap",
    "ref": "the list or lists of the record that this points into",
    "by": "what it names the other item by: id, ods, or a field of it",
    "separated_by": "what parts the values of a list that stands in one place",
    "required": "whether the file is refused without it",
}
FIXED = {"fixed": "a value that always stands here"}
OBJECT = {
    "into": "the part of the record that the fields below belong to",
    "fields": "the rows of an object",
    "required": "whether the file is refused without it",
}
LIST = {
    "list": "the record's list",
    "matched_by": "how an entry is recognised: id, or the record's natural key for it",
    "fields": "the rows of an entry",
    "each": "the row of an entry that is a single value",
    "where": "what the record says of the entries that belong here",
    "defaults": "what the record holds where this format says nothing",
    "read_only": "whether changes that come back are set aside",
    "required": "whether the file is refused without it",
}
LISTS = {"lists": "several kinds of entry in one list", "other": "refuse or keep entries of a kind that is not named"}
KIND = {"when": "the values by which an entry of this kind is known"}
PLACES = {
    "mapping": MAPPING,
    "row": LEAF,
    "fixed": FIXED,
    "object": OBJECT,
    "list": LIST,
    "lists": LISTS,
    "kind": KIND,
}
