"""A placement as one object over time: which steps it takes, and what follows from each. Pure: no store, no clock."""

from fhir_mh.placements.asking import held_as
from fhir_mh.placements.consequences import Terms, followed
from fhir_mh.placements.courses import Course, courses, declined_in, ods_codes, ods_named
from fhir_mh.placements.lawful import broken_terms
from fhir_mh.placements.machine import Shown, Situation, possible, stands_at, take
from fhir_mh.placements.steps import STEPS, Step, read_step
from fhir_mh.placements.terms import in_order
from fhir_mh.placements.whose import Beside, Whose, is_dead
from fhir_mh.placements.work import Taken

__all__ = [
    "STEPS",
    "Beside",
    "Course",
    "Shown",
    "Situation",
    "Step",
    "Taken",
    "Terms",
    "Whose",
    "broken_terms",
    "courses",
    "declined_in",
    "followed",
    "held_as",
    "in_order",
    "is_dead",
    "ods_codes",
    "ods_named",
    "possible",
    "read_step",
    "stands_at",
    "take",
]
