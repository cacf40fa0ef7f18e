"""The engine's whole state as JSON-able values and back; decimals as text. Equal engines give equal snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import BookSide, OrderBook, Quote
from copydesk.venues.lab.model import Execution, LabInstrument, Order, Reject

if TYPE_CHECKING:
    from copydesk.venues.lab.engine import Engine

VERSION = 1
_ORDER_DECIMALS = ("qty", "quote_qty", "px", "leaves", "cum_qty", "cum_quote")
_ORDER_FIELDS = tuple(f.name for f in fields(Order) if f.name != "fills")
_INSTRUMENT_FIELDS = tuple(f.name for f in fields(LabInstrument))
_INSTRUMENT_DECIMALS = ("px_tick", "qty_step", "qty_min", "qty_max", "notional_min")


def engine_state(engine: Engine) -> dict[str, Any]:
    """Return the whole state: accounts, orders kept, books, counters."""
    return {
        "version": VERSION,
        "instruments": [_plain(i, _INSTRUMENT_FIELDS) for i in engine.instruments.values()],
        "maker_fee": decimal_text(engine.clearing.maker_fee),
        "taker_fee": decimal_text(engine.clearing.taker_fee),
        "order_id": engine.order_id,
        "trade_id": engine.clearing.trade_id,
        "accounts": {name: _account_state(account) for name, account in engine.account_table.items()},
        "books": {symbol: _book_state(book) for symbol, book in engine.books.items()},
    }


def check_version(state: Mapping[str, Any]) -> None:
    """Refuse a snapshot of another version (ValueError)."""
    if state.get("version") != VERSION:
        raise ValueError(f"lab snapshot: expected version {VERSION}, found {state.get('version')!r}")


def instruments_of(state: Mapping[str, Any]) -> list[LabInstrument]:
    return [LabInstrument(**_parsed(row, _INSTRUMENT_DECIMALS)) for row in state["instruments"]]


def fill_engine(engine: Engine, state: Mapping[str, Any]) -> None:
    """Load accounts, books and counters into an empty engine made with the snapshot's instruments and fees."""
    engine.order_id = state["order_id"]
    engine.clearing.trade_id = state["trade_id"]
    for name, row in state["accounts"].items():
        _fill_account(engine.account_table.setdefault(name, Account(name)), row)
    for symbol, row in state["books"].items():
        _fill_book(engine, engine.books[symbol], row)


def _plain(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    row = {name: getattr(value, name) for name in names}
    return {name: decimal_text(v) if isinstance(v, Decimal) else v for name, v in row.items()}


def _parsed(row: Mapping[str, Any], decimals: tuple[str, ...]) -> dict[str, Any]:
    return {name: Decimal(v) if name in decimals and v is not None else v for name, v in row.items()}


def order_state(order: Order) -> dict[str, Any]:
    row = _plain(order, _ORDER_FIELDS)
    row["fills"] = [
        [f.trade_id, decimal_text(f.px), decimal_text(f.qty), decimal_text(f.fee), f.fee_currency, f.maker, f.at_ms]
        for f in order.fills
    ]
    return row


def order_from_state(row: Mapping[str, Any]) -> Order:
    named = {name: v for name, v in row.items() if name != "fills"}
    order = Order(**_parsed(named, _ORDER_DECIMALS))
    order.reason = Reject(order.reason) if order.reason is not None else None
    for trade_id, px, qty, fee, currency, maker, at_ms in row["fills"]:
        numbers = Decimal(px), Decimal(qty), Decimal(fee)
        execution = Execution(
            trade_id, order.order_id, order.account, order.symbol, order.side, *numbers, currency, maker, at_ms
        )
        order.fills.append(execution)
    return order


def _account_state(account: Account) -> dict[str, Any]:
    balances = {a: [decimal_text(b.free), decimal_text(b.locked)] for a, b in account.balances.items()}
    rows = account.finished_rows
    for order in account.finished():
        if order.order_id not in rows:
            rows[order.order_id] = order_state(order)
    return {
        "balances": balances,
        "open": [order_state(o) for o in account.open.values()],
        "finished": list(rows.values()),
    }


def _fill_account(account: Account, row: Mapping[str, Any]) -> None:
    for asset, (free, locked) in row["balances"].items():
        balance = account.balances[asset]
        balance.free, balance.locked = Decimal(free), Decimal(locked)
    orders = [order_from_state(r) for r in (*row["finished"], *row["open"])]
    for order in orders:
        account.register(order)
    account.reorder()


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


def _fill_book(engine: Engine, book: OrderBook, row: Mapping[str, Any]) -> None:
    for side, levels in ((book.bids, row["bids"]), (book.asks, row["asks"])):
        for key, entries in levels:
            for entry in entries:
                if isinstance(entry, str):
                    quote = side.quotes[key] = Quote(Decimal(entry))
                    side.add(key, quote)
                else:
                    side.add(key, engine.account_table[entry[0]].orders[entry[1]])
        side.changed.clear()
        side.dirty = False
    book.update_id = book.drained_id = row["update_id"]
    px, qty, book.last_trade_id = row["last"]
    book.last_px, book.last_qty = Decimal(px), Decimal(qty)
    book.halted = row["halted"]
