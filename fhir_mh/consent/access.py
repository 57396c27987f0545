"""Who asks, in which role, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

EMERGENCY = "ETREAT"  # HL7 v3 PurposeOfUse: treatment in an emergency, a kind of TREAT


@dataclass(frozen=True, slots=True)
class AccessContext:
    """What every use case is told of its caller.

    organisation: ODS code. role: as the policy names roles (`clinician`, `operator`). purpose: a code of HL7 v3
    PurposeOfUse, TREAT for direct care. client: what the settings call the system that asks; None where they do not.
    """

    organisation: str
    role: str = "clinician"
    purpose: str = "TREAT"
    client: str | None = None


def in_role(context: AccessContext, role: str, *, everyone: bool) -> AccessContext:
    """The caller's context; where no client has a token (everyone), whoever asks has this role too."""
    return replace(context, role=role) if everyone else context
