"""Recovery after a crash: replay the journal's tail on top of the last snapshot.

The journal knows real accounts only, one half of a trade per record. Each half is settled against the house's
maker; where both halves were real, the two cancel out. Quotes are dropped: the maker requotes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account, lock_need
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import BUY, HOUSE_ACCOUNTS, NEW, Execution, Order, Reject

# Tape prints use up trade ids without a record; ids must not repeat after a restart.
TRADE_ID_GAP = 10_000


def recover(engine: Engine, records: Iterable[Mapping[str, Any]]) -> int:
    """Apply the journal records written after the snapshot and return how many changed the engine."""
    applied = 0
    for record in records:
        apply = _APPLY.get(record["kind"])
        if apply is not None and record.get("change") != "REJECTED":
            apply(engine, record)
            applied += 1
    if applied:
        engine.clearing.trade_id += TRADE_ID_GAP
        _rebuild_books(engine)
        for name, account in engine.account_table.items():
            if name not in HOUSE_ACCOUNTS:
                _rebuild_locks(engine, account)
    return applied


def _apply_account(engine: Engine, record: Mapping[str, Any]) -> None:
    balances = {asset: Decimal(text) for asset, text in record["balances"].items()}
    if record["change"] == "created":
        engine.create_account(record["account"], balances)
        return
    for asset, qty in balances.items():
        engine.account_table[record["account"]].balances[asset].free += qty


def _apply_order(engine: Engine, record: Mapping[str, Any]) -> None:
    account = engine.account_table[record["account"]]
    at_ms = int(record["at_ms"])
    if record["change"] == NEW:
        qty = Decimal(record["qty"])
        order = Order(
            record["order_id"],
            account.name,
            record["client_order_id"],
            record["symbol"],
            record["side"],
            record["type"],
            qty,
            None if record["quote_qty"] is None else Decimal(record["quote_qty"]),
            None if record["px"] is None else Decimal(record["px"]),
            record["tif"],
            at_ms,
            at_ms,
            qty,
        )
        account.register(order)
        engine.order_id = max(engine.order_id, order.order_id)
        return
    order = account.orders[record["order_id"]]
    order.status, order.updated_ms = record["status"], at_ms
    order.reason = Reject(record["reason"]) if record["reason"] else None
    account.finish(order)


def _apply_execution(engine: Engine, record: Mapping[str, Any]) -> None:
    account, house = engine.account_table[record["account"]], engine.clearing.house_maker
    order = account.orders[record["order_id"]]
    px, qty, fee = (Decimal(record[name]) for name in ("px", "qty", "fee"))
    instrument, cost, at_ms = engine.instruments[order.symbol], px * qty, int(record["at_ms"])
    base, quote = (instrument.base, qty), (instrument.quote, cost)
    (pays, pay_qty), (gets, get_qty) = (quote, base) if order.side == BUY else (base, quote)
    account.balances[pays].free -= pay_qty
    house.balances[pays].free += pay_qty
    account.balances[gets].free += get_qty - fee
    house.balances[gets].free -= get_qty
    engine.clearing.house_fees.balances[gets].free += fee
    order.fill(qty, cost, at_ms)
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
            gets,
            record["maker"],
            at_ms,
        )
    )
    if not order.is_open:
        account.finish(order)
    engine.clearing.trade_id = max(engine.clearing.trade_id, record["trade_id"])


_APPLY = {"account": _apply_account, "order": _apply_order, "execution": _apply_execution}


def _rebuild_books(engine: Engine) -> None:
    """Fill the books with the open orders, oldest first."""
    for book in engine.books.values():
        book.clear()
    resting = sorted((o for a in engine.account_table.values() for o in a.open.values()), key=lambda o: o.order_id)
    for order in resting:
        side = engine.books[order.symbol].side(order.side)
        assert order.px is not None, "only limit orders rest"
        side.add(side.key(order.px), order)


def _rebuild_locks(engine: Engine, account: Account) -> None:
    """Lock exactly what the open orders need, out of all the money there is."""
    for balance in account.balances.values():
        balance.free, balance.locked = balance.free + balance.locked, ZERO
    for order in account.open.values():
        instrument = engine.instruments[order.symbol]
        account.lock(*lock_need(order, instrument.base, instrument.quote))
