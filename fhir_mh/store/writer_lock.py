"""One writing process for each SQLite file. Others talk to it; a second writer beside it is refused on opening."""

from __future__ import annotations

import os
from pathlib import Path

from fhir_mh.errors import Conflict, UpstreamUnavailable
from fhir_mh.issues import issue

try:
    import fcntl
except ImportError:  # pragma: no cover - without flock the database's own locking remains
    fcntl = None  # type: ignore[assignment]


class WriterLock:
    """Held from construction until release() or the end of the process, however it ends.

    Raises Conflict when another holder has it, UpstreamUnavailable when the folder cannot be written to.
    """

    def __init__(self, database: Path) -> None:
        try:
            self._file: int | None = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise UpstreamUnavailable(
                issues=[issue("store-unavailable", "--store", reason=type(fault).__name__)]
            ) from None
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.release()
                raise Conflict(issues=[issue("store-in-use", "--store")]) from None

    def release(self) -> None:
        """Let others have it; releasing again does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
