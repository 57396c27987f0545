"""Developer command: make the pages of the profiles and of the codes, the crosswalk, and an example of each profile.

    python -m scripts.pages [--check]

Everything comes from what is there already: the mapping tables (fhir_mh/profiles), the package (profiles/package), the
records in examples/, the registry of codes (fhir_mh/issue_codes) and what is said of them (scripts/pages/codes/words).
--check writes nothing; it fails where a page is not what they give.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from scripts.pages import index
from scripts.pages.codes.page import pages
from scripts.pages.crosswalk import crosswalk
from scripts.pages.definitions import ROOT, Package
from scripts.pages.examples import PUBLISHED, by_table
from scripts.pages.profile_page import ProfilePage

INDEX = ROOT / "docs" / "profiles.md"
PAGES = ROOT / "docs" / "profiles"
EXAMPLES = ROOT / "examples" / "profiles"
CODES = ROOT / "docs" / "codes"


def files() -> dict[Path, str]:
    """Every file that is made, with what it should hold. Raises LookupError where a profile or code has no example."""
    package, examples = Package(), by_table()
    found = {INDEX: index.filled(INDEX.read_text("utf-8"), package), ROOT / "docs" / "crosswalk.md": crosswalk(package)}
    for table in PUBLISHED:
        if not examples[table.name]:
            raise LookupError(f"no record in examples/ says anything of {table.profile}")
        page = ProfilePage(table, package, examples[table.name])
        found[PAGES / f"mh-{table.name}.md"] = page.text()
        resource = json.dumps(examples[table.name][0].resource, ensure_ascii=False, indent=2)
        found[EXAMPLES / f"mh-{table.name}.json"] = resource + "\n"
    return found | {CODES / name: text for name, text in pages().items()}


def differing(wanted: dict[Path, str]) -> list[Path]:
    """The files that are missing, other than wanted, or too many."""
    there = {*PAGES.glob("*.md"), *EXAMPLES.glob("*.json"), *CODES.glob("*.md")}
    wrong = [
        path for path in there | wanted.keys()
        if path not in wanted or not path.is_file() or path.read_text("utf-8") != wanted[path]
    ]  # fmt: skip
    return sorted(wrong)


def write(wanted: dict[Path, str], wrong: list[Path]) -> None:
    """Put what differs in its place, and take away what is too many."""
    for path in wrong:
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        else:
            path.unlink()


def main(arguments: list[str]) -> int:
    """Make the pages, or with --check compare; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.pages", description="Make the pages of the profiles and codes."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page differs")
    options = parser.parse_args(arguments)
    wanted = files()
    wrong = differing(wanted)
    if not options.check:
        write(wanted, wrong)
    for path in wrong:
        print(f"{'differs' if options.check else 'written'}: {path.relative_to(ROOT).as_posix()}")
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
