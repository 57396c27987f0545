"""Faults of the database as exceptions of ours. Their own texts quote rows, so none of them is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from fhir_mh.errors import Conflict, FhirMhError, UpstreamUnavailable
from fhir_mh.issues import issue

_LOST_RACE = {"40001", "40P01", "23505"}  # serialisation failure, deadlock, unique violation
_ROLLED_BACK = {"23", "40"}  # classes: a constraint that is looked at last, a transaction that had to end
_SQLITE_AVAILABILITY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN",
                        "SQLITE_READONLY", "SQLITE_CORRUPT", "SQLITE_NOTADB")  # fmt: skip


def reason_of(fault: exc.SQLAlchemyError) -> str:
    """The database's own code for what happened (an SQLSTATE or an SQLite name), or the kind of fault."""
    original = getattr(fault, "orig", None)
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return str(code or type(original or fault).__name__)


def lost_race(fault: exc.SQLAlchemyError) -> bool:
    """Whether running the whole transaction again may succeed."""
    return reason_of(fault) in _LOST_RACE


def was_rolled_back(fault: exc.SQLAlchemyError) -> bool:
    """Whether a COMMIT that failed surely kept nothing: PostgreSQL says so itself."""
    return reason_of(fault)[:2] in _ROLLED_BACK


def translated(fault: exc.SQLAlchemyError) -> FhirMhError:
    """UpstreamUnavailable where trying later may help, Conflict where the data contradict, else FhirMhError."""
    reason = reason_of(fault)
    if isinstance(fault, exc.IntegrityError):
        return Conflict(issues=[issue("store-contradiction", "$", reason=reason)])
    gone = isinstance(fault, exc.DBAPIError) and fault.connection_invalidated
    if (
        gone
        or isinstance(fault, exc.OperationalError | exc.InterfaceError | exc.TimeoutError)
        or reason.startswith(_SQLITE_AVAILABILITY)
    ):
        return UpstreamUnavailable(issues=[issue("store-unavailable", "$", reason=reason)])
    return FhirMhError(issues=[issue("store-fault", "$", reason=reason)])


@contextmanager
def translating() -> Iterator[None]:
    """Whatever the database raises inside leaves as an exception of ours, without its cause."""
    try:
        yield
    except exc.SQLAlchemyError as fault:
        raise translated(fault) from None
