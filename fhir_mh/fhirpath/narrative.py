"""htmlChecks(): whether the narrative holds only the HTML that FHIR allows, and nothing that acts.

See https://hl7.org/fhir/R4/narrative.html#rules
"""

from __future__ import annotations

from functools import lru_cache
from xml.parsers import expat

EMPTY = "it holds no text and no image"
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
_LINKS = {"href", "src"}
_HARMFUL = ("javascript:", "vbscript:", "data:text/html")


@lru_cache(maxsize=256)
def html_fault(text: str) -> str | None:
    """What is wrong with a narrative's div, naming at most an element or attribute; None where nothing is."""
    if not text.lstrip().startswith("<div"):
        return "it must be one <div> element"
    reader = expat.ParserCreate(namespace_separator=" ")
    reader.buffer_text = True
    faults: list[str] = []
    content: list[bool] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if space != XHTML:
            faults.append("its elements must be in the XHTML namespace")
        elif local not in _ELEMENTS:
            faults.append(
                f"the element <{local}> is not allowed"
                if local.isascii() and local.isalnum()
                else "an element is not allowed"
            )
        content.append(local == "img")
        for key, value in attributes.items():
            plain = key.rpartition(" ")[2]
            if plain not in _ATTRIBUTES and not plain.startswith("data-"):
                faults.append(
                    f"the attribute {plain} is not allowed"
                    if plain.isascii() and plain.isalnum()
                    else "an attribute is not allowed"
                )
            elif plain in _LINKS and value.strip().lower().startswith(_HARMFUL):
                faults.append("a link would run a script")

    def entity(*_: object) -> None:
        faults.append("it must not declare entities")

    reader.StartElementHandler = start
    reader.CharacterDataHandler = lambda data: content.append(bool(data.strip()))
    reader.EntityDeclHandler = reader.StartDoctypeDeclHandler = entity
    try:
        reader.Parse(text, True)
    except expat.ExpatError as fault:
        return f"it is not well-formed XML ({expat.ErrorString(fault.code)})"
    if not any(content):
        faults.append(EMPTY)
    return faults[0] if faults else None


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
