"""A unified account's words for everything but orders: balances, positions and key rights. Pure.

Source: Bitget API guide v3: Get account assets, Get account funding assets, Get position info, Get position tier,
Get account info, Get financial records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Bracket, PositionSide
from copydesk.venues.bitget.words import HEDGE, MARGIN_MODE, POSITION_SIDE, own_margin
from copydesk.venues.client.wire import number
from copydesk.venues.model import Balance, FundingPayment, KeyScope, Position
from copydesk.venues.symbols import SymbolMap

_WRITES = frozenset({"read-and-write", "read_and_write"})  # The guide has dashes, answers have been seen without.
_TRADE, _WITHDRAW, _TRANSFER = "uta_trade", "withdraw", "transfer"
# Managing an account sets leverage and modes, and moves money between its own wallets; the last two concern the
# exchange's own copy trading.
_HARMLESS = frozenset({_TRADE, "uta_mgt", "copy_futures_position", "copy_futures_order"})
# What the page where keys are made calls them.
_NAMES = {_WITHDRAW: "Withdraw", _TRANSFER: "Transfer"}
# Get Financial Records: funding received and paid.
_SETTLE_FEES = frozenset({"CONTRACT_MAIN_SETTLE_FEE_USER_IN", "CONTRACT_MAIN_SETTLE_FEE_USER_OUT"})


def balances_of(data: Mapping[str, Any]) -> dict[str, Balance]:
    """Read the purse: free and locked add up to the money in it, without unrealized profit."""
    balances: dict[str, Balance] = {}
    for row in data["assets"] or ():
        cash = number(row["balance"] or "0")
        if cash:
            free = max(min(number(row["available"] or "0"), cash), Decimal(0))
            balances[row["coin"]] = Balance(free, cash - free)
    return balances


def funding_of(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, Balance]:
    """Read the funding wallet."""
    return {
        row["coin"]: Balance(number(row["available"] or "0"), number(row["frozen"] or "0"))
        for row in rows or ()
        if number(row["balance"] or "0")
    }


def brackets_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Bracket, ...]:
    """Read `position-tier` of one contract. No deduction is told: a tier's ratio is counted for the whole position."""
    found = (Bracket(number(row["maxTierValue"]), int(number(row["leverage"])), number(row["mmr"])) for row in rows)
    return tuple(sorted(found))


def positions_of(rows: Iterable[Mapping[str, Any]], symbols: SymbolMap) -> list[Position]:
    """Read the positions without flat ones and without instruments that we do not know."""
    found = []
    for row in rows:
        instrument = symbols.of_venue(row["symbol"], perpetual=True)
        total = number(row["total"] or "0")
        if instrument is None or not total:
            continue
        held = POSITION_SIDE[row["posSide"]]
        liquidation_px = number(row["liquidationPrice"] or "0")
        found.append(
            Position(
                symbol=instrument.symbol,
                side=held if row["holdMode"] == HEDGE else PositionSide.NET,
                qty=-total if held is PositionSide.SHORT else total,
                entry_px=number(row["avgPrice"]),
                mark_px=number(row["markPrice"]),
                leverage=int(number(row["leverage"])) if row["leverage"] else None,
                margin_mode=MARGIN_MODE.get(row["marginMode"]),
                unrealized=number(row["unrealisedPnl"] or "0"),
                liquidation_px=liquidation_px if liquidation_px > 0 else None,
                margin=own_margin(row["marginMode"], row["positionBalance"]),
            )
        )
    return found


def funding_of_records(rows: Iterable[Mapping[str, Any]], symbols: SymbolMap) -> dict[str, FundingPayment]:
    """Read those financial records of futures that are about funding by their number."""
    known = ((symbols.of_venue(row["symbol"], perpetual=True), row) for row in rows if row["type"] in _SETTLE_FEES)
    return {
        row["id"]: FundingPayment(row["id"], instrument.symbol, number(row["amount"]), row["coin"], int(row["ts"]))
        for instrument, row in known
        if instrument is not None
    }


def key_scope_of(info: Mapping[str, Any]) -> KeyScope:
    """Read the rights of a key; a right that no list of ours names makes it unsafe."""
    rights = frozenset(info["permissions"])
    trades = info["permType"] in _WRITES and _TRADE in rights
    return KeyScope(
        can_read=bool(rights),
        can_trade=trades,
        can_withdraw=_WITHDRAW in rights,
        can_transfer=_TRANSFER in rights,
        ip_bound=bool(info["ips"]),
        can_trade_perpetuals=trades,
        unknown=rights - _HARMLESS - _NAMES.keys(),
        named=frozenset(_NAMES.get(right, right) for right in rights - _HARMLESS),
        uid=str(info.get("userId", "")),
    )
