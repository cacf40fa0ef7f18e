"""A record of equity, made neutral to deposits and withdrawals: the one series that every return is read from.

Equity is what an account would be worth if all were closed now: balances, and the floating profit and loss of what is
open. A deposit moves equity and earns nothing, so growth is chained from point to point with each flow taken out (the
time-weighted return; GIPS 2020, 2.A.21). Binary floating point is enough here: nothing in this module is paid out.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What an account was worth, and what was paid in or taken out; arrays of one length, oldest first.

    `at_s` are whole seconds since 1970, each once. `equity` is money after the `flow` of its moment (above zero: paid
    in). `index` is 1.0 at the first point, and what one unit of money would have become at each; it is 0 from the
    moment on when all was lost, whatever is paid in later.
    """

    at_s: Whole
    equity: Floats
    flow: Floats
    index: Floats

    @property
    def days(self) -> float:
        """Return how long the record is, in days."""
        return float(self.at_s[-1] - self.at_s[0]) / DAY_S if len(self.at_s) else 0.0


def record_of(at_s: Whole, equity: Floats, flow: Floats | None = None) -> Record:
    """Build a record from points as they come: in any order, some twice, some broken.

    Points without a finite equity are left out, and their flow is carried to the next one. Of several at one second
    the last given counts, with the flows of all. What lies before the account's first money is no record.
    """
    at_s, equity, flow = _in_order(np.asarray(at_s, np.int64), np.asarray(equity, float), flow)
    held = np.flatnonzero(equity >= DUST)
    first = int(held[0]) if len(held) else len(equity)
    at_s, equity, flow = at_s[first:], equity[first:], flow[first:]
    return Record(at_s, equity, flow, _index(equity, flow))


def _in_order(at_s: Whole, equity: Floats, flow: Floats | None) -> tuple[Whole, Floats, Floats]:
    flow = np.zeros(len(at_s)) if flow is None else np.nan_to_num(np.asarray(flow, float), posinf=0.0, neginf=0.0)
    order = np.argsort(at_s, kind="stable")
    at_s, equity, flow = at_s[order], equity[order], flow[order]
    whole = np.isfinite(equity)
    # The last sound point of a second stands for that second; flows that went before it are its own.
    stands = whole.copy()
    sound = np.flatnonzero(whole)
    stands[sound[:-1][at_s[sound[1:]] == at_s[sound[:-1]]]] = False
    paid = np.cumsum(flow)[stands]
    return at_s[stands], equity[stands], np.diff(paid, prepend=0.0)


def _index(equity: Floats, flow: Floats) -> Floats:
    if not len(equity):
        return np.empty(0)
    return chained(equity[1:], flow[1:], equity_before=float(equity[0]), equity_max=float(equity[0]), index=1.0)


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
