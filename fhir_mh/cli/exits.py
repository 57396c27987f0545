"""How a command ends: its exit code, and what is said of a failure. Never a traceback, never a person's data."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fhir_mh.cli.issue_text import say, write
from fhir_mh.errors import FhirMhError, PackageError, UpstreamUnavailable

DONE = 0
NOT_HELD = 1  # it ran, and found faults; or something it depends on does not answer
BAD_INPUT = 2  # the command, its configuration or its input breaks a rule; nothing was done
FAULT = 70  # a fault in fhir-mh itself
INTERRUPTED = 130

_ROOT = Path(__file__).resolve().parents[1]


def code_for(error: FhirMhError) -> int:
    """The exit code of a refusal."""
    return NOT_HELD if isinstance(error, UpstreamUnavailable) or type(error) is FhirMhError else BAD_INPUT


def guarded(run: Callable[[], object]) -> int:
    """Run it and return its exit code; say what went wrong on standard error."""
    try:
        run()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except FhirMhError as refused:
        report(refused)
        return code_for(refused)
    except Exception as fault:  # noqa: BLE001 - the last line of defence: whatever it is, it is not shown
        place = _place(fault)
        reference = hashlib.sha256(place.encode()).hexdigest()[:8]
        say(f"fhir-mh failed, and it is its own fault. Reference {reference} ({place}).", "fault")
        say("Please report it with this reference; it holds nothing of your data.")
        return FAULT
    return DONE


@contextmanager
def reading(source: Path | str) -> Iterator[None]:
    """What is refused inside is reported as found in this file, and ends the command."""
    try:
        yield
    except FhirMhError as refused:
        report(refused, str(source))
        raise SystemExit(code_for(refused)) from None


def report(refused: FhirMhError, source: str = "") -> None:
    """Write the issues of an exception, or what it says where it carries none."""
    if refused.issues:
        write(refused.issues, (refused.file if isinstance(refused, PackageError) else "") or source, sys.stderr)
    else:
        say(f"{source}: {refused}" if source else str(refused), "error")


def _place(fault: Exception) -> str:
    """Where in fhir_mh it happened and the exception's type: the same fault has the same place, and no data in it."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if _ROOT in Path(frame.filename).parents]
    if not ours:
        return type(fault).__name__
    module = Path(ours[-1].filename).relative_to(_ROOT).with_suffix("").as_posix().replace("/", ".")
    return f"{type(fault).__name__}, {module}:{ours[-1].lineno}"
