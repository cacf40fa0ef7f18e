"""The doctor: live checks of one brand, each with what was found and the remedy.

Owns the table of checks and how they run: beside each other, each with a deadline, so that one hanging host never hangs
the whole. Changes nothing; only a test mail leaves the house, where one is asked for.

Each part is loaded when it is first asked for: every role reads the settings that this package declares.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.doctor.case import Case, Check
    from copydesk.doctor.model import Level, Result, fail, ok, skip, warn
    from copydesk.doctor.run import DEADLINE_S, examine
    from copydesk.doctor.table import CHECKS

__all__ = [
    "CHECKS",
    "DEADLINE_S",
    "Case",
    "Check",
    "Level",
    "Result",
    "examine",
    "fail",
    "ok",
    "skip",
    "warn",
]
_HOMES = {
    "case": ("Case", "Check"),
    "model": ("Level", "Result", "fail", "ok", "skip", "warn"),
    "run": ("DEADLINE_S", "examine"),
    "table": ("CHECKS",),
}


def __getattr__(name: str) -> object:
    """Load a part from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
