"""Play the demo and draw what the terminal showed: docs/demo.svg, the picture in the README."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rich.console import Console

from fhir_mh.cli import demo
from fhir_mh.cli.demo.telling import Telling

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "demo.svg"


def main() -> int:
    """Exit with the demo's own code; draw only what held."""
    console = Console(record=True, width=110, highlight=False)
    demo.Telling = lambda: Telling(console)  # type: ignore[misc,assignment]
    ended = demo.run(once=True)
    if ended == 0:
        drawn = console.export_svg(title="make demo", unique_id="demo")
        PICTURE.write_text(re.sub(r"\s*@font-face \{.*?\}\n", "\n", drawn, flags=re.DOTALL), encoding="utf-8")
    return ended


if __name__ == "__main__":
    sys.exit(main())
