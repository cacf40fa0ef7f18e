"""Recovery of perpetuals after a crash: replay the journal's tail on top of the last snapshot.

As for spot, the journal knows real accounts only, and each half of a trade is settled against the house's maker. What
a trailing stop has followed since the snapshot is not written down: it follows anew from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import BUY, FEES_ACCOUNT, LONG, NET, SHORT, Execution
from copydesk.venues.lab.perp.engine import PerpEngine
from copydesk.venues.lab.perp.positions import PerpAccount
from copydesk.venues.lab.perp.snapshot import hold_open_orders
from copydesk.venues.lab.recovery import (
    TRADE_ID_GAP,
    apply_conditional,
    apply_order,
    is_refusal,
    rebuild_books,
)

# The name of the perpetuals' wallet in the journal's records of money from outside.
WALLET = "futures"
Record = Mapping[str, Any]


def recover_perp(engine: PerpEngine, records: Iterable[Record]) -> int:
    """Apply the perpetuals' journal records written after the snapshot and return how many changed the engine.

    Money of a shared purse that came in through the spot wallet is for the spot engine's recovery.
    """
    applied = 0
    for record in records:
        apply = _APPLY.get(record["kind"])
        if apply is not None and not is_refusal(record):
            apply(engine, record)
            applied += 1
    if applied:
        engine.clearing.trade_id += TRADE_ID_GAP
        rebuild_books(engine)
        _count_anew(engine)
    return applied


def _count_anew(engine: PerpEngine) -> None:
    """Hold the open orders, and let the next mark price look at everyone."""
    for market in engine.markets.values():
        market.reducers = 0
    for account in engine.account_table.values():
        account.checked_free = None
        for leg in account.legs.values():
            leg.buys = leg.sells = ZERO
            leg.reducers.clear()
        if not account.house:
            engine.clearing.suspects[account.name] = account
    hold_open_orders(engine)


def _apply_account(engine: PerpEngine, record: Record) -> None:
    if record.get("wallet") != WALLET:
        return
    engine.open_account(record["account"])
    for asset, text in record["balances"].items():
        engine.purses[record["account"]].balances[asset].free += Decimal(text)


def _apply_execution(engine: PerpEngine, record: Record) -> None:
    account = engine.account_table[record["account"]]
    order, at_ms = account.orders[record["order_id"]], int(record["at_ms"])
    px, qty, fee = (Decimal(record[name]) for name in ("px", "qty", "fee"))
    signed = qty if order.side == BUY else -qty
    realized = engine.leg(account.name, order.symbol, order.position_side).trade(signed, px, at_ms)
    house = engine.clearing.makers[order.symbol]
    house.owner.money.free += house.trade(-signed, px, at_ms)
    account.money.free += realized - fee
    engine.clearing.fees.free += fee
    order.realized += realized
    order.fill(qty, px * qty, at_ms)
    order.fills.append(
        Execution(
            record["trade_id"],
            order.order_id,
            account.name,
            order.symbol,
            order.side,
            px,
            qty,
            fee,
            engine.settle,
            record["maker"],
            at_ms,
            realized,
            order.position_side,
        )
    )
    if not order.is_open:
        account.finish(order)
    engine.clearing.trade_id = max(engine.clearing.trade_id, record["trade_id"])


def _apply_settings(engine: PerpEngine, record: Record) -> None:
    account, symbol = engine.account_table[record["account"]], record["symbol"]
    if not symbol:
        account.hedge = record["hedge"]
        for name in engine.instruments:
            engine.config(account, name).hedge = record["hedge"]
        return
    config, side = engine.config(account, symbol), record["position_side"]
    for changed in (NET, LONG, SHORT) if side == NET else (side,):
        config.leverage[changed] = record["leverage"]
    config.margin_mode, config.hedge = record["margin_mode"], record["hedge"]


def _apply_margin(engine: PerpEngine, record: Record) -> None:
    leg = engine.leg(record["account"], record["symbol"], record["position_side"])
    leg.margin = Decimal(record["isolated_margin"])


def _apply_funding(engine: PerpEngine, record: Record) -> None:
    """Let the fees account stand in for the other side, which may have been the house."""
    account, delta = engine.account_table[record["account"]], Decimal(record["delta"])
    leg = engine.leg(account.name, record["symbol"], record["position_side"])
    if leg.isolated:
        leg.margin = max(leg.margin + delta, ZERO)
    _pay(account, engine.account_table[FEES_ACCOUNT], delta)


def _apply_liquidation(engine: PerpEngine, record: Record) -> None:
    _pay(engine.account_table[record["account"]], engine.clearing.insurance, Decimal(record["delta"]))


def _pay(account: PerpAccount, house: PerpAccount, delta: Decimal) -> None:
    account.money.free += delta
    house.money.free -= delta


_APPLY: dict[str, Callable[[PerpEngine, Record], None]] = {
    "account": _apply_account,
    "order": apply_order,
    "execution": _apply_execution,
    "conditional": apply_conditional,
    "settings": _apply_settings,
    "margin": _apply_margin,
    "funding": _apply_funding,
    "liquidation": _apply_liquidation,
}
