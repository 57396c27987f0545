"""What one run of a mapping knows beyond the place it stands at: whom references mean, and what went wrong."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from fhir_mh.fhir.json import dumps
from fhir_mh.issues import Issue, issue

if TYPE_CHECKING:
    from fhir_mh.mapping.codecs import Unfit

_NAMESPACE = uuid.UUID("7f0f7f0a-6c1e-5c0b-9d43-6a1b7f6d2c11")


class Deriving(Protocol):
    """What works a value out from an item of the record."""

    name: str
    derive: Callable[[dict[str, Any]], Any]


class Context:
    """One run: reading or writing one document. mints: whether items without ids are given one on reading."""

    mints = True

    def __init__(self) -> None:
        self.faults: list[Unfit] = []
        self.warnings: list[Issue] = []
        self._minted: dict[str, int] = {}
        self._derived: list[tuple[dict[str, Any], Deriving, Any, str]] = []
        self.scope = ""

    def fault(self, fault: Unfit, path: str = "") -> None:
        """Note a value that did not fit; its path is completed as the walk returns."""
        fault.path = path
        self.faults.append(fault)

    def prefix(self, start: int, key: str) -> None:
        """Say of the faults noted since start that they lie below key."""
        for fault in self.faults[start:]:
            joint = "" if not fault.path or fault.path.startswith("[") else "."
            fault.path = f"{key}{joint}{fault.path}"

    def issues(self) -> list[Issue]:
        """The faults so far, as Issues."""
        return [issue(fault.code, fault.path or "$", expected=fault.expected) for fault in self.faults]

    def settle(self) -> None:
        """Compare what was derived by the sender with what we derive; the record's own fields stand."""
        for item, node, came, path in self._derived:
            ours = node.derive(item)
            if ours != came:
                item.setdefault("unknown", {}).setdefault("derived", {})[node.name] = {"came": came, "of": ours}
                self.warnings.append(issue("map-derived-differs", path, name=node.name))
        self._derived.clear()

    def enter(self, scope: str) -> None:
        """Begin with another place, and count anew what is alike in it: another may be called the same."""
        self.scope = scope
        self._minted.clear()

    def mint(self, kind: str, content: Any) -> str:
        """An id for an item that came without one: the same for the same content in the same place."""
        digest = hashlib.sha256(dumps([self.scope, kind, content])).hexdigest()
        count = self._minted[digest] = self._minted.get(digest, 0) + 1
        return str(uuid.uuid5(_NAMESPACE, f"{digest}#{count}"))

    def afterwards(self, item: dict[str, Any], node: Deriving, came: Any) -> None:
        """Remember a derived value, to be compared once the whole item is read."""
        self._derived.append((item, node, came, self.scope))
