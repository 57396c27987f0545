"""Unexpected faults in the log: their kind and place, never their text, which may quote what a message says."""

from __future__ import annotations

import traceback
from pathlib import Path


def place_of(fault: BaseException) -> str:
    """`KeyError at merge.py:120`: what happened, and in which line of code."""
    frames = traceback.extract_tb(fault.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(fault).__name__ + where
