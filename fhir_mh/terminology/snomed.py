"""The shape of SNOMED CT identifiers: their length and check digit, which need no copy of SNOMED CT.

See https://confluence.ihtsdotools.org/display/DOCRELFMT/5.5+Check-digit
"""

from __future__ import annotations

from functools import lru_cache

SYSTEM = "http://snomed.info/sct"
_TURN = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_SHIFT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


@lru_cache(maxsize=4096)
def well_formed(code: str) -> bool:
    """Whether a code could be a SNOMED CT concept: 6 to 18 digits with a right (Verhoeff) check digit.

    Expressions (post-coordination) hold more than digits; they are not judged here and count as well formed.
    """
    if any(sign in code for sign in ":+|{=<"):
        return True
    if not (code.isascii() and code.isdigit() and 6 <= len(code) <= 18) or code[0] == "0":
        return False
    check = 0
    for position, digit in enumerate(reversed(code)):
        check = _TURN[check][_SHIFT[position % 8][int(digit)]]
    return check == 0
