"""Templates: what JSON must hold at least to be of one kind, made into a test once and looked up by what tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]


class Template:
    """A test for JSON that says at least what `said` says, and not what `unless` says."""

    def __init__(self, said: Any, unless: Any = None) -> None:
        self.said, self.unless = said, unless
        self.test: Test = _test(said) if unless is None else _both(_test(said), _test(unless))

    def __call__(self, json: Any) -> bool:
        return self.test(json)

    def word(self, key: str) -> str | None:
        """The text that JSON of this kind has at a key; None where any would do."""
        value = self.said.get(key) if isinstance(self.said, dict) else None
        return value if isinstance(value, str) else None


def _both(test: Test, unless: Test) -> Test:
    return lambda json: test(json) and not unless(json)


def _test(said: Any) -> Test:
    if isinstance(said, dict):
        return _object_test(said)
    if isinstance(said, list):
        return _list_test([_test(part) for part in said])
    return lambda json: bool(json == said)


def _object_test(said: dict[str, Any]) -> Test:
    words = tuple((key, value) for key, value in said.items() if isinstance(value, str))
    deeper = tuple((key, _test(value)) for key, value in said.items() if not isinstance(value, str))

    def test(json: Any) -> bool:
        if not isinstance(json, dict):
            return False
        for key, word in words:
            if json.get(key) != word:
                return False
        return all(key in json and inner(json[key]) for key, inner in deeper)

    def only_words(json: Any) -> bool:
        if not isinstance(json, dict):
            return False
        for key, word in words:  # noqa: SIM110  a loop is twice as quick as all(), and this is asked most often
            if json.get(key) != word:
                return False
        return True

    if not deeper:
        return only_words
    return _within(*deeper[0]) if not words and len(deeper) == 1 else test


def _within(key: str, inner: Test) -> Test:
    return lambda json: isinstance(json, dict) and key in json and inner(json[key])


def _list_test(parts: list[Test]) -> Test:
    def has(json: list[Any], part: Test) -> bool:
        for entry in json:  # noqa: SIM110  as above
            if part(entry):
                return True
        return False

    if len(parts) == 1:
        only = parts[0]
        return lambda json: isinstance(json, list) and has(json, only)
    return lambda json: isinstance(json, list) and all(has(json, part) for part in parts)
