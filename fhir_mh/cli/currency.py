"""`fhir-mh currency`: how current each copy of a person's plans is, asked of the gateway that runs.

The person is named by the id of the record. An NHS number is read from standard input, for arguments are seen by every
user of the machine and kept in histories.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fhir_mh.cli import currency_tables
from fhir_mh.cli.deliveries import ask, find_gateway, record_by_number, write_json
from fhir_mh.cli.exits import DONE


def run(
    record: str, *, config: Path | None = None, gateway: str | None = None, token_file: Path | None = None,
    as_json: bool = False,
) -> int:  # fmt: skip
    """What the gateway says of a record's copies, on standard output; record is its id, or - for an NHS number there.

    A table on a terminal, lines of fields parted by tabs in a pipe, the gateway's own JSON with as_json. Returns 0.
    Raises as `fhir-mh deliveries` does.
    """
    where = find_gateway(config, gateway, token_file)
    name = record_by_number(where) if record == "-" else record
    answer = ask(where, "GET", f"/records/{quote(name, safe='')}/currency")
    if as_json:
        write_json(answer)
    else:
        currency_tables.show(answer)
    return DONE
