"""What cannot be read on a server that answers keeps back what needs it, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_mh.errors import NotAuthenticated, UpstreamUnavailable
from tests.fhir_server import Fault
from tests.unit.connectors.asked import Asked, asked
from tests.unit.connectors.test_polling import goal, goals
from tests.unit.gateway.pair import HOME, WARD
from tests.unit.gateway.server import PATIENT

OF_79 = {"resourceType": "CareTeam", "id": "a1", "subject": {"reference": "Patient/79"}, "name": "Team"}


def read(ward: Asked, source: str) -> bool:
    return ward.tx(lambda tx: tx.checkpoints.get(WARD, source)) is not None


def answered(ward: Asked, path: str, status: int, body: Any = None) -> None:
    """From now on the server answers so to a reading."""
    whole = ward.server.respond

    def respond(method: str, asked: str, *rest: Any) -> tuple[int, Any]:
        return (status, body) if (method, asked) == ("GET", path) else whole(method, asked, *rest)

    ward.server.respond = respond  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("status", "body"), [(403, None), (500, None), (404, None), (200, {**PATIENT, "id": "80"})], ids=str
)
def test_a_patient_who_cannot_be_read_keeps_back_only_what_needs_them(
    tmp_path: Path, status: int, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with asked(tmp_path) as ward:
        answers = ward.server.respond
        answered(ward, "Patient/79", status, body)
        ward.server.put(OF_79)
        ward.server.put(goal("g1", "Sleep"))
        assert ward.poll() == 1
        assert goals(ward) == ["Sleep"]
        assert (read(ward, "Goal"), read(ward, "CareTeam")) == (True, False)
        assert [one.levelname for one in caplog.records if one.name.startswith("fhir_mh")] == ["WARNING"]
        assert "79" not in caplog.text
        ward.server.respond = answers  # type: ignore[method-assign]
        assert ward.poll() == 0
        assert read(ward, "CareTeam")


def test_where_the_server_does_not_answer_at_all_it_is_away(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        answered(ward, "Patient/77", 500)
        whole, first = ward.server.capability, iter([True])
        ward.server.capability = lambda: whole() if next(first, False) else _away()  # type: ignore[method-assign]
        ward.server.put({**OF_79, "id": "of-77", "subject": {"reference": "Patient/77"}})
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        assert not any("Goal" in one for one in ward.server.asked)


def test_one_resource_that_cannot_be_read_once_more_keeps_only_its_type(tmp_path: Path) -> None:
    with asked(tmp_path, uuids=True) as ward:
        ward.server.put(goal("g1", "One"))
        ward.poll()
        answers = ward.server.respond
        answered(ward, "Goal/g1", 500)
        ward.edit("Goal", "g1", description={"text": "One changed"})
        ward.server.put(goal("g2", "Two"))
        assert ward.poll() == 1
        assert goals(ward) == ["One", "Two"]
        ward.server.respond = answers  # type: ignore[method-assign]
        assert ward.poll() == 1
        assert goals(ward) == ["One changed", "Two"]


def test_a_type_that_fails_on_a_server_that_answers_keeps_only_its_own(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.refuse(500, lambda kind, query: kind == "CarePlan")
        ward.server.put(goal("g1", "Sleep"))
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        assert goals(ward) == ["Sleep"]
        assert (read(ward, "Goal"), read(ward, "CarePlan")) == (True, False)


def test_who_provides_what_and_cannot_be_read_keeps_back_only_who_names_it(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        answers = ward.server.respond
        answered(ward, "Organization/trust", 500)
        ward.server.put({"resourceType": "Organization", "id": "trust", "name": "Trust"})
        ward.server.put(goal("g1", "Sleep", expressedBy={"reference": "Organization/trust"}))
        assert (ward.poll(), goals(ward), read(ward, "Goal")) == (0, [], False)
        ward.server.respond = answers  # type: ignore[method-assign]
        assert ward.poll() == 1
        assert (goals(ward), read(ward, "Goal")) == (["Sleep"], True)


def _away() -> Any:
    raise Fault(503)


def test_a_server_that_is_busy_is_asked_nothing_more(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        whole = ward.server.respond
        ward.server.respond = lambda method, asked, *rest: (  # type: ignore[method-assign]
            whole(method, asked, *rest) if asked == "metadata" else (429, None)
        )
        ward.server.asked.clear()
        with pytest.raises(UpstreamUnavailable):
            ward.poll()
        assert sum("_search" in one for one in ward.server.asked) == 1


def test_a_type_that_is_refused_has_nobody_read_again_each_round(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.poll()
        ward.refuse(403, lambda kind, query: kind == "Provenance")
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "Patient/77", "due"))
        with pytest.raises(NotAuthenticated):
            ward.poll()
        assert ward.tx(lambda tx: tx.checkpoints.get(WARD, "Patient/77")).position == "read"
        assert not read(ward, "Provenance"), "it is read from the beginning once it can be"


def test_who_is_gone_there_is_asked_for_no_more(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "Patient/80", "due"))
        ward.poll()
        assert not read(ward, "Patient/80")


def test_where_what_was_read_is_read_anew_what_was_deleted_since_is_told(tmp_path: Path) -> None:
    with asked(tmp_path) as ward:
        ward.interactions.append("history-type")
        ward.server.put(goal("g1", "Sleep"))
        ward.poll()
        ward.home.store.write_now(lambda tx: tx.checkpoints.set(WARD, "Goal", "2999-01-01T00:00:00Z"))
        ward.server.delete("Goal", "g1")
        ward.poll()
        assert [task["kind"] for task in ward.record(HOME).tree["tasks"]] == ["unclear-item"]
