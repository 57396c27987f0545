"""What somebody changed in a copy that a server holds: told from what the server merely dropped or wrote otherwise.

A server keeps what it can: it drops elements that it does not know, flattens others, puts lists in another order, adds
a narrative. None of that is anybody's wish. So what it holds is laid over what it was sent: what is not there any more
is as it was sent, what says less of the same is the same, and only what says something else, or more, is a change.
Absence is never deletion: nothing that was emptied on such a server is emptied here.

What the server had answered that it holds, when it was written, says more exactly what it makes of it: what it had
added or written otherwise by then is nobody's wish either.

What is one value (a code, an amount, a name, an address) is taken whole: half of an old one with half of a new one
would be nobody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from fhir_mh.clock import moment_of
from fhir_mh.fhir.urls import ITEM_ID
from fhir_mh.packages.model import R4

Body = dict[str, Any]
_KEPT = ("resourceType", "id", "meta", "contained")
"""Whose it is and which it is: never what a server makes of it."""
_TELLING = ("url", "system", "type", "code")
"""What tells entries of a list apart that have no id; the last two only those that have parts, such as an output."""


def laid_over(sent: Mapping[str, Any], there: Mapping[str, Any], answered: Mapping[str, Any] | None = None) -> Body:
    """The resource that was sent with what is changed in it where it is held. All by the names that it has here.

    What is held alike, or says less of the same, gives what was sent, unchanged. answered: what the server held of it
    when it was written, where that is known.
    """
    now = {name: value for name, value in there.items() if name not in _KEPT}
    if _is_generated(now.get("text")):
        del now["text"]
    return _part(str(sent.get("resourceType")), sent, now, answered or {})


def says_no_more(sent: Any, there: Any) -> bool:
    """Whether what is held says nothing that was not sent: it is the same, or has less of it."""
    if isinstance(there, dict):
        if not isinstance(sent, dict):
            return False
        told = {key: there[key] for key in there if key not in ("type", "identifier")} if _names(sent, there) else there
        return all(key in sent and says_no_more(sent[key], told[key]) for key in told)
    if isinstance(there, list):
        return isinstance(sent, list) and all(
            inner is None or any(says_no_more(one, inner) for one in sent) for inner in there
        )
    if isinstance(sent, bool) or isinstance(there, bool):
        return sent is there
    return bool(sent == there) or _one_moment(sent, there)


def _is_generated(text: Any) -> bool:
    return isinstance(text, dict) and text.get("status") in ("generated", "extensions", "empty")


def _names(sent: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether this is the reference that was sent, by what its target is called: it was not on the server yet."""
    identifier = there.get("identifier")
    if "reference" in there or not isinstance(identifier, dict) or identifier.get("system") != ITEM_ID:
        return False
    return bool(sent.get("reference") == f"{there.get('type')}/{identifier.get('value')}")


def _one_moment(sent: Any, there: Any) -> bool:
    """Whether two texts are one instant, written by two systems."""
    if not (isinstance(sent, str) and isinstance(there, str) and "T" in sent and "T" in there):
        return False
    before = moment_of(sent)
    return before is not None and before == moment_of(there)


@cache
def _types(type_name: str) -> dict[str, tuple[str, str]]:
    """JSON key -> (element, type) of what a type holds."""
    found = {}
    for name in R4.children(type_name):
        for key, code in R4.child(type_name, name) or ():
            found[key] = (name, code)
    return found


def _type_of(type_name: str, key: str) -> str:
    return "Element" if key.startswith("_") else _types(type_name).get(key, ("", ""))[1]


def _has_parts(type_name: str) -> bool:
    """Whether something of this type is changed part by part: it has a place of its own, and is no value."""
    return "." in type_name or type_name in ("Extension", "Element")


def _part(type_name: str, sent: Mapping[str, Any], there: Mapping[str, Any], answered: Mapping[str, Any]) -> Body:
    out = dict(sent)
    for key, new in there.items():
        if (key == "id" and "id" in sent) or (key in answered and says_no_more(answered[key], new)):
            continue
        if key not in sent:
            for other in _other_forms(type_name, key, sent):
                out.pop(other, None)
            out[key] = new
        elif not says_no_more(sent[key], new):
            out[key] = _value(_type_of(type_name, key), sent[key], new, answered.get(key))
    for key in _stale(sent, out, there):
        del out[key]
    return out


def _other_forms(type_name: str, key: str, sent: Mapping[str, Any]) -> list[str]:
    """The other forms of the same choice that were sent, with what goes beside them."""
    element, _ = _types(type_name).get(key, ("", ""))
    others = [form for form, (name, _) in _types(type_name).items() if element and name == element and form != key]
    return [held for form in others for held in (form, f"_{form}") if held in sent]


def _value(type_name: str, sent: Any, there: Any, answered: Any) -> Any:
    if isinstance(sent, list) and isinstance(there, list):
        return _list(type_name, sent, there, answered if isinstance(answered, list) else [])
    if isinstance(sent, dict) and isinstance(there, dict) and _has_parts(type_name):
        return _part(type_name, sent, there, answered if isinstance(answered, dict) else {})
    return _whole(sent, there)


def _whole(sent: Any, there: Any) -> Any:
    """A value as it is held, without what was said of words that it does not say any more.

    Of a concept the codes are as they were where none of them says anything else: which of them are kept there is
    nobody's wish, whatever was written in words beside them.
    """
    if not isinstance(sent, dict) or not isinstance(there, dict):
        return there
    out = {
        key: sent[key] if key == "coding" and says_no_more(sent.get(key), value) else _whole(sent.get(key), value)
        for key, value in there.items()
    }
    for key in _stale(sent, out, there):
        del out[key]
    return out


def _stale(sent: Mapping[str, Any], out: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """What stands beside a primitive value that was changed, and was not said anew of it: who said it, above all."""
    beside = [key for key in out if key.startswith("_") and key in sent and out.get(key[1:]) != sent.get(key[1:])]
    return [key for key in beside if says_no_more(sent[key], there.get(key, {}))]


def _list(type_name: str, sent: Sequence[Any], there: Sequence[Any], answered: Sequence[Any]) -> list[Any]:
    """The entries that were sent, in their order, each with what is changed in it; and those that are new, each last of
    its kind: where an extension of another url stands beside it, that the two stand in another order is no change.

    Which of them an entry is that says something else is told by its id, url or system; else only where no other can be
    meant. Where that cannot be told it is a new one: nothing is written over by it.
    """
    out, same, strange, clear = list(sent), set[int](), [], True
    for place, new in enumerate(there):
        found = _said_already(sent, same, new)
        if found:
            same.add(found[0])
            clear = clear and len(found) == 1
        elif not any(says_no_more(one, new) for one in answered):
            strange.append((place, new))
    named = {_name(entry): n for n, entry in enumerate(sent) if _name(entry) is not None}
    known = {_name(entry): entry for entry in answered}
    once = {name for name, count in Counter(map(_name, sent)).items() if count == 1}
    once &= {name for name, count in Counter(map(_name, there)).items() if count == 1}
    unnamed, added = [], []
    for place, new in strange:
        name = _name(new)
        if name is not None and name in once and named[name] not in same:
            out[named[name]] = _value(type_name, sent[named[name]], new, known.get(name))
            same.add(named[name])
        elif name is None or name[0] != "id":
            unnamed.append((place, new))
        else:
            added.append(new)
    left = [n for n in range(len(sent)) if n not in same]
    for place, new in unnamed:
        alone = left[0] if len(left) == len(unnamed) == 1 else None
        at = alone if alone is not None else place if len(sent) == len(there) and place in left else None
        if at is None or not clear or not _may_be(sent[at], new, _TELLING if _has_parts(type_name) else _TELLING[:2]):
            added.append(new)
        else:
            out[at] = _value(type_name, sent[at], new, None)
    for new in added:
        alike = [n for n, entry in enumerate(out) if (_name(new) or "")[:1] == ("url",) and _name(entry) == _name(new)]
        out.insert(alike[-1] + 1 if alike else len(out), new)
    return out


def _said_already(sent: Sequence[Any], same: set[int], new: Any) -> list[int]:
    """The places of the entries that say all that this one says, first the one that it is taken for.

    That is one that says nothing else, if it can be, and one that no other is taken for.
    """
    found = [n for n, entry in enumerate(sent) if new is None or says_no_more(entry, new)]
    return sorted(found, key=lambda n: (n in same, sent[n] != new))


def _name(entry: Any) -> tuple[str, Any] | None:
    """What tells an entry of a list from the others: its id, else of an extension its url, of a value its system."""
    if isinstance(entry, dict):
        for key in ("id", "url", "system"):
            if isinstance(entry.get(key), str):
                return key, entry[key]
    return None


def _may_be(sent: Any, new: Any, telling: Sequence[str]) -> bool:
    """Whether an entry can be the other one, changed: nothing that tells such entries apart tells these apart.

    What has an id here and none there is not guessed at: it is matched by its natural key, as from any format.
    """
    if not isinstance(sent, dict) or not isinstance(new, dict):
        return not isinstance(sent, dict) and not isinstance(new, dict)
    both = [key for key in telling if key in sent and key in new]
    return "id" not in sent and all(says_no_more(sent[key], new[key]) for key in both)
