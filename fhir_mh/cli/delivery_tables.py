"""What `fhir-mh deliveries` shows: tables for a person, lines of fields for a pipe; persons by id, never NHS number."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fhir_mh.cli.issue_text import printable

Json = Mapping[str, Any]

_STATES = {"open": "green", "halted": "bold red", "ended": "dim"}
_STAGES = ("opened", "filed", "stored", "sent")
_LANE = ("partner", "person", "state", "waiting", "attempts", "due")
_DEAD = ("seq", "partner", "person", "kind", "edition", "error", "attempts", "created", "settled")
_BREAKER = ("partner", "state", "failures", "since", "retry_at")
_SUMMED = ("partner", "waiting", "age_seconds", "dead", "halted", "quarantined", "breaker", "alarm")
_ONE = ("seq", "partner", "person", "kind", "edition", "state", "error", "attempts", "age_seconds", "waits_for")
_WAITS_FOR = {
    "worker": "It is under way.",
    "turn": "Another message is before it.",
    "person": "Its lane is halted: nothing leaves it until it is resumed.",
    "sharing": "Sharing has ended: it leaves only where sharing is resumed.",
    "partner": "The partner does not answer, and is tried again from time to time.",
    "retry": "It is sent as soon as its lane is due.",
}


def show(verb: str, answer: Json, console: Console | None = None) -> None:
    """Write the gateway's answer to standard output, as fits where it goes."""
    console = console or Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(verb, answer)))
        return
    if verb == "list":
        _tables(console, answer)
        return
    if verb == "summary":
        console.print(_summary_table(answer["partners"]))
    for sentence in _told(verb, answer):
        console.print(sentence)


# --- for a pipe


def _lines(verb: str, answer: Json) -> Iterable[str]:
    """One line for each thing; the first field says what it is."""
    if verb == "summary":
        return [_fields("partner", [one[name] for name in _SUMMED] + [_delivered(one)]) for one in answer["partners"]]
    if verb == "show":
        return [_fields("delivery", [answer[name] for name in _ONE])]
    if verb != "list":
        return _told(verb, answer)
    lanes = (
        _fields("lane", [lane[name] for name in _LANE] + [_why(lane), "; ".join(_copies(lane)), lane["seq"]])
        for lane in answer["lanes"]
    )
    dead = (_fields("dead", [letter[name] for name in _DEAD]) for letter in answer["dead"])
    breakers = (_fields("breaker", [found[name] for name in _BREAKER]) for found in answer["breakers"])
    return [*lanes, *dead, *breakers]


def _fields(kind: str, values: Iterable[Any]) -> str:
    return "\t".join([kind, *("" if value is None else printable(str(value)) for value in values)])


# --- for a person


def _tables(console: Console, answer: Json) -> None:
    if not answer["lanes"] and not answer["dead"]:
        console.print("Nothing waits, and nothing was refused.")
        return
    breakers = {found["partner"]: found for found in answer["breakers"]}
    for partner in sorted({one["partner"] for one in [*answer["lanes"], *answer["dead"]]}):
        console.print(Text(printable(partner), "bold"), Text(_calling(breakers.get(partner)), "yellow"))
        lanes = [lane for lane in answer["lanes"] if lane["partner"] == partner]
        dead = [letter for letter in answer["dead"] if letter["partner"] == partner]
        for table in ([_lane_table(lanes)] if lanes else []) + ([_dead_table(dead)] if dead else []):
            console.print(table)
    if any(lane["seq"] for lane in answer["lanes"]):
        console.print("See what the first message of a lane waits for: fhir-mh deliveries show SEQ")
    if answer["dead"]:
        console.print("Send a refused message again: fhir-mh deliveries replay SEQ")
    if answer["more"]:
        more = counted(answer["more"], "more lane is", "more lanes are")
        console.print(f"{more} not shown; name a partner, or ask for the summary.")
    if any(lane["state"] == "halted" for lane in answer["lanes"]):
        console.print("Let a halted lane go on: fhir-mh deliveries resume PARTNER --person PERSON")


def _calling(breaker: Json | None) -> str:
    """Whether a partner is being called."""
    if breaker is None:
        return ""
    failed = f"{counted(breaker['failures'], 'failure', 'failures')} since {_time(breaker['since'])}"
    return f"{failed}; next call {_time(breaker['retry_at'])}" if breaker["retry_at"] else failed


def _lane_table(lanes: Iterable[Json]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Seq", justify="right", no_wrap=True)
    table.add_column("Person", no_wrap=True)
    table.add_column("Lane", overflow="fold")
    table.add_column("Waiting", justify="right")
    table.add_column("Its copies", overflow="fold")
    for lane in lanes:
        notes = [_why(lane), *_copies(lane)]
        if lane["attempts"]:
            notes.insert(1, f"{counted(lane['attempts'], 'try', 'tries')}; next {_time(lane['due'])}")
        seq, person = str(lane["seq"] or ""), Text(printable(lane["person"]))
        state = Text(lane["state"], _STATES.get(lane["state"], ""))
        table.add_row(seq, person, state, str(lane["waiting"]), Text("\n".join(filter(None, notes))))
    return table


def _dead_table(letters: Iterable[Json]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Seq", justify="right", style="bold red", no_wrap=True)
    for name in ("Refused for", "What", "Why"):
        table.add_column(name, overflow="fold", no_wrap=name == "Refused for")
    for letter in letters:
        what = f"{letter['kind']} {letter['edition']}" if letter["edition"] is not None else letter["kind"]
        table.add_row(
            str(letter["seq"]), *(Text(printable(str(one))) for one in (letter["person"], what, letter["error"]))
        )
    return table


def _summary_table(partners: Iterable[Json]) -> Table:
    table = Table("Partner", box=None, pad_edge=False)
    for name in ("Waiting", "Oldest", "Refused", "Halted", "Set aside"):
        table.add_column(name, justify="right")
    table.add_column("Called")
    table.add_column("Delivered", overflow="fold")
    for one in partners:
        figures = [str(one["waiting"]), _age(one["age_seconds"]), *(str(one[f]) for f in ("dead", "halted"))]
        called = "yes" if one["breaker"] == "closed" else "no"
        style = "bold red" if one["alarm"] or one["dead"] else ""
        row = [printable(one["partner"]), *figures, str(one["quarantined"]), called, _delivered(one)]
        table.add_row(*row, style=style)
    return table


def _delivered(one: Json) -> str:
    """Since the gateway was started."""
    return ", ".join(f"{number} {printable(status)}" for status, number in one["delivered"].items())


def _age(seconds: int) -> str:
    """As people say it: in the largest unit that fits."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _why(lane: Json) -> str:
    """The stable code of what holds a lane up."""
    return printable(str(lane["reason"] or lane["error"] or ""))


def _copies(lane: Json) -> list[str]:
    """How far the partner's copies have come, one sentence for each custodian's part."""
    return [_copy(one) for one in lane["copies"]]


def _copy(one: Json) -> str:
    reached = next((stage for stage in _STAGES if stage in one), None)
    text = f"{one['custodian']}: " + (f"{reached} {one[reached]['edition']}" if reached else "nothing sent")
    if reached not in (None, "sent") and "sent" in one and one["sent"]["edition"] != one[reached]["edition"]:
        text += f", sent {one['sent']['edition']}"
    return printable(f"{text}, no longer kept up to date" if "ended" in one else text)


def _time(text: str | None) -> str:
    """As people read it, to the second."""
    return f"{text[:10]} {text[11:19]}Z" if text else "at once"


def _told(verb: str, answer: Json) -> list[str]:
    if verb == "summary":
        return [printable(f"{one['path']}: {one['message']} {one['fix']}") for one in answer["alarms"]]
    if verb == "show":
        return _shown(answer)
    if verb == "replay" and "replayed" in answer:
        return _replayed(answer)
    if verb == "replay":
        waits = f"Waits again as {answer['seq']} for {printable(answer['partner'])}."
        stays = {"halted": _WAITS_FOR["person"], "ended": _WAITS_FOR["sharing"]}.get(answer["lane"])
        return [waits] if stays is None else [waits, stays]
    if verb == "send-again":
        people, notices = counted(answer["people"], "person", "people"), counted(answer["notices"], "notice", "notices")
        what = f"What {printable(answer['partner'])} may see of {people}, and {notices}"
        return [f"{what}, wait for it again.", *_still_halted(answer)]
    resumed = [f"Goes on: {printable(person)}" for person in answer["resumed"]]
    return resumed or [f"No lane to {printable(answer['partner'])} was halted."]


def _replayed(answer: Json) -> list[str]:
    messages = counted(answer["replayed"], "message waits", "messages wait")
    told = [f"{messages} again for {printable(answer['partner'])}."]
    if answer["left"]:
        told.append(f"{counted(answer['left'], 'more is', 'more are')} to be asked for again.")
    return told + _still_halted(answer)


def _still_halted(answer: Json) -> list[str]:
    number = answer["halted"]
    one, many = "lane is halted: nothing leaves it until it is", "lanes are halted: nothing leaves them until they are"
    return [f"{counted(number, one, many)} resumed."] if number else []


def counted(number: int, one: str, many: str) -> str:
    """A number and what it is of, said of one or of many: 1 person, 2 people."""
    return f"{number} {one if number == 1 else many}"


def _shown(answer: Json) -> list[str]:
    """One message, in a few lines."""
    edition = "" if answer["edition"] is None else f" of edition {answer['edition']}"
    told = [
        f"{answer['kind']}{edition} for {printable(answer['partner'])} about {printable(answer['person'])}",
        f"{answer['state']}, queued {_time(answer['created'])}, {_age(answer['age_seconds'])}",
        counted(answer["attempts"], "try", "tries")
        + (f", last: {printable(answer['error'])}" if answer["error"] else ""),
    ]
    if answer["waits_for"]:
        told.append(_WAITS_FOR[answer["waits_for"]])
    return told + [f"Copy there: {line}" for line in _copies(answer["lane"] or {"copies": ()})]
