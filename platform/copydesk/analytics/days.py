"""Daily closes of an index (UTC midnights): the last ones, and what all of them sum up to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from copydesk.analytics.record import DAY_S, Floats, Whole
from copydesk.analytics.stats import Moments, more

# A year and a little: as far back as a window of returns reaches.
_KEPT = 370


@dataclass(frozen=True, slots=True)
class Days:
    """The closes of the last days: `closes[-1]` is the index at the midnight with which `day` (since 1970) began."""

    day: int
    closes: tuple[float, ...] = ()
    moments: Moments = field(default_factory=Moments)

    def close_of(self, day: int) -> float | None:
        """Return the index at the midnight with which a day began; None where it is not kept, or not in the record."""
        place = len(self.closes) - 1 - (self.day - day)
        return self.closes[place] if 0 <= place < len(self.closes) else None


def closed_days(days: Days, closes: Floats) -> Days:
    """Add the closes of the days that follow."""
    if not len(closes):
        return days
    kept = (*days.closes, *closes[-_KEPT:].tolist())[-_KEPT:]
    return Days(days.day + len(closes), kept, more(days.moments, closes))


def midnights(after_s: int, until_s: int) -> Whole:
    """Return the UTC midnights after one moment and up to another."""
    return np.arange((after_s // DAY_S + 1) * DAY_S, until_s + 1, DAY_S, dtype=np.int64)
