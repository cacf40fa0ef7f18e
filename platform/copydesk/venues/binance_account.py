"""Binance spot's words for everything but orders: pairs, prices, balances and key rights. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Instrument
from copydesk.venues.model import Balance, KeyScope


def instruments_of(exchange_info: Mapping[str, Any], venue: str) -> dict[str, Instrument]:
    """Read `exchangeInfo`: every pair that has the filters we plan with, by ccxt symbol."""
    instruments = (_instrument(raw, venue) for raw in exchange_info["symbols"])
    return {instrument.symbol: instrument for instrument in instruments if instrument is not None}


def prices_of(tickers: Iterable[Mapping[str, Any]], symbols: Mapping[str, str]) -> dict[str, Decimal]:
    """Read `ticker/price`; `symbols` maps the exchange's symbol to ccxt's, others are left out."""
    return {symbols[t["symbol"]]: Decimal(t["price"]) for t in tickers if t["symbol"] in symbols}


def balances_of(account: Mapping[str, Any]) -> dict[str, Balance]:
    """Read `account`, leaving out currencies of which nothing is owned."""
    rows = ((row["asset"], Balance(Decimal(row["free"]), Decimal(row["locked"]))) for row in account["balances"])
    return {asset: balance for asset, balance in rows if balance.free or balance.locked}


def key_scope_of(restrictions: Mapping[str, Any]) -> KeyScope:
    """Read `apiRestrictions`; a dangerous right that is not mentioned counts as granted."""
    return KeyScope(
        can_read=restrictions.get("enableReading", False) is True,
        can_trade=restrictions.get("enableSpotAndMarginTrading", False) is True,
        can_withdraw=restrictions.get("enableWithdrawals", True) is not False,
        can_transfer=restrictions.get("enableInternalTransfer", True) is not False
        or restrictions.get("permitsUniversalTransfer", True) is not False,
        ip_bound=restrictions.get("ipRestrict", False) is True,
    )


def _instrument(raw: Mapping[str, Any], venue: str) -> Instrument | None:
    filters = {item["filterType"]: item for item in raw["filters"]}
    lot, price = filters.get("LOT_SIZE"), filters.get("PRICE_FILTER")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    if lot is None or price is None or notional is None:
        return None
    return Instrument(
        venue=venue,
        symbol=f"{raw['baseAsset']}/{raw['quoteAsset']}",
        venue_symbol=raw["symbol"],
        base=raw["baseAsset"],
        quote=raw["quoteAsset"],
        px_tick=Decimal(price["tickSize"]),
        qty_step=Decimal(lot["stepSize"]),
        qty_min=Decimal(lot["minQty"]),
        qty_max=_qty_max(lot, filters.get("MARKET_LOT_SIZE")),
        notional_min=Decimal(notional["minNotional"]),
        trading=raw["status"] == "TRADING" and raw.get("isSpotTradingAllowed", True),
    )


def _qty_max(lot: Mapping[str, Any], market_lot: Mapping[str, Any] | None) -> Decimal:
    """Take the smaller bound: closes are market orders, and a position must be closable in one."""
    qty_max = Decimal(lot["maxQty"])
    market_max = Decimal(market_lot["maxQty"]) if market_lot else qty_max
    return min(qty_max, market_max) if market_max > 0 else qty_max
