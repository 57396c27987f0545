"""`fhir-mh explain`: what a code means, an example that gives it, and how to put it right.

The pages are those of docs/codes, which ship with the product: nothing is asked of a network.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches

from fhir_mh import shipped
from fhir_mh.cli.exits import DONE
from fhir_mh.errors import NotFound
from fhir_mh.issue_codes import CODES
from fhir_mh.issues import issue

_NEAREST = 3


def run(code: str) -> int:
    """Write the page of a code to standard output: for people on a terminal, else as Markdown.

    Raises NotFound for what is no code, naming those that are nearly like it.
    """
    text = page(code)
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return DONE
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))
    return DONE


def page(code: str) -> str:
    """The page of a code, in Markdown, from its heading on. Raises NotFound for what is no code."""
    if code not in CODES:
        near = get_close_matches(code, CODES, n=_NEAREST)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "Write it as it stands in a finding, such as json-encoding."
        )
        raise NotFound(issues=[issue("cli-unknown-code", code, hint=hint)])
    text = (shipped.path("codes") / f"{code}.md").read_text(encoding="utf-8")
    return text[text.index(f"# {code}\n") :]


def meaning(code: str) -> str:
    """What a code means, in a few sentences: the page's first paragraph. Raises NotFound for what is no code."""
    return page(code).split("\n\n")[1]
