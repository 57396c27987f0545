"""Our verdicts beside those of HL7's engine, on what others published. Ours refuses nothing that HL7's engine accepts;
where ours accepts more, verdicts.yaml says why."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from fhir_mh.validation import Validator
from tests.conformance.hl7 import Engine, Finding
from tests.house.source import ROOT

CORPORA = ROOT.parent / "shared" / "corpora"
FOLDERS = ("hl7-r4-examples", "pacio-adi/published-2021", "ihe-pcf", "synthea-r4", "uk-core/examples")
KNOWN: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "verdicts.yaml").read_text("utf-8"))

pytestmark = [
    pytest.mark.java,
    pytest.mark.shared,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the third-party corpora (../shared/corpora) are absent"),
]


def known(found: Finding) -> int | None:
    """Which entry of verdicts.yaml is about an error of HL7's engine."""
    for at, entry in enumerate(KNOWN):
        if re.search(f"(?:{entry['id']})$", found.id) and re.search(entry.get("says", ""), found.message):
            return at
    return None


def test_the_verdicts_agree_but_for_what_is_known(engine: Engine, validator: Validator) -> None:
    counts: dict[str, Counter[str]] = {folder: Counter() for folder in FOLDERS}
    ours_alone, unexplained, used = [], [], set()
    for folder in FOLDERS:
        for file in sorted((CORPORA / folder).rglob("*.json")):
            theirs = [found for found in engine.check(file) if found.wrong]
            refused = not validator.validate(file.read_bytes()).valid
            counts[folder]["both" if bool(theirs) is refused else "ours" if refused else "theirs"] += 1
            if refused and not theirs:
                ours_alone.append(file.name)
            elif theirs and not refused:
                used.update(map(known, theirs))
                unexplained += [(file.name, found.id, found.message) for found in theirs if known(found) is None]
    print("\ncorpus: verdicts that agree, refused by ours alone, refused by HL7's engine alone")
    for folder, count in counts.items():
        assert sum(count.values()), folder
        print(f"{folder}: {count['both']}, {count['ours']}, {count['theirs']}")
    # The check digit of its NHS number is wrong, at which HL7's engine does not look.
    assert ours_alone == ["UKCore-Patient-BabyPatient-Example.json"]
    assert unexplained == []
    assert [entry["id"] for at, entry in enumerate(KNOWN) if at not in used] == []
