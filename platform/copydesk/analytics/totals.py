"""Closed positions summed up, so that one more can be added without the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import Floats
from copydesk.analytics.trips import Trips

# A result of less than this share of what was bought and sold is neither won nor lost: prices have fewer digits.
_EVEN = 1e-9
# How many last positions tell which size is usual.
SIZES = 200
# From this on an addition to a losing position counts as a larger one, in units of its first fill.
SIZE_UP = 1.5


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over closed positions, money in quote currency.

    `grown` counts those added to while losing by `SIZE_UP` times their first fill or more; `loss_worst` is the largest
    loss as a share of the account when its position was opened; `sizes` is what the last positions turned over.
    """

    closed: int = 0
    won: int = 0
    won_sum: float = 0.0
    lost: int = 0
    lost_sum: float = 0.0
    net_sum: float = 0.0
    net_min: float = 0.0
    held_ms: int = 0
    grown: int = 0
    size_up: float = 0.0
    loss_worst: float = 0.0
    sizes: tuple[float, ...] = ()


def added(totals: Totals, trips: Trips, equity_open: Floats) -> Totals:
    """Add closed positions, in the order of their end; `equity_open` is the account's worth when each was opened."""
    if not len(trips):
        return totals
    net, even = trips.net, trips.turnover * _EVEN
    won, lost = net[net > even], net[net < -even]
    share = np.divide(-net, equity_open, out=np.zeros(len(net)), where=equity_open > 0)
    return Totals(
        closed=totals.closed + len(trips),
        won=totals.won + len(won),
        won_sum=totals.won_sum + float(won.sum()),
        lost=totals.lost + len(lost),
        lost_sum=totals.lost_sum + float(lost.sum()),
        net_sum=totals.net_sum + float(net.sum()),
        net_min=min(float(net.min()), totals.net_min),
        held_ms=totals.held_ms + int((trips.closed_ms - trips.opened_ms).sum()),
        grown=totals.grown + int((trips.size_up >= SIZE_UP).sum()),
        size_up=max(float(trips.size_up.max()), totals.size_up),
        loss_worst=max(float(share.max()), totals.loss_worst),
        sizes=(*totals.sizes, *trips.turnover[-SIZES:].tolist())[-SIZES:],
    )
