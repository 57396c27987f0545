"""Provider systems' own formats: mapping files in YAML, run by the same engine as the tables for FHIR.

A mapping file is written once and runs both ways. See docs/mappings.md for how to write one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fhir_mh import shipped
from fhir_mh.errors import NotFound
from fhir_mh.issues import issue
from fhir_mh.mapping.formats.compiler import compile_mapping
from fhir_mh.mapping.formats.format import Format, Reading, Text
from fhir_mh.mapping.formats.loss import Loss, kept_aside
from fhir_mh.mapping.formats.paths import Tree
from fhir_mh.mapping.formats.source import meant, read_source
from fhir_mh.mapping.formats.text_csv import CsvText
from fhir_mh.mapping.formats.text_json import JsonText

__all__ = ["Format", "Loss", "Reading", "kept_aside", "list_formats", "load_format", "losses"]


def list_formats() -> list[Format]:
    """The formats that ship with fhir_mh, by name."""
    return [load_format(file.stem) for file in sorted(shipped.path("mappings").glob("*.yaml"))]


def load_format(name_or_path: str | Path) -> Format:
    """A format by the name of its shipped mapping file, or by the path of one.

    Raises NotFound where there is no such file, MappingError with everything that is wrong with it.
    """
    return _loaded(_file(str(name_or_path)))


def losses(tree: Tree, known: Format) -> list[Loss]:
    """What a format cannot say of a record: places and labels, never values."""
    return known.losses(tree)


def _file(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path.resolve()
    folder = shipped.path("mappings")
    known = [file.stem for file in folder.glob("*.yaml")]
    if name_or_path in known:
        return folder / f"{name_or_path}.yaml"
    raise NotFound(issues=[issue("map-no-format", name_or_path, hint=meant(name_or_path, [*known, "fhir", "record"]))])


@cache
def _loaded(file: Path) -> Format:
    source = read_source(file.name, file.read_bytes())
    compiled = compile_mapping(source, file.parent)
    kind = source.content["kind"]
    text: Text = JsonText()
    if kind == "csv":
        keep = source.content.get("other_columns") == "keep"
        delimiter = str(source.content.get("delimiter", ","))
        text = CsvText(compiled.columns, compiled.naming.encoding, delimiter, keep)
    return Format(compiled.naming.format, str(source.content.get("title", "")), kind, compiled, text)
