"""What is wrong with an expression, or with applying it."""

from __future__ import annotations

from fhir_mh.errors import FhirMhError


class FhirPathError(FhirMhError):
    """An expression cannot be read (kind `syntax`), names what is not there (`semantic`) or fails (`execution`)."""

    def __init__(self, kind: str, message: str, position: int | None = None) -> None:
        """position: characters from the start of the expression, from 0, where known."""
        self.kind, self.position = kind, position
        super().__init__(message if position is None else f"{message} (at character {position + 1})")


def execution(message: str) -> FhirPathError:
    """A failure while evaluating. Messages name functions and types, never values."""
    return FhirPathError("execution", message)
