"""Equity made neutral to deposits and withdrawals: how the index grows that every return is read from.

Equity is what an account would be worth if all were closed now: balances, and the floating profit and loss of what is
open. A deposit moves equity and earns nothing, so growth is chained from point to point with each flow taken out (the
time-weighted return; GIPS 2020, 2.A.21). Binary floating point is enough here: nothing in this module is paid out.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DAY_S = 86_400
# Less than this share of the most that an account ever held is nothing: what is left over earns no percentages.
DUST_RATIO = 1e-6
# Nor is less than a cent: a record begins with more.
DUST = 0.01
# Nearer to the highest index than this is at it: a way back there is walked in rounded steps.
_LEVEL = 1e-12
# No growth is believed beyond this, up or down; it keeps every figure finite.
_INDEX_MAX = 1e100


def chained(equity: Floats, flow: Floats, *, equity_before: float, equity_max: float, index: float) -> Floats:
    """Return the index at a point (given) and at each of the points after it, from their equity and flows.

    `equity_before` is that of the given point, `equity_max` the most that was held until then.
    """
    held = np.concatenate([[equity_before], equity])
    before, earned = held[:-1], equity - flow
    growth = np.ones(len(held))
    growth[0] = index
    if min(held.min(), earned.min(initial=np.inf)) > max(held.max(), equity_max) * DUST_RATIO:
        np.divide(earned, before, out=growth[1:])
    else:
        # What its owner emptied earns nothing until money comes back; what lost all stays lost.
        dust = np.maximum(np.maximum.accumulate(held), equity_max)[:-1] * DUST_RATIO
        alive = before > dust
        np.divide(earned, before, out=growth[1:], where=alive)
        growth[1:][alive & (earned <= dust)] = 0.0
    with np.errstate(over="ignore", under="ignore"):
        grown = np.minimum(np.cumprod(growth), _INDEX_MAX)
    return np.where(grown < 1 / _INDEX_MAX, 0.0, grown)


@overload
def is_below(index: float, peak: float) -> bool: ...
@overload
def is_below(index: Floats, peak: Floats) -> NDArray[np.bool_]: ...
def is_below(index: float | Floats, peak: float | Floats) -> bool | NDArray[np.bool_]:
    """Tell whether an index lies below its highest so far."""
    return index < peak * (1.0 - _LEVEL)
