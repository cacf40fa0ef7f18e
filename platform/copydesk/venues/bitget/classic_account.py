"""A classic account's words for everything but orders: balances, positions and key rights. Pure.

Source: Bitget API guide v2: Spot, Get account assets, Get account information; Future, Get account list, Get all
positions, Get position tier, Get account bills; Common, Get funding assets.
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

# Codes are an area (spot orders, contract orders, contract positions, wallet transfer, wallet withdrawal), "o", and
# "r" or "w"; the guide's page shows words instead. Neither is listed there in full: what is not here makes a key
# unsafe.
_READS = frozenset({"readonly", "stor", "coor", "cpor", "smor", "ttor", "wtor", "wwor", "taxr", "chor", "p2pr", "pllr"})
_SPOT, _CONTRACTS = frozenset({"trade", "stow"}), frozenset({"trade", "coow"})
_HARMLESS = _READS | _SPOT | _CONTRACTS | {"cpow"}
_WITHDRAW, _TRANSFER = frozenset({"withdraw", "wwow"}), frozenset({"transfer", "wtow"})
# What the page where keys are made calls them.
_NAMES = {**dict.fromkeys(_WITHDRAW, "Withdraw"), **dict.fromkeys(_TRANSFER, "Transfer")}


def coins_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Balance]:
    """Read the spot or the funding wallet."""
    balances: dict[str, Balance] = {}
    for row in rows:
        free = number(row["available"] or "0")
        locked = sum((number(row.get(name) or "0") for name in ("frozen", "locked")), Decimal(0))
        if free or locked:
            balances[row["coin"].upper()] = Balance(free, locked)
    return balances


def margins_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Balance]:
    """Read the futures wallet: free and locked add up to the money in it, without unrealized profit."""
    balances: dict[str, Balance] = {}
    for row in rows:
        cash = number(row["accountEquity"]) - number(row["unrealizedPL"] or "0")
        if cash:
            free = max(min(number(row.get("crossedMaxAvailable") or row["available"]), cash), Decimal(0))
            balances[row["marginCoin"]] = Balance(free, cash - free)
    return balances


def brackets_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Bracket, ...]:
    """Read `query-position-lever` of one contract.

    No deduction is told: a tier's ratio is counted for the whole position.
    """
    told = ((row["endUnit"], row["leverage"], row["keepMarginRate"]) for row in rows)
    return tuple(sorted(Bracket(number(cap), int(number(leverage)), number(ratio)) for cap, leverage, ratio in told))


def positions_of(rows: Iterable[Mapping[str, Any]] | None, symbols: SymbolMap) -> list[Position]:
    """Read the positions without flat ones and without instruments that we do not know."""
    found = []
    for row in rows or ():
        instrument = symbols.of_venue(row["symbol"].upper(), perpetual=True)
        total = number(row["total"] or "0")
        if instrument is None or not total:
            continue
        held = POSITION_SIDE[row["holdSide"]]
        liquidation_px = number(row["liquidationPrice"] or "0")
        found.append(
            Position(
                symbol=instrument.symbol,
                side=held if row["posMode"] == HEDGE else PositionSide.NET,
                qty=-total if held is PositionSide.SHORT else total,
                entry_px=number(row["openPriceAvg"]),
                mark_px=number(row["markPrice"]),
                leverage=int(number(row["leverage"])) if row["leverage"] else None,
                margin_mode=MARGIN_MODE.get(row["marginMode"]),
                unrealized=number(row["unrealizedPL"] or "0"),
                liquidation_px=liquidation_px if liquidation_px > 0 else None,
                margin=own_margin(row["marginMode"], row["marginSize"]),
            )
        )
    return found


def funding_of_bills(rows: Iterable[Mapping[str, Any]], symbols: SymbolMap) -> dict[str, FundingPayment]:
    """Read futures bills about funding by their number."""
    known = ((symbols.of_venue(row["symbol"], perpetual=True), row) for row in rows)
    return {
        row["billId"]: FundingPayment(
            row["billId"], instrument.symbol, number(row["amount"]), row["coin"], int(row["cTime"])
        )
        for instrument, row in known
        if instrument is not None
    }


def key_scope_of(info: Mapping[str, Any]) -> KeyScope:
    """Read the rights of a key; a right that no list of ours names makes it unsafe."""
    rights = frozenset(info["authorities"])
    return KeyScope(
        can_read=bool(rights),
        can_trade=bool(rights & _SPOT),
        can_withdraw=bool(rights & _WITHDRAW),
        can_transfer=bool(rights & _TRANSFER),
        ip_bound=bool(info["ips"]),
        can_trade_perpetuals=bool(rights & _CONTRACTS),
        unknown=rights - _HARMLESS - _NAMES.keys(),
        named=frozenset(_NAMES.get(right, right) for right in rights - _HARMLESS),
        uid=str(info.get("userId", "")),
    )
