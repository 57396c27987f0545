"""What is wrong with an expression, or with applying it."""

from __future__ import annotations

from fhir_mh.errors import FhirMhError


class FHIRPathError(FhirMhError):
    """An expression cannot be evaluated; kind says why.

    syntax: it cannot be read. semantic: it names what is not there. execution: it fails on this input.
    limit: it is too long, nested too deeply, or takes more steps than one evaluation may.
    """

    def __init__(self, kind: str, message: str, position: int | None = None) -> None:
        """position: characters from the start of the expression, from 0, where known."""
        self.kind, self.position = kind, position
        super().__init__(message if position is None else f"{message} (at character {position + 1})")


def execution(message: str) -> FHIRPathError:
    """A failure while evaluating. Messages name functions and types, never values."""
    return FHIRPathError("execution", message)


def limit(message: str, position: int | None = None) -> FHIRPathError:
    """An expression, or what it asks for, that is larger than may be."""
    return FHIRPathError("limit", message, position)
