"""The perpetuals engine's whole state as JSON-able values and back; decimals as text.

What follows from the rest is left out: margins held, bounds of liquidation, sums of open orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.model import LONG, NET, SHORT
from copydesk.venues.lab.perp.positions import Config, Leg, PerpAccount, PerpMarket
from copydesk.venues.lab.snapshot import (
    balances_state,
    desk_state,
    fill_balances,
    fill_desk,
    fill_registry,
    registry_state,
)

if TYPE_CHECKING:
    from copydesk.venues.lab.perp.engine import PerpEngine


def perp_state(engine: PerpEngine) -> dict[str, Any]:
    """Return accounts with purses, positions and orders, markets, books, conditionals and counters."""
    return {
        **desk_state(engine),
        "accounts": {name: _account_state(engine, account) for name, account in engine.account_table.items()},
        "markets": {symbol: _market_state(market) for symbol, market in engine.markets.items()},
        "suspects": list(engine.clearing.suspects),
        "switches": [[account, symbol, due_ms] for (account, symbol), due_ms in engine.switches.items()],
    }


def fill_perp(engine: PerpEngine, state: Mapping[str, Any]) -> None:
    """Load a state into an engine that nobody has used; shared purses get the money that they already have."""
    for name, row in state["accounts"].items():
        engine.open_account(name)
        _fill_account(engine, engine.account_table[name], row)
    for symbol, row in state["markets"].items():
        _fill_market(engine, engine.markets[symbol], row)
    fill_desk(engine, state)
    hold_open_orders(engine)
    engine.clearing.suspects = {name: engine.account_table[name] for name in state["suspects"]}
    engine.switches = {(account, symbol): due_ms for account, symbol, due_ms in state["switches"]}


def hold_open_orders(engine: PerpEngine) -> None:
    """Count the open orders into their positions."""
    for account in engine.account_table.values():
        for order in account.open.values():
            engine.leg(account.name, order.symbol, order.position_side).hold(order)


def _account_state(engine: PerpEngine, account: PerpAccount) -> dict[str, Any]:
    """Settings that nobody changed and positions that never were are left out: a look creates them."""
    configs = {symbol: _config_state(config) for symbol, config in account.configs.items()}
    fresh = {symbol: _config_state(engine.fresh_config(symbol)) for symbol in configs}
    return {
        "balances": balances_state(account.purse),
        "hedge": account.hedge,
        "warned": account.warned,
        "configs": {symbol: row for symbol, row in configs.items() if row != fresh[symbol]},
        "legs": [_leg_state(leg) for _, leg in sorted(account.legs.items()) if leg.updated_ms],
        **registry_state(account),
    }


def _fill_account(engine: PerpEngine, account: PerpAccount, row: Mapping[str, Any]) -> None:
    fill_balances(account.purse, row["balances"])
    account.hedge, account.warned = row["hedge"], row["warned"]
    for symbol, (net, long, short, mode, hedge) in row["configs"].items():
        config = engine.config(account, symbol)
        config.leverage = {NET: net, LONG: long, SHORT: short}
        config.margin_mode, config.hedge = mode, hedge
    for symbol, side, *numbers, created_ms, updated_ms, warned in row["legs"]:
        leg = engine.leg(account.name, symbol, side)
        leg.qty, leg.cost, leg.margin, leg.realized = map(Decimal, numbers)
        leg.created_ms, leg.updated_ms, leg.warned = created_ms, updated_ms, warned
    fill_registry(account, row)


def _config_state(config: Config) -> list[Any]:
    return [*(config.leverage[side] for side in (NET, LONG, SHORT)), config.margin_mode, config.hedge]


def _leg_state(leg: Leg) -> list[Any]:
    numbers = map(decimal_text, (leg.qty, leg.cost, leg.margin, leg.realized))
    return [leg.symbol, leg.position_side, *numbers, leg.created_ms, leg.updated_ms, leg.warned]


def _market_state(market: PerpMarket) -> dict[str, Any]:
    """The order of positions counts: they are funded and liquidated in it."""
    return {
        "px": [decimal_text(market.mark_px), decimal_text(market.index_px)],
        "legs": [[account, side] for account, side in market.legs],
    }


def _fill_market(engine: PerpEngine, market: PerpMarket, row: Mapping[str, Any]) -> None:
    market.mark_px, market.index_px = map(Decimal, row["px"])
    symbol = market.instrument.venue_symbol
    market.legs = {(account, side): engine.leg(account, symbol, side) for account, side in row["legs"]}
