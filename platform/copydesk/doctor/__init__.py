"""The doctor: live checks of one brand, each with what was found and the remedy.

Owns the table of checks and how they run: beside each other, each with a deadline, so that one hanging host never hangs
the whole. Changes nothing; only a test mail leaves the house, where one is asked for.
"""

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
