"""What a gateway is told, and what it refuses to start with. Codes and places are asserted, never messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api import pushing
from fhir_mh.errors import ConfigurationError
from fhir_mh.gateway import concerns, merges, quarantine, retracting
from fhir_mh.partner import is_loopback
from fhir_mh.settings import OPENING, Settings, doubts, load

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECRET = "kestrel-harbour-lantern-0123456789"
OTHER_SECRET = "willow-bridge-compass-9876543210"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("FHIR_MH_"):
            monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(config: Path | None = None, **arguments: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        load(config, **arguments)
    shown = json.dumps([found.as_dict() for found in caught.value.issues]) + str(caught.value)
    assert SECRET not in shown
    assert OTHER_SECRET not in shown
    return [(found.code, found.path) for found in caught.value.issues]


PARTNER = f"""
ods = "TAH"
[[partners]]
ods = "RXT"
name = "Northern Fells"
base_url = "https://fells.example"
secret = "{SECRET}"
formats = ["fhir"]
roles = ["inpatient-unit"]
"""


LONG = f"""
ods = "TAH"
[[partners]]
ods = "RXT"
name = "Northern Fells"
roles = ["home-team", "commissioner"]
[[partners.connections]]
base_url = "https://fells.example"
secret = "{SECRET}"
[[partners.connections]]
base_url = "https://fells-two.example"
secret = "{SECRET}"
"""


SERVER = """
ods = "TAH"
[[partners]]
ods = "RXT"
name = "Northern Fells"
kind = "fhir-server"
base_url = "https://fells.example/fhir"
token = "abc.def-123="
"""


def test_the_defaults_serve_this_machine_only() -> None:
    settings = load()
    assert settings.on_loopback
    assert settings.partners == ()


def test_arguments_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, 'name = "from the file"\nport = 1\nods = "RXA"\n')
    monkeypatch.setenv("FHIR_MH_PORT", "2")
    monkeypatch.setenv("FHIR_MH_ODS", "RXB")
    settings = load(file, ods="RXC", name=None)
    assert (settings.name, settings.port, settings.ods) == ("from the file", 2, "RXC")


def test_the_environment_may_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_MH_CONFIG", str(written(tmp_path, 'ods = "RXA"')))
    assert load().ods == "RXA"


def test_a_partner_is_read_whole(tmp_path: Path) -> None:
    (partner,) = load(written(tmp_path, PARTNER)).partners
    (connection,) = partner.connections
    assert connection.secrets(NOW) == (SECRET,)
    assert (partner.roles, connection.formats) == (("inpatient-unit",), ("fhir",))


def test_a_partner_may_have_several_connections_in_the_order_in_which_they_are_tried(tmp_path: Path) -> None:
    (partner,) = load(written(tmp_path, LONG + "on = false")).partners
    assert [(one.base_url, one.on) for one in partner.connections] == [
        ("https://fells.example", True),
        ("https://fells-two.example", False),
    ]
    assert [one.base_url for one in partner.usable] == ["https://fells.example"]


def test_the_short_form_is_a_partner_with_one_connection(tmp_path: Path) -> None:
    short = load(written(tmp_path, PARTNER)).partners
    spelt_out = PARTNER.replace("base_url", "[[partners.connections]]\nbase_url").replace(
        'roles = ["inpatient-unit"]', ""
    )
    spelt_out = spelt_out.replace("name =", 'roles = ["inpatient-unit"]\nname =')
    assert load(written(tmp_path, spelt_out)).partners == short


def test_a_partner_may_be_a_plain_fhir_server(tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("abc.def-123=\n")
    (partner,) = load(written(tmp_path, SERVER.replace('token = "abc.def-123="', 'token_file = "server.key"'))).partners
    (connection,) = partner.connections
    assert (partner.kind, connection.poll, connection.secrets(NOW)) == ("fhir-server", 60, ())
    assert connection.token is not None
    assert connection.token.get_secret_value() == "abc.def-123="
    here = SERVER.replace("https://fells.example", "http://127.0.0.1:8103").replace("token", "# token")
    assert load(written(tmp_path, here + "poll = 5")).partners[0].connections[0].poll == 5


def test_the_previous_secret_counts_until_the_time_that_was_set(tmp_path: Path) -> None:
    (tmp_path / "old.key").write_text(OTHER_SECRET)
    more = "previous_secret_file = 'old.key'\nprevious_until = 2026-12-01T00:00:00Z"
    (connection,) = load(written(tmp_path, PARTNER + more)).partners[0].connections
    until = datetime(2026, 12, 1, tzinfo=UTC)
    assert connection.secrets(until - timedelta(seconds=1)) == (SECRET, OTHER_SECRET)
    assert connection.secrets(until) == (SECRET,)


def test_the_folder_of_secrets_is_found_beside_the_file(tmp_path: Path) -> None:
    assert refused(written(tmp_path, 'secrets = "keys"')) == [("config-invalid", "secrets")]
    (tmp_path / "keys").mkdir()
    assert load(written(tmp_path, 'secrets = "keys"')).secrets == tmp_path / "keys"
    assert load(written(tmp_path, f'secrets = "{tmp_path}"')).secrets == tmp_path


def test_secrets_are_read_from_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pair.key").write_text(SECRET + "\n")
    text = PARTNER.replace(f'secret = "{SECRET}"', 'secret_file = "pair.key"')
    (partner,) = load(written(tmp_path, text)).partners
    assert partner.connections[0].secrets(NOW) == (SECRET,)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = load(written(tmp_path, PARTNER), store=f"postgresql://gateway:{OTHER_SECRET}@db/plans")
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert SECRET not in shown
        assert OTHER_SECRET not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prt = 1", [("config-unknown-key", "prt")]),
        ("port = 'many'", [("config-invalid", "port")]),
        ("port = 70000", [("config-invalid", "port")]),
        ("port = -1", [("config-invalid", "port")]),
        ("ods = 'lower case'", [("config-invalid", "ods")]),
        ("name = ''", [("config-invalid", "name")]),
        ("partners = 'RXT'", [("config-invalid", "partners")]),
        ("partners = ['RXT']", [("config-invalid", "partners[0]")]),
        ("ods='TAH'\n[[partners]]\nods='RXT'\nname='x'", [("config-missing", "partners[0].base_url")]),
        (PARTNER + "sekret = 'x'", [("config-unknown-key", "partners[0].sekret")]),
        (PARTNER.replace(SECRET, "short"), [("config-secret-weak", "partners[0].secret")]),
        (PARTNER.replace('secret = "', '# "'), [("config-secret-needed", "partners[0].secret")]),
        (PARTNER.replace("https", "http"), [("config-insecure-url", "partners[0].base_url")]),
        (PARTNER.replace("https://", "ftp://"), [("config-invalid", "partners[0].base_url")]),
        *(
            (
                PARTNER.replace("https://", f"https://{user}").replace(".example", f".example{port}"),
                [("config-invalid", "partners[0].base_url")],
            )
            for user, port in (
                ("", ":80x"),
                ("", ":99999"),
                ("", ":0"),
                ("me:pw@", ""),
                ("me@", ""),
                ("[", ""),
                (":1/", ""),
            )
        ),
        ("public_url = 'https://gateway.example:80x'", [("config-invalid", "public_url")]),
        ("public_url = 'https://me:pw@gateway.example'", [("config-invalid", "public_url")]),
        (PARTNER.replace("RXT", "TAH"), [("config-duplicate", "partners[0].ods")]),
        (PARTNER.replace('ods = "TAH"', ""), [("config-ods-needed", "ods")]),
        (PARTNER.replace('secret = "', 'secret_file = "'), [("config-secret-file", "partners[0].secret_file")]),
        (LONG.replace("home-team", "neighbours"), [("config-invalid", "partners[0].roles[0]")]),
        (LONG + "kind = 'pigeon'", [("config-invalid", "partners[0].connections[1].kind")]),
        (LONG + "base_uri = 'x'", [("config-unknown-key", "partners[0].connections[1].base_uri")]),
        (LONG + "formats = ['record']", [("config-invalid", "partners[0].connections[1].formats")]),
        (SERVER + f'secret = "{SECRET}"', [("config-other-kind", "partners[0].secret")]),
        (SERVER + "formats = ['fhir']", [("config-other-kind", "partners[0].formats")]),
        (SERVER + "poll = 0", [("config-invalid", "partners[0].poll")]),
        (SERVER.replace("abc", "a b"), [("config-invalid", "partners[0].token")]),
        (SERVER.replace("token =", "# token ="), [("config-token-needed", "partners[0].token")]),
        (SERVER.replace('token = "', 'token_file = "'), [("config-secret-file", "partners[0].token_file")]),
        (PARTNER + "token = 'abc'", [("config-other-kind", "partners[0].token")]),
        (PARTNER + "poll = 5", [("config-other-kind", "partners[0].poll")]),
        (
            LONG + "[[partners.connections]]\nkind='fhir-server'\nbase_url='https://fells.example/fhir'\ntoken='abc'",
            [("config-mixed-kinds", "partners[0].connections[2].kind")],
        ),
        (LONG + "on = 'perhaps'", [("config-invalid", "partners[0].connections[1].on")]),
        (
            LONG + "previous_secret_file = 'no.key'",
            [
                ("config-secret-file", "partners[0].connections[1].previous_secret_file"),
                ("config-missing", "partners[0].connections[1].previous_until"),
            ],
        ),
        (
            LONG + f"previous_secret = '{OTHER_SECRET}'",
            [
                ("config-missing", "partners[0].connections[1].previous_until"),
            ],
        ),
        (
            LONG + "previous_until = 2026-12-01T00:00:00",
            [
                ("config-invalid", "partners[0].connections[1].previous_until"),
            ],
        ),
        (
            LONG + "previous_until = 2026-12-01T00:00:00Z",
            [
                ("config-missing", "partners[0].connections[1].previous_secret"),
            ],
        ),
        (
            LONG.replace("name =", "base_url = 'https://a.example'\nname ="),
            [
                ("config-unknown-key", "partners[0].base_url"),
            ],
        ),
        (
            LONG.replace("https://fells-two", "http://fells-two"),
            [
                ("config-insecure-url", "partners[0].connections[1].base_url"),
            ],
        ),
        (
            'ods="TAH"\n[[partners]]\nods="RXT"\nname="x"\nconnections=[]',
            [
                ("config-missing", "partners[0].connections"),
            ],
        ),
        (
            'ods="TAH"\n[[partners]]\nods="RXT"\nname="x"\nconnections="x"',
            [
                ("config-invalid", "partners[0].connections"),
            ],
        ),
        (PARTNER + f"previous_secret = '{OTHER_SECRET}'", [("config-missing", "partners[0].previous_until")]),
        ("[[clients]]\ntoken='x'\norganisation='RXT'\nrole='ward'", [("config-secret-weak", "clients[0].token")]),
        (
            (
                f"[[clients]]\ntoken='{SECRET}'\norganisation='RXT'\nrole='ward'\nname='ehr'\n"
                "endpoints=['http://ehr.example/hook']"
            ),
            [("config-insecure-url", "clients[0].endpoints[0]")],
        ),
        (
            f"[[clients]]\ntoken='{SECRET}'\norganisation='RXT'\nrole='ward'\nendpoints=['https://ehr.example']",
            [("config-missing", "clients[0].name")],
        ),
        *(
            (
                f"[[clients]]\ntoken='{SECRET}'\norganisation='RXT'\nrole='ward'\nname='ehr'\nendpoints=['{url}']",
                [("config-invalid", "clients[0].endpoints[0]")],
            )
            for url in ("ehr.example", "https://me@ehr.example/", "https://ehr.example/a?b", "https://ehr.example/../a")
        ),
        (
            (
                f"[[clients]]\ntoken='{SECRET}'\norganisation='RXT'\nrole='ward'\nname='ehr'\nendpoints=['https://a.example']\n"
                f"[[clients]]\ntoken='{OTHER_SECRET}'\norganisation='RXT'\nrole='clerk'\nname='ehr'"
            ),
            [("config-duplicate", "clients[0].name")],
        ),
        (
            f"[[clients]]\ntoken='{SECRET}'\norganisation='RXT'\nrole='ward'\n" * 2,
            [("config-duplicate", "clients[1].token")],
        ),
    ],
)
def test_a_fault_in_the_file_is_named_and_placed(tmp_path: Path, text: str, expected: list[tuple[str, str]]) -> None:
    assert refused(written(tmp_path, text)) == expected


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    text = PARTNER.replace("https", "http") + "[[clients]]\ntoken='x'\norganisation='RXT'\nrole='ward'"
    found = {code for code, _ in refused(written(tmp_path, text), host="0.0.0.0", ods="RXT")}
    assert found == {"config-insecure-url", "config-secret-weak", "config-duplicate"}


def test_a_fault_says_whether_environment_or_argument_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_MH_PORT", "many")
    assert refused() == [("config-invalid", "FHIR_MH_PORT")]
    assert refused(port=-1) == [("config-invalid", "--port")]


def test_a_list_in_the_environment_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_MH_PARTNERS", "not json")
    assert refused() == [("config-invalid", "FHIR_MH_PARTNERS")]
    monkeypatch.setenv("FHIR_MH_PARTNERS", '[{"ods": "rxt", "name": "N", "base_url": "http://127.0.0.1:1"}]')
    assert refused() == [("config-invalid", "FHIR_MH_PARTNERS[0].ods")]


def test_a_misspelt_variable_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FHIR_MH_HOTS", "127.0.0.1")
    assert refused() == [("config-unknown-key", "FHIR_MH_HOTS")]
    monkeypatch.delenv("FHIR_MH_HOTS")
    monkeypatch.setenv("FHIR_MH_TEST_POSTGRESQL", "postgresql://x")
    assert load()


def test_a_file_that_is_not_toml_is_placed_and_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path, f'port = 1\nsecret = "{SECRET}" x\n'))
    (found,) = caught.value.issues
    assert (found.code, found.line) == ("config-unreadable", 2)
    assert SECRET not in str(found)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"name = '\xff'")
    assert refused(file) == [("config-unreadable", "$")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.toml") == [("config-file-missing", "--config")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gateway.example"])
def test_nothing_is_opened_to_others_without_proof_of_who_they_are(tmp_path: Path, host: str) -> None:
    assert refused(host=host, ods="TAH") == [("config-client-needed", "clients")]
    local = PARTNER.replace("https://fells.example", "http://127.0.0.1:9").replace("secret = ", "# ")
    assert load(written(tmp_path, local)).partners[0].connections[0].secret is None
    assert ("config-secret-needed", "partners[0].secret") in refused(written(tmp_path, local), host=host)


def test_with_proof_it_is_opened(tmp_path: Path) -> None:
    client = f"\n[[clients]]\ntoken = '{OTHER_SECRET}'\norganisation = 'RXT'\nrole = 'ward'"
    settings = load(written(tmp_path, PARTNER + client), host="0.0.0.0")
    assert not settings.on_loopback
    assert settings.clients[0].purpose == "TREAT"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


def test_settings_do_not_change_underfoot() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]
    assert isinstance(load(), Settings)


@pytest.mark.parametrize("role", [*OPENING, "clinician", "care-team", "ward", "nurse"])
def test_a_role_that_opens_something_or_is_ones_own_is_not_doubted(tmp_path: Path, role: str) -> None:
    assert doubts(load(_with_roles(tmp_path, "ward", role))) == []


@pytest.mark.parametrize("role", ["operater", "operators", "administrater", "merge", "seal", "concern", "fhir_server"])
def test_a_role_that_is_nearly_one_that_opens_something_is_doubted_and_not_refused(tmp_path: Path, role: str) -> None:
    (found,) = doubts(load(_with_roles(tmp_path, "ward", role)))
    assert (found.code, found.severity, found.path) == ("config-role-near", "warning", "clients[1].role")


def test_the_roles_that_open_something_are_those_that_there_are() -> None:
    assert {one.ROLE for one in (concerns, merges, pushing, quarantine, retracting)} < set(OPENING)


def _with_roles(folder: Path, *roles: str) -> Path:
    config = folder / "gateway.toml"
    config.write_text(
        "".join(
            f'[[clients]]\ntoken = "{number}-{"x" * 40}"\norganisation = "ZCT1"\nrole = "{role}"\n'
            for number, role in enumerate(roles)
        )
    )
    return config


def test_an_nhs_number_is_no_organisation_s_code_and_is_not_repeated(tmp_path: Path) -> None:
    client = f'[[clients]]\ntoken = "{OTHER_SECRET}"\norganisation = "9990000018"\nrole = "operator"\n'
    file = written(tmp_path, PARTNER.replace("RXT", "9990000018") + client)
    with pytest.raises(ConfigurationError) as caught:
        load(file, ods="9990000018")
    assert sorted((found.code, found.path) for found in caught.value.issues) == [
        ("config-invalid", place) for place in ("--ods", "clients[0].organisation", "partners[0].ods")
    ]
    assert all(found.fix for found in caught.value.issues)
    assert "9990000018" not in json.dumps([found.as_dict() for found in caught.value.issues]) + str(caught.value)
