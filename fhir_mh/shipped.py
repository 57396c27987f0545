"""Where the files are that ship with the product but are not Python: in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["mappings", "package", "policies", "examples", "codes"]

_PACKAGE = Path(__file__).resolve().parent
_IN_CHECKOUT: dict[Kind, str] = {
    "mappings": "mappings", "package": "profiles/package", "policies": "policies", "examples": "examples",
    "codes": "docs/codes",
}  # fmt: skip


def path(kind: Kind) -> Path:
    """The folder of one kind: provider mappings, our own built FHIR package, policies, examples, or pages of codes.

    The wheel's copy lies inside the package; in a checkout it is the folder people edit. Raises FileNotFoundError
    where neither is there: the installation is broken.
    """
    for folder in (_PACKAGE / "_shipped" / kind, _PACKAGE.parent / _IN_CHECKOUT[kind]):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the {kind} that ship with fhir_mh are not there; install it again")
