"""Puts what belongs to the product but lies beside the package (mappings, profiles, policies, examples, the pages of
codes) into the wheel.

An editable install reads them where they are, so nothing is copied for it: see fhir_mh/shipped.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = {
    "mappings": "mappings", "profiles/package": "package", "policies": "policies", "examples": "examples",
    "docs/codes": "codes",
}  # fmt: skip


class ShippedFiles(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for folder, name in SHIPPED.items():
            for file in sorted((Path(self.root) / folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    inside = file.relative_to(Path(self.root) / folder).as_posix()
                    build_data["force_include"][str(file)] = f"fhir_mh/_shipped/{name}/{inside}"
