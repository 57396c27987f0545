"""The steps of the demo. Each does something at one system and looks at the others until it is seen to hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from fhir_mh.cli.demo.providers import AWAY, HOME, UNIT, NotHeld
from fhir_mh.cli.demo.story import Json, Story, example

COMMUNITY, WARD_CSV = "community-trust", "out-of-area-csv"
SIGN = "Two nights without sleep"
_CRISIS_PLAN = "736253002"


def read_the_extract(story: Story) -> None:
    """The community trust's own JSON becomes FHIR."""
    extract = example("community-extract.json")
    story.nhs_number = json.loads(extract)["patient"]["nhs_no"]
    saved = story.post(HOME, extract, format_name=COMMUNITY)
    story.expect("the extract makes a new record", saved["version"] >= 1)
    plans, consents = story.fhir(HOME, "CarePlan"), story.fhir(HOME, "Consent")
    kinds = {"crisis plan": [p for p in plans if _coded(p, _CRISIS_PLAN)], "care plan": _not_crisis(plans)}
    kinds["advance statement"] = [c for c in consents if _scope(c) == "adr" and "provision" not in c]
    kinds["recorded refusal"] = [c for c in consents if _scope(c) == "adr" and "provision" in c]
    kinds["sharing preference"] = [c for c in consents if _scope(c) == "patient-privacy"]
    for name, found in kinds.items():
        story.expect(f"a {name} in FHIR", found)
    due = [review["planned"] for plan in story.record(HOME)["care_plans"] for review in plan["reviews"]]
    story.expect("review dates", due)
    story.tell(HOME, "its own extract is now " + ", ".join(kinds) + f" in FHIR R4; the next review is due {max(due)}.")


def open_a_placement(story: Story) -> None:
    """The person is placed 200 miles away: the plan gets there first."""
    record = story.record(HOME)
    away = {"id": "org-away", "ods": AWAY, "name": story.providers[AWAY].name}
    home = {"id": story.organisation(record, HOME)}
    story.change(
        HOME,
        organisations=[away],
        episodes=[{"id": "unit-episode", "status": "active", "organisation": {"id": story.organisation(record, UNIT)}}],
        placements=[
            {
                "id": "placement",
                "level": "2",
                "requested_by": home,
                "provider": {"id": "org-away"},
                "out_of_area_reason": "bed-unavailable",
                "purposes": [{"text": "Rehabilitation after a long admission"}],
            }
        ],
    )
    wanted = story.crisis_plan(HOME)["warning_signs"]

    def there(ods: str) -> bool:
        return bool(story.crisis_plan(ods)["warning_signs"] == wanted)

    for ods in (AWAY, UNIT):
        story.until(f"the crisis plan, word for word, at {story.providers[ods].name}", partial(there, ods))
    rows = _rows(story.extract(AWAY, WARD_CSV))
    story.expect("the crisis plan in the ward's own CSV", any(SIGN in row.values() for row in rows))
    story.tell(
        AWAY, f"holds the crisis plan in the person's own words, in FHIR and as {len(rows)} rows of its own CSV."
    )
    story.tell(UNIT, "holds it too.")


def the_ward_adds(story: Story) -> None:
    """The ward writes something new, and moves the estimated date of discharge."""
    plan = story.crisis_plan(AWAY)
    new = {"id": "ward-sign", "sign": "Leaves meals untouched", "coping": "Cook together; sit near the door"}
    first = _term("first", "2027-01-15", "2026-11-20T10:00:00Z", "First estimate on admission")
    stay = {"id": "stay", "placement": {"id": "placement"}, "provider": {"id": "org-away"}, "ward": "Example Ward"}
    story.change(
        AWAY,
        crisis_plans=[{"id": plan["id"], "warning_signs": [new]}],
        stays=[{**stay, "estimated_discharge": [first]}],
    )
    story.until("the coping strategy at home", lambda: story.coping(HOME, new["sign"]) == new["coping"])
    moved = _term("second", "2027-03-01", "2026-11-24T10:00:00Z", "The flat will not be ready before March")
    story.change(AWAY, stays=[{"id": "stay", "estimated_discharge": [moved]}])

    def history() -> Any:
        terms = story.record(HOME)["stays"][0]["estimated_discharge"]
        return [(t["value"], t["reason"]["text"]) for t in terms] if len(terms) > 1 else None

    dates = story.until("the new date of discharge at home", history)
    story.expect("both dates, each with its reason", dates[-1] == (moved["value"], moved["reason"]))
    story.tell(HOME, f"“{new['sign']}” -> “{new['coping']}” has come home.")
    story.tell(HOME, f"discharge moved from {dates[0][0]} to {dates[1][0]}: “{dates[1][1]}”.")


def both_change_the_same(story: Story) -> None:
    """While neither can reach the other, both sides change the same words."""
    sign, plan = _sign(story, AWAY), story.crisis_plan(AWAY)["id"]
    texts = {AWAY: "A walk in the grounds with a nurse", HOME: "Ring the night team instead of the sister"}

    def write(ods: str) -> None:
        story.change(ods, crisis_plans=[{"id": plan, "warning_signs": [{"id": sign, "coping": texts[ods]}]}])

    home, away = story.providers[HOME], story.providers[AWAY]
    home.kill()
    write(AWAY)
    away.kill()
    home.start()
    home.ready()
    write(HOME)
    away.start()
    away.ready()

    def task() -> Any:
        conflicts = [t for t in story.record(HOME).get("tasks", ()) if t["kind"] == "conflict"]
        held = {text["words"]["text"] for t in conflicts for text in t["texts"]}
        return next(iter(conflicts), None) if set(texts.values()) <= held else None

    found = story.until("a Task at home with both texts", task)
    story.expect("the Task is the lead professional's", found.get("owner"))
    story.expect("a Task in FHIR", [t for t in story.fhir(HOME, "Task") if t.get("owner")])
    story.until("one text at both", lambda: story.coping(AWAY, SIGN) == story.coping(HOME, SIGN) == texts[HOME])
    story.tell(HOME, f"keeps “{texts[HOME]}”; the lead professional has a Task that holds both texts.")
    story.tell(AWAY, "sees what home holds; its own words are in that Task, not lost.")


def the_csv_comes_back(story: Story) -> None:
    """The ward's CSV cannot say who said a text, or how a refusal was witnessed. It comes back edited."""
    before = story.record(HOME)
    rows = _rows(story.extract(AWAY, WARD_CSV))
    old, new = story.coping(HOME, SIGN), "Ring the night team, then sit with somebody who knows me"
    row = next((row for row in rows if SIGN in row.values() and old in row.values()), None)
    if row is None:
        raise NotHeld(f"not so: the ward's CSV has the row “{SIGN}”")
    row[next(name for name, value in row.items() if value == old)] = new
    story.post(AWAY, _csv(rows), format_name=WARD_CSV, content_type="text/csv")
    story.until("the edited row at home", lambda: story.coping(HOME, SIGN) == new)
    after = story.record(HOME)
    for part in ("statements", "refusals", "sharing", "goals", "documents", "agreements", "person", "care_plans"):
        story.expect(f"{part} at home as they were", after.get(part) == before.get(part))
    signs = [entry["sign"] for entry in after["crisis_plans"][0]["warning_signs"]]
    story.expect("who said it is still known", signs == [s["sign"] for s in before["crisis_plans"][0]["warning_signs"]])
    story.tell(HOME, f"took the one row that changed: “{new}”.")
    story.tell(HOME, "who said what, the formalities of the refusal, the goals: all as they were.")


def the_partner_is_down(story: Story) -> None:
    """The out-of-area provider is killed with kill -9; meanwhile the home team goes on."""
    away, plan = story.providers[AWAY], story.crisis_plan(HOME)["id"]
    away.kill()
    texts = [f"Written while the ward was down, part {n}" for n in (1, 2, 3)]
    for n, text in enumerate(texts, 1):
        story.change(HOME, crisis_plans=[{"id": plan, "prevention": [{"id": f"down-{n}", "description": text}]}])
    away.start()
    away.ready()

    def arrived() -> list[str]:
        entries = story.crisis_plan(AWAY)["prevention"]
        return [e["description"]["text"] for e in entries if e["description"]["text"] in texts]

    story.until("all three changes at the ward", lambda: len(arrived()) >= len(texts))
    story.expect("in order, and each once", arrived() == texts)
    story.expect(
        "the same version on both sides", story.crisis_plan(AWAY)["version"] == story.crisis_plan(HOME)["version"]
    )
    story.tell(AWAY, "is back: three changes arrived, in order, each once.")


def consent_is_withdrawn(story: Story) -> None:
    """The person decides that the out-of-area provider is told nothing more."""
    away = {"party": {"id": "org-away"}}
    terms = {"exceptions": [{"decision": "deny", "actors": [away]}]}
    story.change(HOME, sharing=[{"id": "withdrawal", "made_at": "2026-11-24T12:00:00Z", "terms": terms}])
    held = story.crisis_plan(AWAY)["warning_signs"]
    plan, sign, text = story.crisis_plan(HOME)["id"], _sign(story, HOME), "What the person told only the home team"
    story.change(HOME, crisis_plans=[{"id": plan, "warning_signs": [{"id": sign, "coping": text}]}])
    copy = story.until("the notice at the ward", lambda: _ended(story.copy_of(AWAY, HOME)))
    story.until("the change at the inpatient unit, which still may know", lambda: story.coping(UNIT, SIGN) == text)
    story.expect("the ward's copy is as it was", story.crisis_plan(AWAY)["warning_signs"] == held)
    story.tell(UNIT, "has the latest change.")
    story.tell(AWAY, f"its copy stays, shown as no longer kept up to date: “{copy['reason']}”")


STEPS: tuple[tuple[str, Callable[[Story], None]], ...] = (
    ("The community trust's own extract becomes FHIR", read_the_extract),
    ("A placement is opened 200 miles away, and the plan gets there", open_a_placement),
    ("The ward adds a coping strategy and moves the date of discharge: both come home", the_ward_adds),
    ("Both sides change the same words, cut off from each other: neither is lost", both_change_the_same),
    ("The ward's CSV comes back, and takes nothing away that it could not say", the_csv_comes_back),
    ("The out-of-area provider is killed, and catches up: in order, once", the_partner_is_down),
    ("The person withdraws consent: nothing more is sent but a notice", consent_is_withdrawn),
)


def _coded(plan: Json, code: str) -> bool:
    return any(coding.get("code") == code for found in plan.get("category", ()) for coding in found.get("coding", ()))


def _not_crisis(plans: list[Json]) -> list[Json]:
    return [plan for plan in plans if plan["intent"] == "plan" and not _coded(plan, _CRISIS_PLAN)]


def _scope(consent: Json) -> str:
    return str(consent["scope"]["coding"][0]["code"])


def _term(name: str, value: str, recorded_at: str, reason: str) -> Json:
    return {
        "id": f"edd-{name}",
        "value": value,
        "recorded_at": recorded_at,
        "reason": reason,
        "recorded_by": "Ward manager",
    }


def _sign(story: Story, ods: str) -> str:
    signs = story.crisis_plan(ods)["warning_signs"]
    return next(str(entry["id"]) for entry in signs if entry["sign"]["text"] == SIGN)


def _ended(copy: Json) -> Json | None:
    return copy if copy and not copy["kept_up_to_date"] and copy.get("reason") else None


def _rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("cp1252"))))


def _csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("cp1252")
