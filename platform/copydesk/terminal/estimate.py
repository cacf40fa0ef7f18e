"""What an order would cost before it is sent: worth, fee, margin, and where it would be liquidated. Pure estimates.

Fees are the exchanges' highest standard rates for takers. A liquidation price is that of this order alone with an
isolated margin, by the lowest bracket; where the account's whole purse stands behind a position it is further away.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from copydesk.kernel import round_to_step
from copydesk.replication.preview import FEE_RATIO_PERPETUAL, FEE_RATIO_SPOT
from copydesk.terminal.model import Planned
from copydesk.trading import Instrument, MarginMode, Side, TimeInForce

_CENT = Decimal("0.01")
# The lowest bracket's maintenance margin of large contracts on these exchanges is at most this part of the notional.
MAINT_RATIO = Decimal("0.005")


class Held(NamedTuple):
    """What is known of the account where the order goes: leverage and margin mode of the perpetual, and equity."""

    leverage: int | None = None
    margin_mode: MarginMode | None = None
    equity: Decimal | None = None


class Estimate(NamedTuple):
    """What an order would cost, in quote currency; None is not known. `equity_ratio` is its worth over the equity."""

    qty: Decimal
    px: Decimal | None
    notional: Decimal | None
    fee: Decimal | None
    margin: Decimal | None = None
    leverage: int | None = None
    liquidation_px: Decimal | None = None
    equity_ratio: Decimal | None = None


def estimate_of(order: Planned, instrument: Instrument, *, px: Decimal | None, held: Held) -> Estimate:
    """Estimate an order at its own price, or where it has none at `px`."""
    at = order.px or px
    if at is None:
        return Estimate(order.qty, None, None, None)
    notional = order.qty * at
    fee = notional * (FEE_RATIO_PERPETUAL if instrument.perpetual else FEE_RATIO_SPOT)
    ratio = notional / held.equity if held.equity else None
    plain = Estimate(order.qty, at, notional, fee.quantize(_CENT, ROUND_CEILING), equity_ratio=ratio)
    if not instrument.perpetual or order.reduce_only or not held.leverage:
        return plain
    margin = (notional / held.leverage).quantize(_CENT, ROUND_CEILING)
    return plain._replace(
        margin=margin, leverage=held.leverage, liquidation_px=_liquidation_px(order.side, at, held.leverage, instrument)
    )


def needs_confirming(order: Planned, estimate: Estimate, *, percent_max: int) -> bool:
    """Tell whether an order that is filled at once is asked about once more: a large one, or one of unknown size.

    What brings a position down is not: it must not be harder than opening one.
    """
    waits = order.px is not None and order.time_in_force is not TimeInForce.IOC
    if waits or order.reduce_only:
        return False
    return estimate.equity_ratio is None or estimate.equity_ratio * 100 > percent_max


def _liquidation_px(side: Side, px: Decimal, leverage: int, instrument: Instrument) -> Decimal | None:
    """Return where the margin of this order alone is gone but for what must be kept (Binance, "Liquidation Price")."""
    if leverage <= 1 and side is Side.BUY:
        return None
    lost = 1 / Decimal(leverage)
    found = px * (1 - lost) / (1 - MAINT_RATIO) if side is Side.BUY else px * (1 + lost) / (1 + MAINT_RATIO)
    return round_to_step(found, instrument.px_tick, ROUND_CEILING) if found > 0 else None
