"""What analytics is measured with: a market's minutes, and traders who open and close on it. Pure, the same each time.

Every trader holds one perpetual at a time, for ten minutes on average, long or short, for up to a third of the
account; each position is an opening and a closing fill with a fee. Between positions nothing is held.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from copydesk.analytics.record import Floats, Whole

SYMBOLS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
BEGIN = datetime(2025, 9, 1, tzinfo=UTC)
BEGIN_S = int(BEGIN.timestamp())
OPENING = 10_000.0
_FIRST_PX = np.array([60_000.0, 3_000.0, 150.0])
_STEP = 0.0004  # What a price moves by in a minute, as a share.
_FEE_RATIO = 0.0001
_HELD_MINUTES = 10.0
_DAY_MINUTES = 1440


class Past(NamedTuple):
    """One trader's fills, oldest first, arrays of one length; `qty` below zero sells."""

    at_ms: Whole
    instrument: Whole
    qty: Floats
    px: Floats
    cost: Floats


def end_of(days: int) -> datetime:
    """Return the moment at which figures are told: a minute after the last midnight."""
    return BEGIN + timedelta(days=days, minutes=1)


def prices_of(days: int) -> Floats:
    """Return every symbol's price at each minute of so many days: one row a minute, to cents."""
    rng = np.random.default_rng(8)
    steps = rng.normal(0.0, _STEP, (days * _DAY_MINUTES, len(SYMBOLS)))
    walk: Floats = np.round(_FIRST_PX * np.exp(np.cumsum(steps, axis=0)), 2)
    return walk


def past_of(trader: int, fills: int, prices: Floats) -> Past:
    """Return a trader's fills over the time of these prices; an even number of them."""
    rng = np.random.default_rng(1000 + trader)
    count = fills // 2
    slot = len(prices) / count
    opened = np.arange(count) * slot + rng.uniform(0.0, slot * 0.3, count) + 1
    held = np.minimum(rng.exponential(_HELD_MINUTES, count), slot * 0.6) + 0.1
    moments = np.stack([opened, opened + held], axis=1)
    minute = np.minimum(moments.astype(np.int64), len(prices) - 1)
    instrument = rng.integers(0, len(SYMBOLS), count)
    px = np.round(prices[minute, instrument[:, None]] * (1 + rng.normal(0.0, 0.0002, (count, 2))), 2)
    side = rng.choice([-1.0, 1.0], count)
    qty = np.round(side * OPENING * rng.uniform(0.02, 0.3, count) / px[:, 0], 6)
    signed = np.stack([qty, -qty], axis=1).ravel()
    flat_px = px.ravel()
    return Past(
        at_ms=BEGIN_S * 1000 + (moments.ravel() * 60_000).astype(np.int64),
        instrument=np.repeat(instrument, 2),
        qty=signed,
        px=flat_px,
        cost=np.round(np.abs(signed) * flat_px * _FEE_RATIO, 8),
    )
