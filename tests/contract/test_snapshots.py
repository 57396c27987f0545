"""A Shape is made by narrowing R4 with one differential after another. It says what a snapshot made by others says.

Compared are our profiles, with SUSHI's snapshots, those of UK Core (corpora/uk-core/package.tgz), with HL7's, and
those of R4 itself, with the ones it was published with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.packages.build import SOURCE as R4
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.facts import Facts, facts_of
from fhir_mh.packages.source import cache, read_package
from fhir_mh.validation.shapes import Shapes
from scripts.build_profiles import compiled, config
from scripts.provide_tools import ROOT, SUSHI
from tests.contract.rows import Difference, differences

UK_CORE = Path(__file__).parents[2].parent / "shared" / "corpora" / "uk-core" / "package.tgz"
ALL_LANGUAGES = "http://hl7.org/fhir/ValueSet/all-languages"

pytestmark = pytest.mark.slow


def _as_the_sliced_element_has_it(found: Difference, said: dict[str, Facts]) -> bool:
    """What the element that is sliced says holds for each slice; those who made the snapshot left it out of theirs.

    See https://hl7.org/fhir/R4/elementdefinition.html#slicing, of the entry that has the slicing.
    """
    head, _, rest = found.id.partition(":")
    unsliced = said.get(head + rest[rest.find(".") :] if "." in rest else "")
    if unsliced is None:
        return False
    if found.part == "element":
        return found.shape is True
    if found.part == "binding":
        return found.shape == [(unsliced["binding"]["strength"], unsliced["binding"]["valueSet"])]
    return found.part == "fixed" and found.shape == [v for k, v in unsliced.items() if k.startswith("fixed")]


def _r4_binds_it_whatever_a_profile_says(found: Difference, said: dict[str, Facts]) -> bool:
    """A profile bound the element anew and did not repeat R4's maxValueSet, to which every resource is held.

    See https://hl7.org/fhir/R4/profiling.html#binding
    """
    return (found.part, found.snapshot, found.shape) == ("maxValueSet", [], [ALL_LANGUAGES])


def _children_are_spelt_out(found: Difference, said: dict[str, Facts]) -> bool:
    """An element like another (contentReference) of which the snapshot has the children instead of the reference.

    See https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.contentReference
    """
    return found.part == "contentReference" and found.snapshot == "" and found.id + ".id" in said


def _an_id_is_an_id(found: Difference, said: dict[str, Facts]) -> bool:
    """Resource.id: R4's definitions call it a string here and there, https://hl7.org/fhir/R4/resource.html an id."""
    return found.id.split(".")[1:] == ["id"] and (found.snapshot, found.shape) == (
        [("string", [], [], [], [])],
        [("id", [], [], [], [])],
    )


def _nothing_may_stand_there(found: Difference, said: dict[str, Facts]) -> bool:
    """R4's codesystem-history rules extensions out and then slices them: nothing can stand in these slices."""
    return (found.part, found.shape) == ("max", "0") and said[found.id.rpartition(":")[0]]["max"] == "0"


def _as_often_as_the_extension_says(found: Difference, said: dict[str, Facts]) -> bool:
    """R4 was published before HL7's engine took over how often an extension stands from its own definition."""
    return (found.part, found.snapshot, found.shape) == ("max", "*", "1") and ".extension:" in found.id


def _like_every_entry(found: Difference, said: dict[str, Facts]) -> bool:
    """R4's provenance-relevant-history was made as if contentReference led to one slice; it leads to the element."""
    return found.part == "contentReference" and found.snapshot.startswith(found.shape + ":")


Argument = Callable[[Difference, dict[str, Facts]], bool]


def compared(definitions: Iterable[dict[str, Any]], *arguments: Argument) -> int:
    """How many profiles were compared. Fails for a difference that no argument is for, and one that serves for none."""
    held = [dict(definition) for definition in definitions if definition["resourceType"] == "StructureDefinition"]
    snapshots = {d["url"]: d.pop("snapshot") for d in held if d.get("derivation") == "constraint" and "snapshot" in d}
    shapes = Shapes(Definitions(resources=held))  # of differentials alone
    wrong: list[Difference] = []
    served: set[Argument] = set()
    for definition in (d for d in held if d["url"] in snapshots):
        facts = facts_of({**definition, "snapshot": snapshots[definition["url"]]})
        assert facts is not None
        said = {element["id"]: element for element in facts["snapshot"]}
        for found in differences(facts, shapes):
            fitting = {argument for argument in arguments if argument(found, said)}
            served |= fitting
            wrong += [] if fitting else [found]
    assert not wrong
    assert served == set(arguments)
    return len(snapshots)


@pytest.mark.skipif(not SUSHI.exists(), reason="SUSHI is not in .tools (make profiles puts it there)")
@pytest.mark.skipif(
    not all((cache() / f"{name}#{version}").is_dir() for name, version in config()["dependencies"].items()),
    reason="the UK Core package that profiles/sushi-config.yaml names is not in the package cache",
)
@pytest.mark.slow
def test_our_profiles_say_what_their_snapshots_say() -> None:
    found = compared(
        compiled("--snapshot").values(),
        _as_the_sliced_element_has_it,
        _r4_binds_it_whatever_a_profile_says,
        _children_are_spelt_out,
        _an_id_is_an_id,
    )
    assert found == len([d for d in read_package(ROOT / "profiles" / "package") if d.get("derivation") == "constraint"])


@pytest.mark.shared
@pytest.mark.skipif(not UK_CORE.is_file(), reason="the third-party corpora (../shared/corpora/uk-core) are absent")
def test_the_profiles_of_uk_core_say_what_their_snapshots_say() -> None:
    found = compared(read_package(UK_CORE), _as_the_sliced_element_has_it, _r4_binds_it_whatever_a_profile_says)
    assert found > 150


@pytest.mark.skipif(not (cache() / R4).is_dir(), reason=f"{R4} is not in the package cache")
def test_the_profiles_of_r4_say_what_their_snapshots_say() -> None:
    found = compared(
        read_package(R4),
        _an_id_is_an_id,
        _as_the_sliced_element_has_it,
        _nothing_may_stand_there,
        _as_often_as_the_extension_says,
        _like_every_entry,
    )
    assert found > 430
