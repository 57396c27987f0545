"""`fhir-mh demo`: three gateways on this machine, and a plan that follows the person through them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fhir_mh.cli.demo.ending import as_by_ctrl_c
from fhir_mh.cli.demo.providers import NotHeld, Providers
from fhir_mh.cli.demo.steps import STEPS
from fhir_mh.cli.demo.story import Story
from fhir_mh.cli.demo.telling import Telling
from fhir_mh.cli.exits import DONE, NOT_HELD
from fhir_mh.clock import elapsed


def run(*, once: bool = False) -> int:
    """Play the demo; 0 only if every step was seen to hold at the system it is about.

    Without once, the gateways go on running afterwards, until Ctrl-C or until it is told to stop.
    """
    telling = Telling()
    with (
        as_by_ctrl_c(),
        tempfile.TemporaryDirectory(prefix="fhir-mh-demo-") as folder,
        Providers(Path(folder)) as providers,
    ):
        story = Story(providers, telling)
        telling.beginning(providers, len(STEPS))
        for number, (title, step) in enumerate(STEPS, 1):
            telling.step(number, title)
            started = elapsed()
            try:
                step(story)
            except NotHeld as fault:
                telling.failed(number, title, str(fault))
                return NOT_HELD
            telling.held(elapsed() - started)
        telling.ending(providers, story.nhs_number, running=not once)
        if not once:
            providers.wait()
    return DONE
