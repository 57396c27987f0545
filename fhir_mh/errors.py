"""What can go wrong across a boundary, as exceptions. Expected faults of input are Issues; these carry them.

    FhirMhError                  500  exception
    +-- InvalidResource          422  invalid      the input breaks a rule; .issues says which and where
    +-- NotFound                 404  not-found
    +-- Gone                     410  deleted
    +-- VersionConflict          412  conflict     If-Match names a version that is no longer the newest
    +-- Conflict                 409  conflict     what is asked contradicts what is held
    +-- ConsentDenied            403  forbidden
    +-- NotAuthenticated         401  login
    +-- UpstreamUnavailable      503  transient    a partner or the database does not answer
    +-- PackageError             500  exception    a FHIR package is missing or broken
    +-- MappingError             500  exception    a mapping file contradicts itself or the record
    +-- ConfigurationError       500  exception    the gateway was told something it cannot follow

This module imports nothing of fhir_mh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from fhir_mh.issues import Issue


class FhirMhError(Exception):
    """Something fhir_mh could not do."""

    status: ClassVar[int] = 500
    fhir_type: ClassVar[str] = "exception"

    def __init__(self, message: str = "", *, issues: Sequence[Issue] = ()) -> None:
        self.issues = tuple(issues)
        super().__init__(message or (self.issues[0].message if self.issues else (type(self).__doc__ or "")))


class InvalidResource(FhirMhError):
    """The input breaks a rule."""

    status = 422
    fhir_type = "invalid"


class NotFound(FhirMhError):
    """There is nothing here by that name."""

    status = 404
    fhir_type = "not-found"


class Gone(FhirMhError):
    """It was here and has been deleted."""

    status = 410
    fhir_type = "deleted"


class VersionConflict(FhirMhError):
    """The version named is not the newest one."""

    status = 412
    fhir_type = "conflict"


class Conflict(FhirMhError):
    """What is asked contradicts what is held."""

    status = 409
    fhir_type = "conflict"


class ConsentDenied(FhirMhError):
    """The person's sharing decisions, or the policy, do not allow this."""

    status = 403
    fhir_type = "forbidden"


class NotAuthenticated(FhirMhError):
    """Who is asking could not be established."""

    status = 401
    fhir_type = "login"


class UpstreamUnavailable(FhirMhError):
    """Something this depends on does not answer; try again later."""

    status = 503
    fhir_type = "transient"


class PackageError(FhirMhError):
    """A FHIR package is missing or broken."""

    def __init__(self, message: str = "", *, issues: Sequence[Issue] = (), file: str = "") -> None:
        """file: the one in which the issues have their lines."""
        super().__init__(message, issues=issues)
        self.file = file


class MappingError(FhirMhError):
    """A mapping contradicts itself or the record."""


class ConfigurationError(FhirMhError):
    """The configuration breaks a rule; nothing was started."""
