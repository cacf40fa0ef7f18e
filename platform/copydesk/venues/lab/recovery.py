"""Recovery after a crash: replay the journal's tail on top of the last snapshot.

The journal knows real accounts only, one half of a trade per record. Each half is settled against the house's
maker; where both halves were real, the two cancel out. Quotes are dropped: the maker requotes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account, lock_need
from copydesk.venues.lab.conditional_rows import conditional_of
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import AMENDED, BUY, HOUSE_ACCOUNTS, NEW, Execution, Order, Reject
from copydesk.venues.lab.order_lists import order_list_of
from copydesk.venues.lab.snapshot import schedule
from copydesk.venues.lab.triggers import TriggerDesk

# Tape prints use up trade ids without a record; ids must not repeat after a restart.
TRADE_ID_GAP = 10_000
OPTIONAL_FIELDS = (
    "market",
    "position_side",
    "reduce_only",
    "expire_ms",
    "margin_mode",
    "tag",
    "conditional_id",
    "order_list_id",
)


def recover(engine: Engine, records: Iterable[Mapping[str, Any]]) -> int:
    """Apply the journal records written after the snapshot and return how many changed the engine."""
    applied = 0
    for record in records:
        apply = _APPLY.get(record["kind"])
        if apply is not None and not is_refusal(record):
            apply(engine, record)
            applied += 1
    if applied:
        engine.clearing.trade_id += TRADE_ID_GAP
        rebuild_books(engine)
        for name, account in engine.account_table.items():
            if name not in HOUSE_ACCOUNTS:
                _rebuild_locks(engine, account)
    return applied


def is_refusal(record: Mapping[str, Any]) -> bool:
    """Tell whether this is an order that was never accepted."""
    return bool(record["kind"] == "order" and record["change"] == "REJECTED")


def _apply_account(engine: Engine, record: Mapping[str, Any]) -> None:
    balances = {asset: Decimal(text) for asset, text in record["balances"].items()}
    if record["change"] == "created":
        engine.create_account(record["account"], balances)
        return
    for asset, qty in balances.items():
        engine.account_table[record["account"]].balances[asset].free += qty


def apply_order(desk: TriggerDesk, record: Mapping[str, Any]) -> None:
    """Accept, amend or end an order; what it holds and the books are rebuilt afterwards."""
    registry, at_ms = desk.registries[record["account"]], int(record["at_ms"])
    if record["change"] == NEW:
        order = _accepted(record, at_ms)
        registry.register(order)
        desk.order_id = max(desk.order_id, order.order_id)
        return
    order = registry.orders[record["order_id"]]
    order.updated_ms = at_ms
    if record["change"] == AMENDED:
        registry.rename(order, record["client_order_id"])
        order.qty, order.px = Decimal(record["qty"]), Decimal(record["px"])
        order.leaves = order.qty - order.cum_qty
        return
    order.status = record["status"]
    order.reason = Reject(record["reason"]) if record["reason"] else None
    registry.finish(order)


def _accepted(record: Mapping[str, Any], at_ms: int) -> Order:
    """Make the order anew. The fields from `market` on are missing in records of spot orders."""
    qty = Decimal(record["qty"])
    return Order(
        record["order_id"],
        record["account"],
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
        **{name: record[name] for name in OPTIONAL_FIELDS if name in record},
    )


def apply_conditional(desk: TriggerDesk, record: Mapping[str, Any]) -> None:
    """Put a conditional as it was at this record in the place of what is known of it."""
    one = conditional_of(record["conditional"])
    if one.conditional_id in desk.conditional_book.table:
        desk.conditional_book.forget(one.conditional_id)
    desk.conditional_book.add(one)
    desk.order_id = max(desk.order_id, one.conditional_id)


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


def _apply_order_list(engine: Engine, record: Mapping[str, Any]) -> None:
    """Put a list as it was at this record in the place of what is known of it; what it holds is locked afterwards."""
    engine.order_lists.put(order_list_of(record["order_list"]))


_APPLY: dict[str, Callable[[Engine, Mapping[str, Any]], None]] = {
    "account": _apply_account,
    "order": apply_order,
    "conditional": apply_conditional,
    "execution": _apply_execution,
    "order_list": _apply_order_list,
}


def rebuild_books(desk: TriggerDesk) -> None:
    """Fill the books with the open orders, oldest first."""
    for book in desk.books.values():
        book.clear()
    resting = sorted((o for r in desk.registries.values() for o in r.open.values()), key=lambda o: o.order_id)
    for order in resting:
        side = desk.books[order.symbol].side(order.side)
        assert order.px is not None, "only limit orders rest"
        side.add(side.key(order.px), order)
    schedule(desk)


def _rebuild_locks(engine: Engine, account: Account) -> None:
    """Lock exactly what the open orders and order lists need, out of all the money there is."""
    for balance in account.balances.values():
        balance.free, balance.locked = balance.free + balance.locked, ZERO
    for order in account.open.values():
        instrument = engine.instruments[order.symbol]
        account.lock(*lock_need(order, instrument.base, instrument.quote))
    for one in engine.order_lists.of(account.name, open_only=True):
        account.lock(one.asset, one.held)
