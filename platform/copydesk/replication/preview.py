"""What taking over a leader's positions would cost, before a follower confirms it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.replication.joining_limits import JoiningLimits, joined_row
from copydesk.replication.late import Leads, Standing, bounded_px, is_better, joining_signal
from copydesk.replication.model import Book, Bound, Follower, Limits, No, Planned, RiskView, SignalFact
from copydesk.replication.plan import OPEN, plan_copies
from copydesk.trading import Denial, Instrument, JoinMode, PositionSide, Side, SizingMode, SubscriptionState

_CENT = Decimal("0.01")
# The highest standard rate for takers among the exchanges (Binance, Bybit, OKX, Bitget: fee schedules, lowest tier):
# an estimate that no account should exceed.
FEE_RATIO_SPOT = Decimal("0.001")
FEE_RATIO_PERPETUAL = Decimal("0.0006")
_AT = datetime(2000, 1, 1, tzinfo=UTC)


class Wanted(NamedTuple):
    """The terms of a subscription that does not exist yet; `allocation` in quote currency."""

    allocation: Decimal
    sizing_mode: SizingMode
    sizing_value: Decimal | None
    join_mode: JoinMode


class JoinLine(NamedTuple):
    """What would be done about one position of the leader: an order, or why there is none.

    `notional`, `fee` and `margin` are in quote currency at the present price: of a perpetual the margin is what the
    notional takes at the order's leverage. `px_worst` is the order's limit. `cut_from` is how much it would
    have been without the limits, where one makes it smaller; `limited` what a receipt would say of that limit.
    """

    symbol: str
    position_side: PositionSide
    leader_qty: Decimal
    entry_px: Decimal | None
    px: Decimal | None
    side: Side | None = None
    qty: Decimal = ZERO
    px_worst: Decimal | None = None
    notional: Decimal = ZERO
    margin: Decimal = ZERO
    fee: Decimal = ZERO
    skipped: No | None = None
    cut_from: Decimal | None = None
    limited: Mapping[str, str] | None = None


_UNLIMITED = JoiningLimits()


def join_preview(
    held: Sequence[Standing],
    wanted: Wanted,
    leads: Leads,
    *,
    prices: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    markets: frozenset[str],
    limits: Limits,
    risk: JoiningLimits = _UNLIMITED,
) -> list[JoinLine]:
    """Say for each position of the leader what joining would buy or sell now, what it costs, or why it is left out.

    Each line counts on the allocation, and on what limits allow, that the lines before it leave, as the orders
    themselves would.
    """
    lines: list[JoinLine] = []
    spent = ZERO
    for standing in held:
        joined = [
            joined_row(line.symbol, line.position_side, line.qty if line.side is Side.BUY else -line.qty, line.notional)
            for line in lines
            if line.qty
        ]
        view = risk.view(standing.symbol, standing.position_side, short=standing.qty < 0, joined=joined)
        line = _line(standing, wanted, leads, _Room(spent, view), prices, instruments, markets, limits)
        spent += line.qty * (line.px_worst or ZERO)
        lines.append(line)
    return lines


class _Room(NamedTuple):
    """What is left for a line: of the allocation, and by the limits."""

    spent: Decimal
    risk: RiskView | None


def _line(
    standing: Standing,
    wanted: Wanted,
    leads: Leads,
    room: _Room,
    prices: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    markets: frozenset[str],
    limits: Limits,
) -> JoinLine:
    instrument, px = instruments.get(standing.symbol), prices.get(standing.symbol)
    line = JoinLine(standing.symbol, standing.position_side, standing.qty, standing.entry_px, px)
    no = _no_order(standing, wanted.join_mode, instrument, px, markets)
    if no is not None or instrument is None or px is None:
        return line._replace(skipped=no)
    newest = SignalFact(
        1, standing.symbol, px, ZERO, ZERO, leads.equity, _AT, leverage=leads.leverage.get(standing.symbol)
    )
    signal = joining_signal(standing, standing.qty, px, newest)
    joiner = Follower(
        0,
        0,
        SubscriptionState.SYNCED,
        usable=True,
        sizing_mode=wanted.sizing_mode,
        sizing_value=wanted.sizing_value,
        allocation=wanted.allocation,
        spent=room.spent,
        book=Book(),
        risk=room.risk,
    )
    (planned,) = [item for item in plan_copies(signal, [joiner], instrument, limits, now=_AT) if item.leg == OPEN]
    if planned.denial is not None:
        return line._replace(skipped=(planned.denial, planned.facts or {}))
    return _costed(line, planned, instrument, wanted.join_mode)


def _no_order(
    standing: Standing, mode: JoinMode, instrument: Instrument | None, px: Decimal | None, markets: frozenset[str]
) -> No | None:
    """Name what keeps a position from being joined before any sizing."""
    worse = px is not None and not is_better(px, standing.entry_px, short=standing.qty < 0)
    rules = (
        (instrument is None, Denial.INSTRUMENT_UNMAPPED),
        (standing.symbol not in markets, Denial.MARKET_NOT_ALLOWED),
        (mode is JoinMode.WAIT_UNTIL_FLAT, Denial.WAITING_UNTIL_FLAT),
        (mode is JoinMode.IGNORE, Denial.POSITION_IGNORED),
        (px is None, Denial.VENUE_UNAVAILABLE),
        (mode is JoinMode.BETTER_PRICE and worse, Denial.JOIN_PRICE_NOT_BETTER),
    )
    return next(((denial, {}) for broken, denial in rules if broken), None)


def _costed(line: JoinLine, planned: Planned, instrument: Instrument, mode: JoinMode) -> JoinLine:
    assert planned.px is not None and line.px is not None, "an open has a limit and was planned at a price"
    worst = planned.px
    if mode is JoinMode.BETTER_PRICE:
        worst = bounded_px(worst, line.entry_px, instrument.px_tick, short=planned.side is Side.SELL)
    notional = (planned.qty * line.px).quantize(_CENT, ROUND_CEILING)
    perpetual = instrument.perpetual
    fee = notional * (FEE_RATIO_PERPETUAL if perpetual else FEE_RATIO_SPOT)
    return line._replace(
        side=planned.side,
        qty=planned.qty,
        px_worst=worst,
        notional=notional,
        margin=(notional / planned.leverage if perpetual else notional).quantize(_CENT, ROUND_CEILING),
        fee=fee.quantize(_CENT, ROUND_CEILING),
        cut_from=planned.wanted_qty if planned.bound is Bound.RISK_LIMIT else None,
        limited=planned.facts,
    )
