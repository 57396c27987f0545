"""What a narrative may hold: nothing that a browser would run, however it is written. Each fault has its own mend."""

from __future__ import annotations

import pytest

from fhir_mh.fhirpath.narrative import html_fault
from fhir_mh.validation import Validator

PNG = "data:image/png;base64,iVBORw0KGgo="


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


def judged(validator: Validator, text: str) -> list[tuple[str, str, str]]:
    plan = {"resourceType": "Patient", "text": {"status": "generated", "div": text}}
    return [(one.code, one.severity, one.path) for one in validator.validate(plan).issues]


@pytest.mark.parametrize(
    "inner",
    [
        '<a href="java&#9;script:x">y</a>',
        '<a href="java&#10;script:x">y</a>',
        '<a href="java&#13;script:x">y</a>',
        '<a href="java\tscript:x">y</a>',
        '<a href="java\nscript:x">y</a>',
        '<a href=" &#x20;JaVaScRiPt:x">y</a>',
        '<a href="VBScript:x">y</a>',
        '<a href="data:image/svg+xml,%3Csvg/%3E">y</a>',
        '<img alt="y" src="DATA:image/svg+xml;base64,PHN2Zy8+"/>',
        '<a href="data:text/html,x">y</a>',
        '<a href="data:application/xhtml+xml,x">y</a>',
        '<img alt="y" src="x" longdesc="javascript:x"/>',
        '<q cite="javascript:x">y</q>',
        '<p style="background:url(javascript:x)">y</p>',
        "<p style=\"background:url( 'java&#10;script:x')\">y</p>",
        '<p style="background:url(data:image/svg+xml,x)">y</p>',
        '<p style="width:expression(x)">y</p>',
        '<p style="width:EXPRES/* */SION (x)">y</p>',
        '<p style="width:\\65xpression(x)">y</p>',
        '<p style="behavior:url(x.htc)">y</p>',
        '<p style="-moz-binding:url(x.xml)">y</p>',
        '<a xmlns:x="http://www.w3.org/1999/xlink" x:href="https://trust.example">y</a>',
        '<p onclick="x">y</p>',
        '<p>y</p><!--><img alt="y" src="x" onerror="x"/>-->',
        '<p>y</p><!---><img alt="y" src="x" onerror="x"/>-->',
        '<p>y</p><![CDATA[><img alt="y" src="x" onerror="x"/>]]>',
        '<p>y</p><?x ><img alt="y" src="x" onerror="x"/>?>',
    ],
)
def test_what_a_browser_would_run_is_refused_however_it_is_written(validator: Validator, inner: str) -> None:
    assert judged(validator, div(inner)) == [("validate-narrative", "error", "Patient.text.div")]


@pytest.mark.parametrize(
    "inner",
    [
        '<a href="https://trust.example/javascript:x">y</a>',
        '<a href="mailto:ward@trust.example">y</a>',
        '<a href="javascript.html">y</a>',
        '<q cite="https://trust.example">y</q>',
        f'<img alt="y" src="{PNG}"/>',
        f'<p style="background:url({PNG})">y</p>',
        '<p style="color: #333; margin: 0 auto">y</p>',
        '<p style="font-family: Expression">y</p>',
        '<p xml:lang="en">y</p>',
        "<p>y</p><!-- <b>none</b> -->",
        "<p><![CDATA[y & z]]> > x</p>",
        "<p>y</p><?x y?>",
    ],
)
def test_what_runs_nothing_may_stand(validator: Validator, inner: str) -> None:
    assert judged(validator, div(inner)) == []


def test_each_kind_of_fault_is_mended_in_its_own_way() -> None:
    kinds = [
        "y",
        "<div>y</div>",
        div("<b>"),
        div("<script>y</script>"),
        div('<p onclick="x">y</p>'),
        div('<a href="javascript:x">y</a>'),
        div('<p style="width:expression(x)">y</p>'),
        div(" "),
    ]
    mends = {fault.mend for text in kinds if (fault := html_fault(text)) is not None}
    assert len(mends) == len(kinds)
