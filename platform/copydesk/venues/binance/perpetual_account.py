"""Binance USDⓈ-M's words for everything but orders: contracts, balances and positions. Pure.

Source: developers.binance.com, USDⓈ-M futures: Exchange Information, Account Information V3, Position Information
V3, Symbol Configuration, Notional and Leverage Brackets, Mark Price, Get Income History.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Bracket, Instrument, MarginMode, PositionSide
from copydesk.venues.binance.spot_account import qty_max
from copydesk.venues.client.wire import number
from copydesk.venues.model import Balance, FundingPayment, FundingRate, Position
from copydesk.venues.symbols import SymbolMap

# Binance tells a contract's own bound to a key alone (`brackets_of`); this is the widest. Less is refused by name.
LEVERAGE_MAX = 125

MARGIN_MODE = {"CROSSED": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}
MARGIN_MODE_TEXT = {mode: text for text, mode in MARGIN_MODE.items()}
_SIDE = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}


def instruments_of(raw_symbols: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the symbols of `exchangeInfo`: every linear perpetual, by ccxt symbol ("BTC/USDT:USDT")."""
    instruments = (_instrument(raw) for raw in raw_symbols if raw.get("contractType") == "PERPETUAL")
    return {instrument.symbol: instrument for instrument in instruments if instrument is not None}


def balances_of(account: Mapping[str, Any]) -> dict[str, Balance]:
    """Read `account`: free and locked add up to the wallet balance, without unrealized profit."""
    balances: dict[str, Balance] = {}
    for row in account["assets"]:
        wallet = number(row["walletBalance"])
        if wallet:
            free = max(min(number(row["availableBalance"]), wallet), Decimal(0))
            balances[row["asset"]] = Balance(free, wallet - free)
    return balances


def positions_of(rows: Iterable[Mapping[str, Any]], symbol_of: Callable[[str], str]) -> list[Position]:
    """Read `positionRisk` without flat positions. Leverage and margin mode are told elsewhere (`settings_of`)."""
    return [
        Position(
            symbol=symbol_of(row["symbol"]),
            side=_SIDE[row["positionSide"]],
            qty=number(row["positionAmt"]),
            entry_px=number(row["entryPrice"]),
            mark_px=number(row["markPrice"]),
            leverage=None,
            margin_mode=None,
            unrealized=number(row["unRealizedProfit"]),
            liquidation_px=number(row["liquidationPrice"]) or None,
            margin=number(row["isolatedWallet"]) or None,
        )
        for row in rows
        if number(row["positionAmt"])
    ]


def brackets_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Bracket, ...]:
    """Read `leverageBracket` of one contract, whose figures are JSON numbers.

    `notionalCoef` of an account with brackets of its own is not counted in: without it they are the narrower ones.
    """
    return tuple(sorted(_bracket(row) for contract in rows for row in contract["brackets"]))


def _bracket(row: Mapping[str, Any]) -> Bracket:
    cap, ratio, deduction = (number(str(row[name])) for name in ("notionalCap", "maintMarginRatio", "cum"))
    return Bracket(cap, int(row["initialLeverage"]), ratio, deduction)


def funding_of(rows: Iterable[Mapping[str, Any]], symbols: SymbolMap) -> dict[str, FundingPayment]:
    """Read `income` of the type FUNDING_FEE by payment; a transaction's number is unique among those of its type."""
    found: dict[str, FundingPayment] = {}
    for row in rows:
        instrument = symbols.of_venue(row["symbol"], perpetual=True)
        if instrument is not None:
            payment_id = f"{row['time']}-{row['tranId']}"
            amount = number(row["income"])
            found[payment_id] = FundingPayment(payment_id, instrument.symbol, amount, row["asset"], int(row["time"]))
    return found


def funding_rate_of(answer: Mapping[str, Any]) -> FundingRate:
    """Read `premiumIndex` of one contract: what is called the last rate is the one of the running period."""
    return FundingRate(number(answer["lastFundingRate"]), int(answer["nextFundingTime"]))


def settings_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, MarginMode]]:
    """Read `symbolConfig`: leverage and margin mode by the exchange's symbol."""
    return {row["symbol"]: (int(row["leverage"]), MARGIN_MODE[row["marginType"]]) for row in rows}


def _instrument(raw: Mapping[str, Any]) -> Instrument | None:
    filters = {item["filterType"]: item for item in raw["filters"]}
    lot, price, notional = (filters.get(name) for name in ("LOT_SIZE", "PRICE_FILTER", "MIN_NOTIONAL"))
    if lot is None or price is None or notional is None or raw["quoteAsset"] != raw["marginAsset"]:
        return None
    return Instrument(
        venue="binance",
        symbol=f"{raw['baseAsset']}/{raw['quoteAsset']}:{raw['marginAsset']}",
        venue_symbol=raw["symbol"],
        base=raw["baseAsset"],
        quote=raw["quoteAsset"],
        px_tick=Decimal(price["tickSize"]),
        qty_step=Decimal(lot["stepSize"]),
        qty_min=Decimal(lot["minQty"]),
        qty_max=qty_max(lot, filters.get("MARKET_LOT_SIZE")),
        notional_min=Decimal(notional["notional"]),
        trading=raw["status"] == "TRADING",
        settle=raw["marginAsset"],
        leverage_max=LEVERAGE_MAX,
    )
