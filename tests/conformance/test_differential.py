"""Our validator beside HL7's engine on mutants: examples of R4, of UK Core and of ours, with a small fault in each.

Every error of either is at a place where the other finds one too, or is of a class that differing.yaml argues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fhir_mh import Validator
from fhir_mh.fhir.json import dumps, loads
from tests.conformance.differing import CORPORA, Argued, Difference, argued, differences, of_ours, of_theirs
from tests.conformance.hl7 import Engine
from tests.conformance.mutations import MUTATIONS, Mutant, mutants
from tests.house.source import ROOT

FEWEST = 4000
TYPES = """
    AllergyIntolerance Appointment AuditEvent Basic Binary CarePlan CareTeam Communication Composition Condition
    Consent DocumentReference Encounter EpisodeOfCare Flag Goal Group HealthcareService List Location Media
    MedicationRequest MedicationStatement Observation OperationOutcome Organization Patient Practitioner
    PractitionerRole Procedure Provenance QuestionnaireResponse RelatedPerson Schedule ServiceRequest Slot Subscription
    Task
""".split()  # noqa: SIM905 - words read better than quotes
OF_ONE_TYPE = 12  # how many of R4's examples of one type are taken, the first by name
LARGEST = 6_000  # bytes: HL7's engine takes its time with large ones
LARGEST_OF_OURS, LARGEST_BUNDLE = 9_000, 20_000
OF_ONE_R4_EXAMPLE, OF_ONE_BUNDLE, OF_ONE_UK_EXAMPLE, OF_ONE_OF_OURS = 10, 30, 12, 22

pytestmark = [
    pytest.mark.java,
    pytest.mark.shared,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the third-party corpora (../shared/corpora) are absent"),
]


def documents() -> Iterator[tuple[Path, int]]:
    """What is mutated, and how many mutants of each are wanted."""
    for kind in TYPES:
        found = small((CORPORA / "hl7-r4-examples" / "json").glob(f"{kind}-*.json"), LARGEST)
        yield from ((file, OF_ONE_R4_EXAMPLE) for file in found[:OF_ONE_TYPE])
    bundles = (CORPORA / "hl7-r4-examples" / "json").glob("Bundle-*.json")
    for file in [*small(bundles, LARGEST_BUNDLE), ROOT / "examples" / "bundles" / "another-vendor.json"]:
        yield file, OF_ONE_BUNDLE
    for file in small((CORPORA / "uk-core" / "examples").glob("*.json"), LARGEST):
        yield file, OF_ONE_UK_EXAMPLE
    for file in small((ROOT / "examples" / "profiles").glob("*.json"), LARGEST_OF_OURS):
        yield file, OF_ONE_OF_OURS


def small(files: Iterable[Path], largest: int) -> list[Path]:
    return sorted(file for file in files if file.stat().st_size < largest)


@dataclass
class Outcome:
    """What came of all mutants."""

    mutants: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    theirs: int = 0
    theirs_found: int = 0
    ours: int = 0
    ours_found: int = 0
    argued: Counter[int] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def outcome(engine: Engine, beneath: list[Path]) -> Outcome:
    """Both sides on every mutant of every document that both accept, with the same packages."""
    classes, found = argued(), Outcome()
    validator = Validator([str(folder) for folder in beneath])
    for file, count in documents():
        resource = loads(file.read_bytes())
        if not validator.validate(resource).valid or any(said.wrong for said in engine.check(file)):
            continue
        for mutant in mutants(file.stem, resource, count, found.kinds):
            judge(mutant, validator, engine, classes, found)
    return found


def judge(mutant: Mutant, validator: Validator, engine: Engine, classes: list[Argued], found: Outcome) -> None:
    """Count one mutant, and each difference on it by its class."""
    text = dumps(mutant.resource)
    ours, theirs = of_ours(validator.validate(text)), of_theirs(engine.check(text))
    differing = list(differences(ours, theirs, mutant.kinds))
    found.mutants += 1
    found.agreed += bool(ours) is bool(theirs)
    found.ours += len(ours)
    found.theirs += len(theirs)
    found.ours_found += len(ours) - sum(entry.side == "ours" for entry in differing)
    found.theirs_found += len(theirs) - sum(entry.side == "theirs" for entry in differing)
    for entry in differing:
        number = covering(entry, classes)
        if number is None:
            found.open.append(entry.told(mutant.name))
        else:
            found.argued[number] += 1


def covering(entry: Difference, classes: list[Argued]) -> int | None:
    return next((number for number, argument in enumerate(classes) if argument.covers(entry)), None)


def test_there_are_enough_mutants_of_every_kind(outcome: Outcome) -> None:
    assert outcome.mutants >= FEWEST
    assert set(outcome.kinds) == set(MUTATIONS)


def test_every_difference_is_argued(outcome: Outcome) -> None:
    assert outcome.open == []


def test_every_argued_class_is_seen_and_none_grows(outcome: Outcome) -> None:
    for number, entry in enumerate(argued()):
        assert 0 < outcome.argued[number] <= entry.seen, (entry, outcome.argued[number])


def test_what_came_of_it(outcome: Outcome) -> None:
    print(f"\n{outcome.mutants} mutants; {outcome.agreed / outcome.mutants:.1%} of the verdicts agree")
    print(f"of {outcome.theirs} errors of HL7's engine ours finds {outcome.theirs_found / outcome.theirs:.1%} in place")
    print(f"of {outcome.ours} errors of ours HL7's engine finds {outcome.ours_found / outcome.ours:.1%} in place")
    for number, entry in enumerate(argued()):
        print(f"{outcome.argued[number]:5} {entry.side}: {entry.code}")
    assert outcome.agreed / outcome.mutants >= 0.9
