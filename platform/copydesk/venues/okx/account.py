"""OKX's words for everything but orders: instruments, prices, balances, positions and key rights. Pure.

Source: OKX API guide v5: Get instruments, Get tickers, Get position tiers, Get funding rate, Get balance, Get
positions, Get account configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Bracket, Instrument, PositionSide
from copydesk.venues.bearing import Levels
from copydesk.venues.client.wire import number
from copydesk.venues.model import Balance, FundingRate, KeyScope, Position
from copydesk.venues.okx.orders import MARGIN_MODE, POSITION_SIDE
from copydesk.venues.symbols import SymbolMap, base_of

READ, TRADE, WITHDRAW = "read_only", "trade", "withdraw"
_KNOWN_RIGHTS = frozenset({READ, TRADE, WITHDRAW})
_NOT_LISTED_YET = "preopen"  # Has a name and no sizes.
SPOT_MODE = "1"  # The account mode that knows no perpetuals.


def spot_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the pairs of `public/instruments`. A market order's bound is in USDT there, so the limit order's counts."""
    found = (
        Instrument(
            venue="okx",
            symbol=f"{row['baseCcy']}/{row['quoteCcy']}",
            venue_symbol=row["instId"],
            base=row["baseCcy"],
            quote=row["quoteCcy"],
            px_tick=number(row["tickSz"]),
            qty_step=number(row["lotSz"]),
            qty_min=number(row["minSz"]),
            qty_max=number(row["maxLmtSz"]),
            notional_min=Decimal(0),
            trading=row["state"] == "live",
        )
        for row in rows
        if row["instType"] == "SPOT" and row["state"] != _NOT_LISTED_YET
    )
    return {instrument.symbol: instrument for instrument in found}


def perpetual_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the linear swaps of `public/instruments`; sizes are contracts there and base units here."""
    listed = (row for row in rows if row["instType"] == "SWAP" and row["state"] != _NOT_LISTED_YET)
    found = (_perpetual(row) for row in listed if row["ctType"] == "linear")
    return {instrument.symbol: instrument for instrument in found if instrument is not None}


def _perpetual(row: Mapping[str, Any]) -> Instrument | None:
    base, _, quote = row["uly"].partition("-")
    if row["ctValCcy"] != base or row["settleCcy"] != quote:
        return None
    size = number(row["ctVal"]) * number(row.get("ctMult") or "1")
    return Instrument(
        venue="okx",
        symbol=f"{base}/{quote}:{row['settleCcy']}",
        venue_symbol=row["instId"],
        base=base,
        quote=quote,
        px_tick=number(row["tickSz"]),
        qty_step=number(row["lotSz"]) * size,
        qty_min=number(row["minSz"]) * size,
        qty_max=min(number(row["maxLmtSz"]), number(row["maxMktSz"])) * size,
        notional_min=Decimal(0),
        trading=row["state"] == "live",
        settle=row["settleCcy"],
        contract_size=size,
        leverage_max=int(number(row["lever"] or "1")),
    )


def prices_of(answer: Mapping[str, Any], symbols: SymbolMap, *, perpetual: bool) -> dict[str, Decimal]:
    """Read `market/tickers`: last prices of the instruments that we know."""
    named = ((symbols.of_venue(row["instId"], perpetual=perpetual), row["last"]) for row in answer["data"])
    return {instrument.symbol: number(last) for instrument, last in named if instrument is not None and last}


def book_of(answer: Mapping[str, Any]) -> tuple[Levels, Levels]:
    """Read `market/books`: bids and asks, the best first."""
    (book,) = answer["data"]
    return book["bids"], book["asks"]


def volume_of(answer: Mapping[str, Any], *, perpetual: bool) -> Decimal:
    """Read `market/ticker`: what a day traded in quote currency; of swaps the ticker tells base currency alone.

    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-ticker, `volCcy24h`
    """
    (row,) = answer["data"]
    volume = number(row["volCcy24h"])
    return volume * number(row["last"]) if perpetual else volume


def balances_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Balance]:
    """Read the trading account: free and locked add up to the cash balance, without unrealized profit."""
    balances: dict[str, Balance] = {}
    for row in (detail for account in rows for detail in account["details"]):
        cash = number(row["cashBal"])
        if cash:
            free = max(min(number(row["availBal"] or row["availEq"] or "0"), cash), Decimal(0))
            balances[row["ccy"]] = Balance(free, cash - free)
    return balances


def funding_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Balance]:
    """Read the funding account."""
    return {
        row["ccy"]: Balance(number(row["availBal"]), number(row["frozenBal"])) for row in rows if number(row["bal"])
    }


def funding_rate_of(answer: Mapping[str, Any]) -> FundingRate:
    """Read `funding-rate` of one swap: the running period ends at `fundingTime`, the one after at `nextFundingTime`."""
    (row,) = answer["data"]
    return FundingRate(number(row["fundingRate"]), int(row["fundingTime"]))


def last_of(answer: Mapping[str, Any]) -> Decimal:
    """Read the last price of one instrument's `market/ticker`."""
    (row,) = answer["data"]
    return number(row["last"])


def brackets_of(rows: Iterable[Mapping[str, Any]], instrument: Instrument, px: Decimal) -> tuple[Bracket, ...]:
    """Read `position-tiers`: caps are contracts there, a notional at `px` here.

    A tier's ratio counts for the whole position, so there is nothing to deduct.
    """
    found = (
        Bracket(base_of(number(row["maxSz"]), instrument) * px, int(number(row["maxLever"])), number(row["mmr"]))
        for row in rows
    )
    return tuple(sorted(found))


def positions_of(rows: Iterable[Mapping[str, Any]], symbols: SymbolMap) -> list[Position]:
    """Read `account/positions` without flat ones and without instruments that we do not know."""
    found = []
    for row in rows:
        instrument = symbols.of_venue(row["instId"], perpetual=True)
        if instrument is None or not number(row["pos"] or "0"):
            continue
        side = POSITION_SIDE[row["posSide"]]
        qty = base_of(number(row["pos"]), instrument)
        found.append(
            Position(
                symbol=instrument.symbol,
                side=side,
                qty=-abs(qty) if side is PositionSide.SHORT else qty,
                entry_px=number(row["avgPx"]),
                mark_px=number(row["markPx"]),
                leverage=int(number(row["lever"])) if row["lever"] else None,
                margin_mode=MARGIN_MODE.get(row["mgnMode"]),
                unrealized=number(row["upl"] or "0"),
                liquidation_px=number(row["liqPx"]) if row["liqPx"] else None,
                margin=number(row.get("margin") or "0") or None,
            )
        )
    return found


def key_scope_of(config: Mapping[str, Any]) -> KeyScope:
    """Read `account/config`. Moving money between one's own wallets is part of `trade`, out of the account of none."""
    rights = frozenset(filter(None, (right.strip() for right in config["perm"].split(","))))
    return KeyScope(
        can_read=READ in rights,
        can_trade=TRADE in rights,
        can_withdraw=WITHDRAW in rights,
        can_transfer=False,
        ip_bound=bool(config["ip"]),
        can_trade_perpetuals=TRADE in rights and config["acctLv"] != SPOT_MODE,
        unknown=rights - _KNOWN_RIGHTS,
        named=(rights - _KNOWN_RIGHTS) | ({"Withdraw"} if WITHDRAW in rights else frozenset()),
        uid=str(config.get("uid", "")),
    )
