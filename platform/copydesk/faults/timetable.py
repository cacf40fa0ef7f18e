"""What happens in one injection, by its seed alone: who trades what and when, when the fault strikes. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.faults.cast import TROUPES, Troupe
from copydesk.faults.strike import Part

# In lots; None closes all that is left.
Lots = int | None


class Move(NamedTuple):
    """One order of the leader, so many seconds after the fault's part of the trading began."""

    at_s: float
    lots: Lots


@dataclass(frozen=True)
class Plan:
    """One injection. `before` is traded and copied in calm, `moves` under the fault; in the end the leader leaves."""

    troupe: Troupe
    part: Part
    before: Sequence[Lots]
    moves: Sequence[Move]
    strike_at_s: float
    lasts_s: float
    rtt_ms: float

    @property
    def opens_owed(self) -> bool:
        """Tell whether every open must be copied: not where the leader may have closed again before it could be."""
        return self.part not in (Part.MIXED, Part.TURNS)


# What the leader trades before and under the fault, by part; the sizes are added in lots by chance.
_GAP_S = (0.02, 0.25)
_AFTERWARDS_S = 0.05
_RTT_MS = (1.0, 25.0)


def plan_injection(
    rng: random.Random, *, parts: Sequence[Part], slugs: Sequence[str], lasts_s: tuple[float, float], at_once: bool
) -> Plan:
    """Decide one injection: `slugs` and `parts` are what the fault allows; `at_once` trades without pauses."""
    part = rng.choice(parts)
    fitting = [t for t in TROUPES if t.slug in slugs and (t.perpetual or part is not Part.TURNS)]
    before, lots = _trading(part, rng)
    at_s, moves = 0.0, []
    for size in lots:
        moves.append(Move(at_s, size))
        at_s += 0.0 if at_once else rng.uniform(*_GAP_S)
    return Plan(
        rng.choice(fitting),
        part,
        before,
        moves,
        rng.uniform(0.0, moves[-1].at_s + _AFTERWARDS_S),
        rng.uniform(*lasts_s),
        rng.uniform(*_RTT_MS),
    )


def _trading(part: Part, rng: random.Random) -> tuple[list[Lots], list[Lots]]:
    a, b, c = (rng.randint(1, 3) for _ in range(3))
    if part is Part.OPENS:
        return [], [a, b, c]
    if part is Part.CLOSES:
        return [a + b + c], [-a, -b, None]
    if part is Part.MIXED:
        return [], [a + 2, -a, b]
    # However many of these are copied as one, the position turns at least once.
    return [a], [-a - b, b + c, -c - a]
