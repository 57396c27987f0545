"""How single values of a provider's format are said in a record: words, numbers, yes and no, codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fhir_mh.fhir.json import load_object
from fhir_mh.mapping.codecs import Codec, Unfit
from fhir_mh.mapping.nodes import MISSING

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})$")


class Words(Codec):
    """A text. A character that the file's encoding lacks is written as `?`: better one mark than no words at all."""

    name = "text"

    def __init__(self, encoding: str, reserved: Any) -> None:
        self.encoding, self.reserved = encoding, reserved

    def write(self, value: Any) -> Any:
        if type(value) is not str or not value or value == self.reserved or "\x00" in value:
            return MISSING
        return value.encode(self.encoding, "replace").decode(self.encoding)


class Whole(Codec):
    """A whole number; a CSV file has it as text."""

    name = "whole number"

    def __init__(self, as_text: bool) -> None:
        self.as_text = as_text

    def read(self, json: Any) -> Any:
        if self.as_text and type(json) is str and _WHOLE.fullmatch(json):
            return int(json)
        if not self.as_text and type(json) is int:
            return json
        raise Unfit(self.name)

    def write(self, value: Any) -> Any:
        if type(value) is not int:
            return MISSING
        return str(value) if self.as_text else value


class YesNo(Codec):
    """Yes and no in the format's own words; JSON's true and false where it has none."""

    def __init__(self, yes: Any = True, no: Any = False) -> None:
        self.yes, self.no = yes, no
        self.name = "true or false" if yes is True else f"{yes} or {no}"

    def read(self, json: Any) -> Any:
        for said, value in ((self.yes, True), (self.no, False)):
            if type(json) is type(said) and json == said:
                return value
        raise Unfit(self.name, "map-unknown-code" if type(json) is str else "map-wrong-type")

    def write(self, value: Any) -> Any:
        return self.yes if value is True else self.no if value is False else MISSING


class CodeList(Codec):
    """A code that the two sides write differently. Of several of theirs that mean one of ours, the first is written."""

    name = "code"

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.to_record: dict[Any, Any] = {}
        self.from_record: list[tuple[Any, Any]] = []
        for theirs, ours in pairs:
            self.to_record[theirs] = ours
            self.from_record.append((ours, theirs))

    def read(self, json: Any) -> Any:
        for theirs, ours in self.to_record.items():
            if type(theirs) is type(json) and theirs == json:
                return dict(ours) if isinstance(ours, dict) else ours
        known = ", ".join(str(theirs) for theirs in self.to_record)
        raise Unfit(f"one of {known}", "map-unknown-code")

    def write(self, value: Any) -> Any:
        for ours, theirs in self.from_record:
            if ours == value or (isinstance(ours, dict) and isinstance(value, dict) and _means(value, ours)):
                return theirs
        return MISSING


def _means(concept: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a concept holds the code of another, or says its words where that has no code."""
    codes = [(coding.get("system"), coding.get("code")) for coding in wanted.get("codings") or ()]
    held = [(coding.get("system"), coding.get("code")) for coding in concept.get("codings") or ()]
    if codes:
        return all(code in held for code in codes)
    return bool(concept.get("text") == wanted.get("text")) and not held


class Listed(Codec):
    """A list of values that stands in one place, parted by a word that none of them holds."""

    def __init__(self, inner: Codec, separator: str) -> None:
        self.inner, self.separator = inner, separator
        self.name = f"list parted by '{separator}'"

    def read(self, json: Any) -> Any:
        if type(json) is not str:
            raise Unfit(self.name)
        return [self.inner.read(part) for part in json.split(self.separator)]

    def write(self, value: Any) -> Any:
        parts = [self.inner.write(entry) for entry in value]
        if not parts or any(type(part) is not str or self.separator in part for part in parts):
            return MISSING
        return self.separator.join(parts)


def concept_of(spec: Any) -> Any:
    """A concept as a mapping file writes it: words, or {system, code, display, text}."""
    if not isinstance(spec, dict):
        return {"text": str(spec)}
    coding = {key: str(spec[key]) for key in ("system", "code", "display") if key in spec}
    out: dict[str, Any] = {"text": str(spec["text"])} if "text" in spec else {}
    return {**out, "codings": [coding]} if coding else out


def concept_map(file: Path, *, concepts: bool) -> list[tuple[str, Any]]:
    """(their code, ours) of each pair that a FHIR ConceptMap says are equal or equivalent.

    concepts: ours is a concept with its code; else the bare code. Raises InvalidResource for unreadable JSON, OSError
    where there is no such file. See https://hl7.org/fhir/R4/conceptmap.html
    """
    pairs: list[tuple[str, Any]] = []
    for group in load_object(file.read_bytes()).get("group", ()):
        for element in group.get("element", ()):
            for target in element.get("target", ()):
                if target.get("equivalence") in ("equal", "equivalent"):
                    coding = {"system": group.get("target"), "code": target["code"], "display": target.get("display")}
                    concept = {"codings": [{key: value for key, value in coding.items() if value}]}
                    pairs.append((element["code"], concept if concepts else target["code"]))
    return pairs
