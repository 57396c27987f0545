"""Modules and functions stay small enough to be read at once. What may be longer stands here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.source import ROOT, modules

MODULE, FUNCTION = 400, 50
LONGER_MODULES = {"fhir_mh/store/schema.py": "the list of all tables, which is read as one"}
LONGER_FUNCTIONS = {
    "fhir_mh/validation/fields.py:primitive_field": "the hot path of every check, in one closure",
    "fhir_mh/store/migrations/versions/v0001_first_release.py:upgrade": "a migration is a list of statements, frozen",
}


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each function's name and its lines without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1 + (node.body[0].lineno - node.lineno)


def test_modules_are_short() -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert not {path: length for path, length in lengths.items() if length > MODULE and path not in LONGER_MODULES}


def test_functions_are_short() -> None:
    lengths = {f"{path}:{name}": length for path, tree in modules().items() for name, length in functions(tree)}
    assert not {name: length for name, length in lengths.items() if length > FUNCTION and name not in LONGER_FUNCTIONS}


def test_what_may_be_longer_is_there() -> None:
    assert set(LONGER_MODULES) <= set(modules())
    assert {name.split(":")[0] for name in LONGER_FUNCTIONS} <= set(modules())


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "common", "helper", "helpers", "manager", "misc"}
    assert not [path for path in modules() if vague & set(path.removesuffix(".py").split("/"))]
