"""htmlChecks(): whether the narrative holds only the HTML that FHIR allows, and nothing that acts.

See https://hl7.org/fhir/R4/narrative.html#rules
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENTS = frozenset(
    [
        "div",
        "a",
        "abbr",
        "acronym",
        "b",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "dfn",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "style",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "font",
        "map",
        "area",
        "section",
        "article",
        "nav",
        "aside",
        "header",
        "footer",
        "main",
        "figure",
        "figcaption",
        "bdo",
        "address",
        "object",
        "param",
        "link",
    ]
) - {"object", "param", "link", "style"}
_ATTRIBUTES = frozenset(
    [
        "title",
        "style",
        "class",
        "id",
        "lang",
        "xml:lang",
        "dir",
        "accesskey",
        "tabindex",
        "span",
        "width",
        "align",
        "valign",
        "char",
        "charoff",
        "abbr",
        "axis",
        "headers",
        "scope",
        "rowspan",
        "colspan",
        "xmlns",
        "href",
        "name",
        "charset",
        "type",
        "hreflang",
        "rel",
        "rev",
        "shape",
        "coords",
        "src",
        "alt",
        "longdesc",
        "height",
        "usemap",
        "ismap",
        "border",
        "cellpadding",
        "cellspacing",
        "rules",
        "frame",
        "summary",
        "cite",
        "datetime",
        "start",
        "value",
        "compact",
        "bgcolor",
        "nowrap",
        "color",
        "face",
        "size",
        "clear",
        "noshade",
        "nohref",
        "background",
        "target",
        "data-fhir",
    ]
) - {"background"}
_LINKS = {"href", "src", "longdesc", "cite", "usemap"}
_XML = "http://www.w3.org/XML/1998/namespace"
_UNSEEN = re.compile(r"[\x00-\x20\x7f]")  # what browsers leave out of an address, and XML writes as spaces
_DATA = re.compile(r"data:([^;,]*)")
_ACTIVE = ("html", "xml", "svg", "script")  # parts of the media types whose content may act
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE | re.DOTALL)
_CSS_URL = re.compile(r"url\([\"']?([^)]*)")
_CSS_ACTS = ("expression(", "-moz-binding:", "behavior:", "@import")


class HtmlFault(NamedTuple):
    """What is wrong with a narrative's div, and how that is mended."""

    problem: str
    mend: str


EMPTY = HtmlFault("it holds no text and no image", "Write in the <div> what a person should read, or leave text out.")
LEADS_NOWHERE = HtmlFault(
    "a link within it leads nowhere", "Give what the link should lead to the id that it names, or leave the link out."
)
_NO_DIV = HtmlFault("it must be one <div> element", "Put all of it into one <div>.")
_SPACE = HtmlFault("its elements must be in the XHTML namespace", f'Write <div xmlns="{XHTML}">.')
_ENTITY = HtmlFault("it must not declare entities", "Leave the declaration out, and write characters as they are.")
_LINK = HtmlFault(
    "a link would run a script", "Leave the link out, or let it lead to a page, a picture or a place within the text."
)
_STYLE = HtmlFault("a style would run a script", "Leave that style out; fonts, colours and borders may stay.")
_DISGUISE = HtmlFault(
    "a comment, a CDATA section or a processing instruction holds what a browser would read as elements",
    "Leave it out; text is written with &lt; for < and &gt; for >.",
)
_LEAVE_ELEMENT = "Leave that element out, or say the same with simple ones such as <p>, <b>, <ul> and <table>."
_LEAVE_ATTRIBUTE = "Leave that attribute out."
_WELL_FORMED = "Close each element that is opened, and write & as &amp;, < as &lt; and other characters as they are."


class _Looked:
    """What is found in a div as it is read: its faults in their order, and whether it holds text or an image.

    A browser ends a comment at <!--> and reads CDATA and instructions as comments that end at >, where XML does not.
    """

    def __init__(self) -> None:
        self.faults: list[HtmlFault] = []
        self.content = False
        self._raw = False  # within a CDATA section

    def over(self, text: str) -> None:
        """Raises ExpatError where this is not well-formed."""
        reader = expat.ParserCreate(namespace_separator=" ")
        reader.buffer_text = True
        reader.StartElementHandler = self._start
        reader.CharacterDataHandler = self._characters
        reader.EntityDeclHandler = reader.StartDoctypeDeclHandler = self._entity
        reader.StartCdataSectionHandler = reader.EndCdataSectionHandler = self._cdata
        reader.CommentHandler = lambda data: self._disguised(data.startswith((">", "->")))
        reader.ProcessingInstructionHandler = lambda target, data: self._disguised(">" in data)
        reader.Parse(text, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if space != XHTML:
            self.faults.append(_SPACE)
        elif local not in _ELEMENTS:
            self.faults.append(_not_allowed("element", local))
        self.content = self.content or local == "img"
        self.faults += [fault for key, value in attributes.items() if (fault := _attribute_fault(key, value))]

    def _characters(self, data: str) -> None:
        self.content = self.content or bool(data.strip())
        self._disguised(self._raw and ">" in data)

    def _entity(self, *_: object) -> None:
        self.faults.append(_ENTITY)

    def _cdata(self) -> None:
        self._raw = not self._raw

    def _disguised(self, found: bool) -> None:
        if found:
            self.faults.append(_DISGUISE)


@lru_cache(maxsize=256)
def html_fault(text: str) -> HtmlFault | None:
    """What is wrong with a narrative's div, naming at most an element or attribute; None where nothing is."""
    if not text.lstrip().startswith("<div"):
        return _NO_DIV
    looked = _Looked()
    try:
        looked.over(text)
    except expat.ExpatError as fault:
        return HtmlFault(f"it is not well-formed XML ({expat.ErrorString(fault.code)})", _WELL_FORMED)
    if not looked.content:
        looked.faults.append(EMPTY)
    return looked.faults[0] if looked.faults else None


def _attribute_fault(key: str, value: str) -> HtmlFault | None:
    space, _, plain = key.rpartition(" ")
    if space not in ("", _XML) or (plain not in _ATTRIBUTES and not plain.startswith("data-")):
        return _not_allowed("attribute", plain)
    if plain in _LINKS and _runs(value):
        return _LINK
    return _STYLE if plain == "style" and _style_runs(value) else None


def _not_allowed(what: str, name: str) -> HtmlFault:
    mend = _LEAVE_ELEMENT if what == "element" else _LEAVE_ATTRIBUTE
    if not (name.isascii() and name.isalnum()):
        return HtmlFault(f"an {what} is not allowed", mend)
    return HtmlFault(f"the {what} {f'<{name}>' if what == 'element' else name} is not allowed", mend)


def _runs(address: str) -> bool:
    """Whether a browser that follows or shows what this address leads to would run a script."""
    plain = _UNSEEN.sub("", address).lower()
    media = _DATA.match(plain)
    return plain.startswith(("javascript:", "vbscript:")) or bool(media and any(part in media[1] for part in _ACTIVE))


def _style_runs(style: str) -> bool:
    """The same of an inline style, as a browser reads it: comments and escapes hide nothing from it."""
    read = _CSS_ESCAPE.sub(_unescaped, _CSS_COMMENT.sub("", style))
    plain = _UNSEEN.sub("", read).lower()
    return any(part in plain for part in _CSS_ACTS) or any(map(_runs, _CSS_URL.findall(plain)))


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2]
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 else ""


def loose_links(text: str) -> set[str]:
    """The fragments that links of a well-formed div lead to and that none of its own elements goes by."""
    reader = expat.ParserCreate()
    wanted: set[str] = set()
    held: set[str] = set()

    def start(name: str, attributes: dict[str, str]) -> None:
        held.update(attributes[key] for key in ("id", "name", "xml:id") if key in attributes)
        target = attributes.get("href", "")
        if target.startswith("#") and len(target) > 1:
            wanted.add(target[1:])

    reader.StartElementHandler = start
    reader.Parse(text, True)
    return wanted - held


def html_is_safe(text: str) -> bool:
    """Whether html_fault() finds nothing worse than emptiness."""
    return html_fault(text) in (None, EMPTY)
