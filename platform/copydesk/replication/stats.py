"""Return, drawdown and slippage as pure arithmetic on stored facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.trading import Side

_BPS = Decimal(10_000)


def return_ratio(equities: Sequence[Decimal]) -> Decimal | None:
    """Return last / first − 1; None where there are not two points or the first is not positive."""
    if len(equities) < 2 or equities[0] <= 0:
        return None
    return equities[-1] / equities[0] - 1


def drawdowns(equities: Iterable[Decimal]) -> list[Decimal]:
    """Return, for each point, how far it lies below the highest point so far: 0 at a peak, 1 at nothing left."""
    peak = ZERO
    result = []
    for equity in equities:
        peak = max(peak, equity)
        fallen = (peak - max(equity, ZERO)) / peak if peak > 0 else ZERO
        result.append(fallen)
    return result


def slippage_bps(*, side: Side, leader_px: Decimal, avg_px: Decimal) -> Decimal:
    """Return how much worse (+) or better (−) than the leader's price a copy filled, in basis points."""
    difference = avg_px - leader_px if side is Side.BUY else leader_px - avg_px
    return difference / leader_px * _BPS
