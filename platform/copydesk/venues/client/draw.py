"""On which part of the rate budget a caller lets its requests draw, where it knows better than their endpoints.

Told by a context variable, so that a use case of many adapter calls says it once and the port stays free of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Draw(StrEnum):
    """Parts of the budget: all of it, what opens may use, or the little that is left to what can wait."""

    RESERVE = "reserve"
    OPENS = "opens"
    SPARE = "spare"


_CHOSEN: ContextVar[Draw | None] = ContextVar("draw", default=None)


@contextmanager
def drawing_on(draw: Draw) -> Iterator[None]:
    """Let every request made inside draw on this part; orders keep their own."""
    token = _CHOSEN.set(draw)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def chosen_draw(otherwise: Draw) -> Draw:
    """Return what the caller has chosen, else the endpoint's own part."""
    return _CHOSEN.get() or otherwise
