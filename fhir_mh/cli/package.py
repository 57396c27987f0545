"""`fhir-mh package build`: our definitions as a FHIR package in one file."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fhir_mh.cli.exits import BAD_INPUT, DONE
from fhir_mh.cli.issue_text import say
from fhir_mh.packages.archive import package_archive, package_name


def run(output: Path | None) -> int:
    """Write the package to output (default: its own name, here) and its path to standard output.

    The file is there whole or not at all. Returns 0, or 2 where it cannot be written there. Raises PackageError when
    the installation is damaged.
    """
    target = output or Path(package_name())
    content = package_archive()
    try:
        with TemporaryDirectory(dir=target.parent, prefix=".fhir-mh-") as folder:
            part = Path(folder) / target.name
            part.write_bytes(content)
            part.replace(target)
    except OSError as fault:
        say(f"{target}: cannot be written ({fault.strerror}); name another place with --output.", "error")
        return BAD_INPUT
    sys.stdout.write(f"{target}\n")
    return DONE
