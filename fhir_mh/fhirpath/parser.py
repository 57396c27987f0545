"""From tokens to the syntax tree, by precedence climbing. See https://hl7.org/fhirpath/N1/#operator-precedence"""

from __future__ import annotations

from decimal import Decimal

from fhir_mh.fhirpath.errors import FHIRPathError, limit
from fhir_mh.fhirpath.lexer import Token, tokens, unquote
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.syntax import (
    Binary,
    Call,
    Expr,
    Index,
    Literal,
    Name,
    Special,
    TypeTest,
    Unary,
    Variable,
    layers,
    type_name,
)
from fhir_mh.fhirpath.units import CALENDAR_UNITS, Quantity, too_large

# Expressions come from packages and callers: a hostile one must not exhaust the stack.
MAX_LENGTH = 20_000  # characters; the longest of R4 has 366
MAX_DEPTH = 60  # of brackets, operators and signs within each other
MAX_CHAIN = 200  # of names, calls and operators after each other
MAX_DIGITS = 100
_BINDING = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<=": 6,
    "<": 6,
    ">": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_WORDS = {"implies", "or", "xor", "and", "in", "contains", "is", "as", "div", "mod"}
_USABLE_AS_NAMES = {"as", "contains", "in", "is"}


def parse(text: str) -> Expr:
    """The tree of one expression. Raises FHIRPathError with the position (syntax), or where it is too large (limit)."""
    if len(text) > MAX_LENGTH:
        raise limit(f"an expression has at most {MAX_LENGTH} characters")
    parser = _Parser(tokens(text))
    tree = parser.expression(0)
    if parser.now.kind != "end":
        raise FHIRPathError("syntax", "an operator is expected here", parser.now.at)
    if sum(1 for _ in layers(tree)) > MAX_CHAIN:
        raise limit("the expression has too many parts after each other")
    return tree


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens, self._at, self._depth = found, 0, 0

    @property
    def now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self.now
        if token.kind == "end":
            raise FHIRPathError("syntax", "the expression ends too early", token.at)
        self._at += 1
        return token

    def _is(self, symbol: str) -> bool:
        return self.now.kind == "symbol" and self.now.text == symbol

    def _expect(self, symbol: str) -> Token:
        if not self._is(symbol):
            raise FHIRPathError("syntax", f"'{symbol}' is expected here", self.now.at)
        return self._take()

    def expression(self, floor: int) -> Expr:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise limit("the expression is nested too deeply", self.now.at)
        left = self._unary()
        while True:
            token = self.now
            strength = _BINDING.get(token.text, 0) if token.kind in ("symbol", "name") else 0
            if not strength or strength <= floor:
                self._depth -= 1
                return left
            self._take()
            if token.text in ("is", "as"):
                left = TypeTest(token.text, left, self._type(), token.at)
            else:
                left = Binary(token.text, left, self.expression(strength), token.at)

    def _type(self) -> str:
        at = self.now.at
        named = type_name(self._path(self._term()))
        if named is None:
            raise FHIRPathError("syntax", "a type is expected here", at)
        return named

    def _unary(self) -> Expr:
        if self._is("-") or self._is("+"):
            token = self._take()
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise limit("the expression is nested too deeply", token.at)
            operand = self._unary()
            self._depth -= 1
            return Unary(token.text, operand, token.at)
        return self._path(self._term())

    def _path(self, source: Expr) -> Expr:
        while True:
            if self._is("."):
                self._take()
                source = self._invocation(source)
            elif self._is("["):
                at = self._take().at
                index = self.expression(0)
                self._expect("]")
                source = Index(source, index, at)
            else:
                return source

    def _term(self) -> Expr:
        token = self.now
        if self._is("("):
            self._take()
            inner = self.expression(0)
            self._expect(")")
            return inner
        if self._is("{"):
            self._take()
            self._expect("}")
            return Literal((), token.at)
        if token.kind == "special":
            return Special(self._take().text, token.at)
        if token.kind == "variable":
            text = self._take().text[1:]
            return Variable(unquote(Token("quoted", text, token.at)) if text[0] in "`'" else text, token.at)
        return self._literal(token) or self._invocation(None)

    def _literal(self, token: Token) -> Expr | None:
        if token.kind == "string":
            return Literal((unquote(self._take()),), token.at)
        if token.kind == "number":
            return self._number(self._take())
        if token.kind in ("moment", "time"):
            moment = Moment.parse(self._take().text[1:])
            if moment is None:
                raise FHIRPathError("syntax", "there is no such date or time", token.at)
            return Literal((moment,), token.at)
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal((self._take().text == "true",), token.at)
        return None

    def _number(self, token: Token) -> Expr:
        if len(token.text) > MAX_DIGITS:
            raise FHIRPathError("syntax", "the number is too long", token.at)
        value = Decimal(token.text) if "." in token.text else int(token.text)
        if isinstance(value, int) and too_large(value):
            raise FHIRPathError("syntax", "the number is too large", token.at)
        if self.now.kind == "string":
            return Literal((Quantity(Decimal(value), unquote(self._take())),), token.at)
        if self.now.kind == "name" and self.now.text in CALENDAR_UNITS:
            return Literal((Quantity(Decimal(value), self._take().text),), token.at)
        return Literal((value,), token.at)

    def _invocation(self, source: Expr | None) -> Expr:
        token = self._take()
        if token.kind == "special" and source is not None:
            raise FHIRPathError("syntax", f"{token.text} stands only at the start of a path", token.at)
        if token.kind == "quoted":
            name = unquote(token)
        elif token.kind == "name" and (token.text not in _WORDS or token.text in _USABLE_AS_NAMES):
            name = token.text
        else:
            raise FHIRPathError("syntax", "a name or a value is expected here", token.at)
        if not self._is("("):
            return Name(source, name, token.at)
        self._take()
        arguments: list[Expr] = []
        while not self._is(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.expression(0))
        self._take()
        return Call(source, name, tuple(arguments), token.at)
