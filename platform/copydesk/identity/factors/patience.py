"""How long somebody waits after wrong proofs, and between text messages. Pure.

Five wrong proofs are free; then each one more doubles the wait, from five minutes to an hour. A code of six digits of
which three hold at once is then guessed with less than one in ten thousand in a day.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

# After so long without a try, all is forgotten.
FORGOTTEN_AFTER = timedelta(hours=24)
_FREE = 5
_WAIT_FIRST, _WAIT_MAX = timedelta(minutes=5), timedelta(hours=1)
_TEXT_WAIT_FIRST = timedelta(minutes=1)


class Effort(StrEnum):
    """What is counted apart: codes of a sign-in, codes typed into a whole session, text messages that were asked for.

    Whoever has only the password makes sign-ins wait, and never an owner who is in and confirms something.
    """

    PROOF = "proof"
    STEP_UP = "step_up"
    TEXT = "text"


def wait_after(effort: Effort, tries: int) -> timedelta:
    """Return how long to wait after so many tries in a row that did not succeed."""
    if effort is Effort.TEXT:
        return _doubled(_TEXT_WAIT_FIRST, tries - 1)
    return timedelta(0) if tries < _FREE else _doubled(_WAIT_FIRST, tries - _FREE)


def _doubled(first: timedelta, times: int) -> timedelta:
    return min(first * (1 << min(times, 10)), _WAIT_MAX)
