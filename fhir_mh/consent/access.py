"""Who asks, in which role, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessContext:
    """What every use case is told of its caller.

    organisation: ODS code. role: as the policy names roles (`clinician`, `operator`). purpose: a code of HL7 v3
    PurposeOfUse, TREAT for direct care.
    """

    organisation: str
    role: str = "clinician"
    purpose: str = "TREAT"
