"""The command line. Starting it costs little: each command imports what it needs when it runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from fhir_mh import __version__

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `fhir-mh` and return its exit code (fhir_mh/cli/exits.py says what each means)."""
    if arguments is None:  # a process of our own: what it loads to start with is no garbage, so none is looked for
        gc.disable()  # until there is work to do (commands.py)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        sys.stdout.write(f"fhir-mh {__version__}\n")
        return 0
    from fhir_mh.cli.app import commands
    from fhir_mh.cli.exits import guarded

    return guarded(lambda: commands().main(given, prog_name="fhir-mh"))
