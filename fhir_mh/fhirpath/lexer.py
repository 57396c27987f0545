"""From the text of an expression to its tokens. See https://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re
from typing import NamedTuple

from fhir_mh.fhirpath.errors import FHIRPathError


class Token(NamedTuple):
    """kind: string, number, moment, time, name, quoted, special, variable, symbol, or end."""

    kind: str
    text: str
    at: int


_PATTERNS = (
    ("space", r"[ \t\r\n\u00a0]+|//[^\r\n]*|/\*.*?\*/"),
    ("time", r"@T\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"),
    ("moment", r"@\d{4}(?:-\d{2}(?:-\d{2})?)?(?:T(?:\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?)?(?:Z|[+-]\d{2}:\d{2})?)?"),
    ("number", r"\d+(?:\.\d+)?"),
    ("string", r"'(?:\\.|[^'\\])*'"),
    ("quoted", r"`(?:\\.|[^`\\])*`"),
    ("special", r"\$(?:this|index|total)\b"),
    ("variable", r"%(?:[A-Za-z_][A-Za-z0-9_-]*|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\])*')"),
    ("name", r"[A-Za-z_][A-Za-z0-9_]*"),
    ("symbol", r"<=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}]"),
)
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS), re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_ALLOWED_ESCAPES = set("nrtf'\"`\\/")


def tokens(text: str) -> list[Token]:
    """The tokens of text, ending with one of kind `end`. Raises FHIRPathError (syntax) with a position."""
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FHIRPathError("syntax", "this is not part of an expression", at)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
        elif match.group().startswith("/*") and not match.group().endswith("*/"):
            raise FHIRPathError("syntax", "a comment is not finished", at)
        at = match.end()
    found.append(Token("end", "", at))
    return found


def unquote(token: Token) -> str:
    """The characters a quoted string or identifier stands for."""

    def escaped(match: re.Match[str]) -> str:
        letter = match.group(1)
        if letter[0] == "u" and len(letter) == 5:
            return chr(int(letter[1:], 16))
        if letter not in _ALLOWED_ESCAPES:
            raise FHIRPathError("syntax", "this escape does not exist", token.at + 1 + match.start())
        return _PLAIN_ESCAPES.get(letter, letter)

    found = _ESCAPE.sub(escaped, token.text[1:-1])
    try:
        return well_formed(found)
    except ValueError:
        raise FHIRPathError("syntax", "half of a surrogate pair is no character", token.at) from None


def well_formed(text: str) -> str:
    """The text, with characters that are written as surrogate pairs made one. Raises ValueError for half of a pair."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
