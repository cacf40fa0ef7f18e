"""What the demo's traders do, as data: the exposures of each plan, in an order drawn by seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from copydesk.demo.cast import BASES

# Shares of the trader's equity that are invested in one coin after each move; below zero is short.
PLANS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "steps": (0.10, 0.20, 0.10, 0.0),
        "ladder": (0.06, 0.12, 0.18, 0.12, 0.06, 0.0),
        "turns": (0.12, 0.20, 0.10, -0.12, -0.20, -0.10, 0.0),
        "shorts": (-0.10, -0.20, -0.08, 0.0, 0.10, 0.0),
        "swings": (0.12, 0.24, -0.12, -0.24, 0.12, 0.0),
    }
)
_SIZE_SPREAD = (0.8, 1.2)


class Move(NamedTuple):
    """One order to come: bring the position in a coin to this share of the equity; zero closes all of it."""

    base: str
    exposure: float


def moves(plan: str, seed: int, account: str) -> Iterator[Move]:
    """Yield a trader's moves without end: the plan in every coin at once, coins and sizes drawn by seed.

    No coin comes twice in a row, so that each order is copied before the next one of the same coin.
    """
    rng = random.Random(f"{seed} {account}")  # noqa: S311 - variety, not security
    steps = dict.fromkeys(BASES, 0)
    size = dict.fromkeys(BASES, 1.0)
    last = ""
    while True:
        base = rng.choice([base for base in BASES if base != last])
        step = steps[base] % len(PLANS[plan])
        if step == 0:
            size[base] = rng.uniform(*_SIZE_SPREAD)
        yield Move(base, PLANS[plan][step] * size[base])
        steps[base] += 1
        last = base
