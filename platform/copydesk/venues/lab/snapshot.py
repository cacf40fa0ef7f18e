"""The engine's whole state as JSON-able values and back; decimals as text. Equal engines give equal snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import BookSide, OrderBook, Quote
from copydesk.venues.lab.conditional_rows import conditional_of, conditional_row
from copydesk.venues.lab.model import Bracket, Execution, LabInstrument, Order, Reject
from copydesk.venues.lab.orders import OrderRegistry

if TYPE_CHECKING:
    from copydesk.venues.lab.engine import Engine
    from copydesk.venues.lab.triggers import TriggerDesk

VERSION = 2
_ORDER_DECIMALS = ("qty", "quote_qty", "px", "leaves", "cum_qty", "cum_quote", "realized")
_ORDER_FIELDS = tuple(f.name for f in fields(Order) if f.name != "fills")
_INSTRUMENT_FIELDS = tuple(f.name for f in fields(LabInstrument))
_INSTRUMENT_DECIMALS = ("px_tick", "qty_step", "qty_min", "qty_max", "notional_min", "contract_size")


def engine_state(engine: Engine) -> dict[str, Any]:
    """Return the whole state: accounts, orders kept, books, conditionals, order lists, counters."""
    accounts = {name: _account_state(account) for name, account in engine.account_table.items()}
    return {**desk_state(engine), "accounts": accounts, "order_lists": engine.order_lists.state()}


def desk_state(desk: TriggerDesk) -> dict[str, Any]:
    """Return what spot and perpetuals have in common."""
    conditionals = desk.conditional_book
    # Finished ones stay in the order in which they ended, which decides which is dropped first.
    kept = [one for _, ended in sorted(conditionals.finished.items()) for one in ended]
    kept += [one for _, one in sorted(conditionals.table.items()) if one.is_open]
    return {
        "version": VERSION,
        "instruments": [_plain(i, _INSTRUMENT_FIELDS) for i in desk.instruments.values()],
        "maker_fee": decimal_text(desk.clearing.maker_fee),
        "taker_fee": decimal_text(desk.clearing.taker_fee),
        "order_id": desk.order_id,
        "trade_id": desk.clearing.trade_id,
        "books": {symbol: _book_state(book) for symbol, book in desk.books.items()},
        "conditionals": [conditional_row(one) for one in kept],
    }


def check_version(state: Mapping[str, Any]) -> None:
    """Refuse a snapshot of another version (ValueError)."""
    if state.get("version") != VERSION:
        raise ValueError(f"lab snapshot: expected version {VERSION}, found {state.get('version')!r}")


def instruments_of(state: Mapping[str, Any]) -> list[LabInstrument]:
    return [_instrument(row) for row in state["instruments"]]


def _instrument(row: Mapping[str, Any]) -> LabInstrument:
    parsed = _parsed(row, _INSTRUMENT_DECIMALS)
    parsed["brackets"] = tuple(
        Bracket(Decimal(floor), Decimal(cap), leverage, Decimal(ratio), Decimal(deduction))
        for floor, cap, leverage, ratio, deduction in row["brackets"]
    )
    return LabInstrument(**parsed)


def fill_engine(engine: Engine, state: Mapping[str, Any]) -> None:
    """Load accounts, books and counters into an empty engine made with the snapshot's instruments and fees."""
    for name, row in state["accounts"].items():
        _fill_account(engine.account_table.setdefault(name, Account(name)), row)
    fill_desk(engine, state)
    if "order_lists" in state:  # A snapshot of before there were any has none.
        engine.order_lists.fill(state["order_lists"])


def fill_desk(desk: TriggerDesk, state: Mapping[str, Any]) -> None:
    """Load what both engines have in common; the accounts' orders are there already."""
    desk.order_id = state["order_id"]
    desk.clearing.trade_id = state["trade_id"]
    for symbol, row in state["books"].items():
        _fill_book(desk, desk.books[symbol], row)
    for row in state["conditionals"]:
        desk.conditional_book.add(conditional_of(row))
    desk.conditional_book.reindex()
    schedule(desk)


def schedule(desk: TriggerDesk) -> None:
    """Note when the open good-till-date orders end."""
    desk.timed = sorted(
        (order.expire_ms, order.order_id, name)
        for name, registry in desk.registries.items()
        for order in registry.open.values()
        if order.expire_ms is not None
    )


def _plain(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    row = {name: getattr(value, name) for name in names}
    return {name: _written(value) for name, value in row.items()}


def _written(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return [_written(part) for part in value] if isinstance(value, tuple) else value


def _parsed(row: Mapping[str, Any], decimals: tuple[str, ...]) -> dict[str, Any]:
    return {name: Decimal(v) if name in decimals and v is not None else v for name, v in row.items()}


def order_state(order: Order) -> dict[str, Any]:
    row = _plain(order, _ORDER_FIELDS)
    row["fills"] = [
        [f.trade_id, *map(decimal_text, (f.px, f.qty, f.fee, f.realized)), f.fee_currency, f.maker, f.at_ms]
        for f in order.fills
    ]
    return row


def order_from_state(row: Mapping[str, Any]) -> Order:
    named = {name: v for name, v in row.items() if name != "fills"}
    order = Order(**_parsed(named, _ORDER_DECIMALS))
    order.reason = Reject(order.reason) if order.reason is not None else None
    for trade_id, px, qty, fee, realized, currency, maker, at_ms in row["fills"]:
        order.fills.append(
            Execution(
                trade_id,
                order.order_id,
                order.account,
                order.symbol,
                order.side,
                Decimal(px),
                Decimal(qty),
                Decimal(fee),
                currency,
                maker,
                at_ms,
                Decimal(realized),
                order.position_side,
            )
        )
    return order


def registry_state(registry: OrderRegistry) -> dict[str, Any]:
    """Return an account's orders; rows of finished ones are kept, as they never change."""
    rows = registry.finished_rows
    for order in registry.finished():
        if order.order_id not in rows:
            rows[order.order_id] = order_state(order)
    return {"open": [order_state(o) for _, o in sorted(registry.open.items())], "finished": list(rows.values())}


def fill_registry(registry: OrderRegistry, row: Mapping[str, Any]) -> None:
    for order in [order_from_state(r) for r in (*row["finished"], *row["open"])]:
        registry.register(order)
    registry.reorder()


def balances_state(account: Account) -> dict[str, list[str]]:
    return {a: [decimal_text(b.free), decimal_text(b.locked)] for a, b in account.balances.items()}


def fill_balances(account: Account, row: Mapping[str, Any]) -> None:
    for asset, (free, locked) in row.items():
        balance = account.balances[asset]
        balance.free, balance.locked = Decimal(free), Decimal(locked)


def _account_state(account: Account) -> dict[str, Any]:
    return {"balances": balances_state(account), **registry_state(account)}


def _fill_account(account: Account, row: Mapping[str, Any]) -> None:
    fill_balances(account, row["balances"])
    fill_registry(account, row)


def _book_state(book: OrderBook) -> dict[str, Any]:
    return {
        "update_id": book.update_id,
        "last": [decimal_text(book.last_px), decimal_text(book.last_qty), book.last_trade_id],
        "halted": book.halted,
        "bids": _side_state(book.bids),
        "asks": _side_state(book.asks),
    }


def _side_state(side: BookSide) -> list[Any]:
    """List the levels; an entry is a quote's quantity as text, or `[account, order id]`."""
    return [
        [key, [decimal_text(e.leaves) if isinstance(e, Quote) else [e.account, e.order_id] for e in level.queue]]
        for key, level in ((key, side.levels[key]) for key in side.keys)
    ]


def _fill_book(desk: TriggerDesk, book: OrderBook, row: Mapping[str, Any]) -> None:
    for side, levels in ((book.bids, row["bids"]), (book.asks, row["asks"])):
        for key, entries in levels:
            for entry in entries:
                if isinstance(entry, str):
                    quote = side.quotes[key] = Quote(Decimal(entry))
                    side.add(key, quote)
                else:
                    side.add(key, desk.registries[entry[0]].orders[entry[1]])
        side.changed.clear()
        side.dirty = False
    book.update_id = book.drained_id = row["update_id"]
    px, qty, book.last_trade_id = row["last"]
    book.last_px, book.last_qty = Decimal(px), Decimal(qty)
    book.halted = row["halted"]
