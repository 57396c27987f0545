"""Words and lists of values: what is known of them, and stays when they are said again or others in their place."""

from __future__ import annotations

from typing import Any

from fhir_mh.fhir.parts import copied
from fhir_mh.records.base import WORD_FIELDS

Tree = dict[str, Any]

PROTECTING = ("in_confidence", "third_party")
"""What protects a text, or a person spoken of in it: never lost because a format cannot say it."""

SOURCE = WORD_FIELDS - {"text"}
"""What is said of words besides the words: who said them, who recorded them and when, and what protects them."""


def as_known(new: Any, known: Any) -> Any:
    """Words that are known and said again, with what is known of their source and not mentioned now."""
    if not (isinstance(new, dict) and isinstance(known, dict) and "text" in new and new["text"] == known.get("text")):
        return new
    full = {**{name: value for name, value in known.items() if name in SOURCE}, **new}
    return known if {name: value for name, value in full.items() if value is not None} == known else full


def all_as_known(new: list[Any], known: list[Any]) -> list[Any]:
    """The same of a list, where only one that is known, and not said again as it is, can be meant."""
    rest, out = beyond(known, new), []
    for value in new:
        same = [one for one in rest if value not in known and as_known(value, one) is not value]
        if same and all(one == same[0] for one in same):
            rest.remove(same[0])
            value = as_known(value, same[0])
        out.append(value)
    return out


def still_protected(ours: Any, new: Any) -> Any:
    """New words, told in confidence or about a third party as the old ones were, unless they say otherwise.

    Who said the old words is not said of the new: nobody is given words that somebody else wrote.
    """
    after = copied(new)
    if isinstance(after, dict) and isinstance(ours, dict) and "text" in after:
        marks = {mark: ours[mark] for mark in PROTECTING if mark in ours and mark not in after}
        return {**{key: value for key, value in after.items() if value is not None or key not in PROTECTING}, **marks}
    return after


def beyond(values: list[Any], others: list[Any]) -> list[Any]:
    """The values that the others do not have, each counted as often as it is said."""
    rest, out = list(others), []
    for value in values:
        if value in rest:
            rest.remove(value)
        else:
            out.append(value)
    return out


def unclear(ours: list[Any], view: list[Any], gone: Any, times: int) -> bool:
    """Whether the view says several of ours, which are not alike, in the same words, and not all of those went."""
    copies = view.count(gone)
    if copies <= times or ours.count(gone) == copies:
        return False
    said = [value for value in ours if _covers(value, gone)]
    return any(value != said[0] for value in said)


def would_unmark(ours: list[Any], removed: list[Any], added: list[Any]) -> bool:
    """Whether something went that is told in confidence, and what was added may or may not be said in its place."""
    if not added or len(removed) == len(added):
        return False
    return any(_marks(value) and not _marks(gone) and _covers(value, gone) for value in ours for gone in removed)


def _marks(value: Any) -> bool:
    return isinstance(value, dict) and any(mark in value for mark in PROTECTING)


def replaced(ours: list[Any], removed: list[Any], added: list[Any]) -> list[Any]:
    """Our list with the removed values out and the added ones in their places.

    A removed value stands for the one of ours that says what it says and least beyond it; what ours says beyond
    it stays with the value that takes its place.
    """
    out: dict[int, Any] = dict(enumerate(ours))
    untouched, waiting = set(out), list(added)
    for gone in removed:
        places = [n for n in sorted(untouched) if _covers(out[n], gone)]
        if not places:
            continue
        place = min(places, key=lambda n: (out[n] != gone, len(out[n]) if isinstance(out[n], dict) else 0))
        untouched.remove(place)
        if waiting and isinstance(out[place], dict) and isinstance(waiting[0], dict):
            out[place] = _in_place_of(out[place], gone, waiting.pop(0))
        elif waiting:
            out[place] = waiting.pop(0)
        else:
            del out[place]
    return [*out.values(), *copied(waiting)]


def _in_place_of(ours: Tree, gone: Tree, new: Tree) -> Tree:
    """New with what ours says beyond what went; of new words, nobody said them who said the old ones."""
    if "text" in ours and new.get("text") != ours["text"]:
        return {**new, **{key: ours[key] for key in PROTECTING if key in ours and key not in gone}}
    return {**new, **{key: value for key, value in ours.items() if key not in gone}}


def _covers(value: Any, shown: Any) -> bool:
    if isinstance(value, dict) and isinstance(shown, dict):
        return all(key in value and _covers(value[key], inner) for key, inner in shown.items())
    return bool(value == shown)
