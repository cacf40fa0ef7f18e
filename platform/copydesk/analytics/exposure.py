"""How much was at stake and for how long: exposure, leverage and the time in the market. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import DAY_S, DUST_RATIO, Floats, Whole
from copydesk.analytics.valuation import Valued

# A jump of leverage is looked for between as many last days and all before them.
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure and leverage so far, and since when what they are now.

    `leverage` is None where there is no equity to compare with. `levered` is leverage times seconds over the
    `levered_s` seconds in which it is known; `equity_max` is the most that was ever held, `market_s` the seconds with
    something open. `week` is the highest leverage of each of the last days (since 1970), `before` that of all earlier.
    """

    since_s: int
    exposure_max: float = 0.0
    leverage: float | None = 0.0
    leverage_max: float = 0.0
    levered: float = 0.0
    levered_s: int = 0
    equity_max: float = 0.0
    market_s: int = 0
    is_open: bool = False
    before: float | None = None
    week: tuple[tuple[int, float], ...] = ()


def exposed(state: Exposure, valued: Valued, until_s: int) -> Exposure:
    """Take exposure on by what was valued, to a later moment."""
    at_s, equity = valued.at_s, valued.equity
    most = max(float(equity.max(initial=0.0)), state.equity_max)
    if equity.min(initial=np.inf) > most * DUST_RATIO:
        known = np.ones(len(equity), bool)
    else:
        known = equity > np.maximum(np.maximum.accumulate(equity), state.equity_max) * DUST_RATIO
    leverage = np.divide(valued.exposure, equity, out=np.zeros(len(equity)), where=known)
    spans = np.diff(np.concatenate([[state.since_s], at_s, [until_s]]))
    during = np.concatenate([[state.leverage or 0.0], leverage])
    is_open = np.concatenate([[state.is_open], valued.open_count > 0])
    told = is_open & np.concatenate([[state.leverage is not None], known])
    week, earlier = _week(state, at_s, leverage, until_s)
    return Exposure(
        since_s=until_s,
        exposure_max=max(float(valued.exposure.max(initial=0.0)), state.exposure_max),
        leverage=float(during[-1]) if (known[-1] if len(known) else state.leverage is not None) else None,
        leverage_max=max(float(leverage.max(initial=0.0)), state.leverage_max),
        levered=state.levered + float((during * spans * told).sum()),
        levered_s=state.levered_s + int(spans[told].sum()),
        equity_max=most,
        market_s=state.market_s + int(spans[is_open].sum()),
        is_open=bool(is_open[-1]),
        before=earlier,
        week=week,
    )


def _week(
    state: Exposure, at_s: Whole, leverage: Floats, until_s: int
) -> tuple[tuple[tuple[int, float], ...], float | None]:
    """Return the highest leverage of each of the last days, and of all before them."""
    highest = dict(state.week)
    if len(at_s):
        days = np.arange(int(at_s[0]) // DAY_S, int(at_s[-1]) // DAY_S + 1)
        bounds = np.searchsorted(at_s, np.append(days, days[-1] + 1) * DAY_S)
        traded = bounds[1:] > bounds[:-1]
        tops = np.maximum.reduceat(leverage, bounds[:-1][traded])
        for day, top in zip(days[traded].tolist(), tops.tolist(), strict=True):
            highest[day] = max(top, highest.get(day, 0.0))
    oldest = until_s // DAY_S - WEEK_DAYS
    old = [top for day, top in highest.items() if day <= oldest]
    if state.before is not None:
        old.append(state.before)
    return tuple((day, top) for day, top in highest.items() if day > oldest), max(old, default=None)
