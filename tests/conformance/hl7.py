"""HL7's own validation engine as a child process that answers one resource after another."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from fhir_mh.fhir.json import dumps
from scripts.provide_tools import engine_folder

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One message of the engine. path is FHIRPath, without the comments that the engine puts into it."""

    severity: str
    id: str
    path: str
    message: str

    @property
    def wrong(self) -> bool:
        """Whether it makes the resource invalid."""
        return self.severity in ("error", "fatal")


def absent() -> str:
    """Why the engine cannot run here, in one line; empty where it can."""
    if shutil.which("java") is None:
        return "HL7's engine needs a Java runtime, and java is not on the path"
    if not engine_folder().is_dir():
        return "HL7's engine is not built: `make conformance` builds it where Maven is on the path"
    return ""


class Engine:
    """Holds the process; packages are .tgz files or unpacked folders. It is asked not to reach the network."""

    def __init__(self, packages: Sequence[Path], scratch: Path) -> None:
        self._scratch = scratch
        target = engine_folder()
        nowhere = [f"-D{scheme}.proxy{part}" for scheme in ("http", "https") for part in ("Host=127.0.0.1", "Port=9")]
        command = ["java", *nowhere, "-cp", f"{target / 'engine.jar'}:{target / 'dependency' / '*'}", "Engine"]
        self._process = subprocess.Popen(
            [*command, *map(str, packages)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        ready = self._answer()
        if ready != "ready":
            raise RuntimeError(f"HL7's engine did not start: {ready}")

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.stdout.close()  # type: ignore[union-attr]
        self._process.wait()

    def check(self, resource: bytes | dict[str, Any] | Path) -> list[Finding]:
        """What the engine says of one resource or Bundle, against the profiles that it claims."""
        path = resource if isinstance(resource, Path) else self._scratch / "resource.json"
        if isinstance(resource, dict):
            resource = dumps(resource)
        if isinstance(resource, bytes):
            path.write_bytes(resource)
        self._process.stdin.write(f"{path.resolve()}\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        return [
            Finding(said["severity"], said["id"], _COMMENT.sub("", said["path"]), said["message"])
            for said in json.loads(self._answer())
        ]

    def _answer(self) -> str:
        line: str = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError("HL7's engine ended")
        return line.strip()
