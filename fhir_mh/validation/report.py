"""What a validation answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_mh.fhir.outcome import outcome
from fhir_mh.issues import Issue, has_errors


@dataclass(frozen=True, slots=True)
class Report:
    """issues: what is wrong, warnings included. not_checked: what could not be judged, which is not right by that.

    Of one kind the first thousand are told, and then that there are more (validate-more-found).
    """

    issues: tuple[Issue, ...] = ()
    not_checked: tuple[Issue, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether nothing is an error. What was not checked does not count either way."""
        return not has_errors(self.issues)

    def outcome(self) -> dict[str, Any]:
        """All of it as an OperationOutcome."""
        return outcome((*self.issues, *self.not_checked))
