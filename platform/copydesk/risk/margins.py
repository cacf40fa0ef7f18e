"""How near positions are to being liquidated, at every price: where an exchange says that it would do it. Pure.

Arrays of equities cannot tell that: a position may be liquidated long before its owner has lost much. So each holder
whom a limit on `margin_distance` concerns is drawn as the marks at which that limit would be reached, sorted by
instrument: a price looks at nobody but those whom it concerns.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import inf, isfinite
from typing import NamedTuple

# A screening in floating point asks a little too soon rather than too late; what is exact decides.
_SLACK = 1e-9


class Liquidation(NamedTuple):
    """The price at which an exchange said that it would liquidate a position: a long below it, a `short` above."""

    px: Decimal
    short: bool

    def distance(self, mark: Decimal) -> Decimal:
        """Return which part of the mark the price may still move against the position; zero or less means now."""
        return ((self.px - mark) if self.short else (mark - self.px)) / mark

    def reached_at(self, distance: Decimal) -> float:
        """Return the mark at which the position is that near, in floating point: nearer is suspected beyond it."""
        if self.short:
            return float(self.px) / (1 + float(distance)) * (1 - _SLACK)
        return float(self.px) / (1 - float(distance)) * (1 + _SLACK)


class Trigger(NamedTuple):
    """A mark beyond which a holder is suspected: below it, or above where a short is meant."""

    number: int
    mark: float
    short: bool


class MarginScreen:
    """Who is suspected to be too near to a liquidation. Instruments and holders go by their numbers."""

    def __init__(self) -> None:
        self._longs: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        self._shorts: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        self._drawn: dict[int, tuple[Trigger, ...]] = {}

    def draw(self, holder: int, triggers: Iterable[Trigger]) -> None:
        """Say at which marks a holder is suspected, in place of what was said before."""
        wanted = tuple(triggers)
        before = self._drawn.get(holder, ())
        if wanted == before:
            return
        for trigger in before:
            line = self._line(trigger)
            del line[bisect_left(line, (trigger.mark, holder))]
        for trigger in wanted:
            insort(self._line(trigger), (trigger.mark, holder))
        if wanted:
            self._drawn[holder] = wanted
        else:
            self._drawn.pop(holder, None)

    def suspects(self, number: int, mark: float) -> list[int]:
        """Return who is suspected at a mark of an instrument."""
        if not isfinite(mark):
            return []
        longs, shorts = self._longs.get(number, []), self._shorts.get(number, [])
        near = longs[bisect_right(longs, (mark, inf)) :] + shorts[: bisect_left(shorts, (mark, -1))]
        return [holder for _, holder in near]

    def sweep(self, marks: Sequence[float]) -> set[int]:
        """Return who is suspected at these marks, one for each instrument."""
        numbers = self._longs.keys() | self._shorts.keys()
        return {holder for number in numbers for holder in self.suspects(number, marks[number])}

    def _line(self, trigger: Trigger) -> list[tuple[float, int]]:
        return (self._shorts if trigger.short else self._longs)[trigger.number]
