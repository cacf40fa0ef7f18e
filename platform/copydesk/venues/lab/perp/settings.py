"""Changing an account's leverage, margin mode, position mode and isolated margins."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import (
    CROSS,
    ISOLATED,
    LONG,
    NET,
    PERP,
    SHORT,
    ConfigUpdate,
    Event,
    PositionUpdate,
    Reject,
)
from copydesk.venues.lab.perp.admission import in_use
from copydesk.venues.lab.perp.margin import exposure, notional_max, position_view, valuation
from copydesk.venues.lab.perp.model import PLACES, Change
from copydesk.venues.lab.perp.positions import Leg, PerpAccount

if TYPE_CHECKING:
    from copydesk.venues.lab.perp.portfolio import Portfolio

ACCOUNT_WIDE = ""


def no(reject: Reject) -> Change:
    return Change(reject, [])


def told(account: PerpAccount, symbol: str, now_ms: int, *, hedge: bool, position_side: str = NET) -> ConfigUpdate:
    """Describe an account's settings for a symbol as an event."""
    config = account.configs[symbol]
    leverage = config.leverage[position_side]
    return ConfigUpdate(account.name, symbol, leverage, now_ms, config.margin_mode, hedge, position_side)


def told_sides(account: PerpAccount, symbol: str, now_ms: int, *, hedge: bool) -> list[Event]:
    """Describe the settings, and each side whose leverage is its own after them."""
    leverage = account.configs[symbol].leverage
    sides = [NET, *(side for side in (LONG, SHORT) if leverage[side] != leverage[NET])]
    return [told(account, symbol, now_ms, hedge=hedge, position_side=side) for side in sides]


def set_leverage(
    engine: Portfolio, account: PerpAccount, symbol: str, leverage: int, now_ms: int, position_side: str
) -> Change:
    """Set the leverage of all position sides (NET) or of one. More margin is taken where positions need it."""
    config = engine.config(account, symbol)
    sides = (NET, LONG, SHORT) if position_side == NET else (position_side,)
    legs = [leg for side in sides if (leg := account.legs.get((symbol, side))) is not None and not leg.idle]
    probe = engine.leg(account.name, symbol, NET)
    if leverage < 1 or not notional_max(probe, leverage):
        return no(Reject.LEVERAGE_INVALID)
    if all(config.leverage[side] == leverage for side in sides):
        return no(Reject.LEVERAGE_UNCHANGED)
    if any(_exposure(leg) > notional_max(leg, leverage) for leg in legs):
        return no(Reject.POSITION_LIMIT)
    before = dict(config.leverage)
    missing = {leg: _missing_margin(leg, leverage) for leg in legs if leg.isolated and leg.qty}
    for side in sides:
        config.leverage[side] = leverage
    grew = any(leverage < before[leg.position_side] for leg in legs)
    if grew and valuation(account).available < sum(missing.values(), ZERO):
        config.leverage = before
        return no(Reject.INSUFFICIENT_MARGIN)
    for leg, amount in missing.items():
        leg.margin += amount
    account.checked_free = None
    event = told(account, symbol, now_ms, hedge=engine.hedge(account.name, symbol), position_side=position_side)
    return Change(None, [event, *_positions_told(account, legs, "LEVERAGE", now_ms)])


def _exposure(leg: Leg) -> Decimal:
    return exposure(leg.qty * leg.market.px(), leg.buys, leg.sells)


def _missing_margin(leg: Leg, leverage: int) -> Decimal:
    need = (abs(leg.cost) / leverage).quantize(PLACES, ROUND_UP)
    return max(need - leg.margin, ZERO)


def _positions_told(account: PerpAccount, legs: list[Leg], reason: str, now_ms: int) -> list[Event]:
    value = valuation(account)
    return [PositionUpdate(account.name, position_view(leg, value), reason, now_ms) for leg in legs if leg.qty]


def set_margin_mode(engine: Portfolio, account: PerpAccount, symbol: str, mode: str, now_ms: int) -> Change:
    """Switch a symbol between cross and isolated margin; refused while a position or an order is there."""
    config = engine.config(account, symbol)
    if mode not in (CROSS, ISOLATED):
        return no(Reject.INVALID_PARAMETERS)
    if config.margin_mode == mode:
        return no(Reject.MARGIN_MODE_UNCHANGED)
    if in_use(account, symbol):
        return no(Reject.MARGIN_MODE_IN_USE)
    config.margin_mode = mode
    return Change(None, told_sides(account, symbol, now_ms, hedge=engine.hedge(account.name, symbol)))


def set_position_mode(engine: Portfolio, account: PerpAccount, hedge: bool, now_ms: int, symbol: str | None) -> Change:
    """Switch between one-way and hedge mode; refused while a position, an order or a conditional is there."""
    if not engine.rules.position_mode_per_symbol:
        symbol = None
    symbols = list(engine.instruments) if symbol is None else [symbol]
    configs = {name: engine.config(account, name) for name in symbols}
    if all(engine.hedge(account.name, name) == hedge for name in symbols):
        return no(Reject.POSITION_MODE_UNCHANGED)
    if in_use(account, symbol) or engine.conditionals(account.name, symbol):
        return no(Reject.POSITION_MODE_IN_USE)
    if symbol is None:
        account.hedge = hedge
    for config in configs.values():
        config.hedge = hedge
    if symbol is None:
        return Change(None, [ConfigUpdate(account.name, ACCOUNT_WIDE, 0, now_ms, "", hedge)])
    return Change(None, told_sides(account, symbol, now_ms, hedge=hedge))


def move_margin(engine: Portfolio, account: PerpAccount, leg: Leg, amount: Decimal, now_ms: int) -> Change:
    """Add margin to an isolated position, or take out what it has above its initial margin and losses."""
    if not leg.qty:
        return no(Reject.NO_POSITION)
    if not leg.isolated or not amount or amount != amount.quantize(PLACES):
        return no(Reject.INVALID_PARAMETERS)
    if amount > ZERO:
        spare = account.money.free - valuation(account).held
    else:
        profit = leg.unrealized()
        spare = leg.margin + min(profit, ZERO) - abs(leg.qty * leg.market.px()) / leg.leverage
    if abs(amount) > spare:
        return no(Reject.INSUFFICIENT_MARGIN)
    leg.margin += amount
    account.checked_free = None
    balance = account.purse.update((engine.settle,), now_ms)._replace(market=PERP)
    return Change(None, [balance, *_positions_told(account, [leg], "MARGIN_TRANSFER", now_ms)])
