"""Binance spot's words for everything but orders: pairs, prices, balances, wallets and key rights. Pure.

Source: binance-spot-api-docs, rest-api.md (Exchange information, Account information) and filters.md;
developers.binance.com, wallet (Funding Wallet, User Universal Transfer, Get API Key Permission).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from copydesk.trading import Instrument
from copydesk.venues.model import Balance, KeyScope

# Rights that move nothing out of the account, and fields that are no rights.
_HARMLESS = frozenset(
    {
        *("ipRestrict", "createTime", "tradingAuthorityExpirationTime", "enableReading", "enableSpotAndMarginTrading"),
        *("enableMargin", "enableFutures", "enableVanillaOptions", "enablePortfolioMarginTrading"),
        *("enableFixApiTrade", "enableFixReadOnly"),
    }
)
# Each with its name on the page where keys are made.
_DANGEROUS: Mapping[str, str] = MappingProxyType(
    {
        "enableWithdrawals": "Enable Withdrawals",
        "enableInternalTransfer": "Enable Internal Transfer",
        "permitsUniversalTransfer": "Permits Universal Transfer",
    }
)


def instruments_of(raw_symbols: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the symbols of `exchangeInfo`: every pair that has the filters we plan with, by ccxt symbol."""
    instruments = (_instrument(raw) for raw in raw_symbols)
    return {instrument.symbol: instrument for instrument in instruments if instrument is not None}


def balances_of(account: Mapping[str, Any]) -> dict[str, Balance]:
    """Read `account`, leaving out currencies of which nothing is owned."""
    rows = ((row["asset"], Balance(Decimal(row["free"]), Decimal(row["locked"]))) for row in account["balances"])
    return {asset: balance for asset, balance in rows if balance.free or balance.locked}


def funding_balances_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Balance]:
    """Read `get-funding-asset`; what is frozen or on its way out is locked."""
    return {
        row["asset"]: Balance(
            Decimal(row["free"]), Decimal(row["locked"]) + Decimal(row["freeze"]) + Decimal(row["withdrawing"])
        )
        for row in rows
    }


def key_scope_of(restrictions: Mapping[str, Any]) -> KeyScope:
    """Read `apiRestrictions`; a dangerous right that is not mentioned counts as granted."""
    granted = {name for name, value in restrictions.items() if value is True}
    dangerous = {name for name in _DANGEROUS if restrictions.get(name, True) is not False}
    unknown = frozenset(granted - _HARMLESS - _DANGEROUS.keys())
    ends_ms = restrictions.get("tradingAuthorityExpirationTime")
    return KeyScope(
        can_read=restrictions.get("enableReading", False) is True,
        can_trade=restrictions.get("enableSpotAndMarginTrading", False) is True,
        can_withdraw="enableWithdrawals" in dangerous,
        can_transfer=bool(dangerous - {"enableWithdrawals"}),
        ip_bound=restrictions.get("ipRestrict", False) is True,
        can_trade_perpetuals=restrictions.get("enableFutures", False) is True,
        unknown=unknown,
        named=unknown | {_DANGEROUS[name] for name in dangerous},
        expires_at=datetime.fromtimestamp(int(ends_ms) / 1000, UTC) if ends_ms else None,
    )


def _instrument(raw: Mapping[str, Any]) -> Instrument | None:
    filters = {item["filterType"]: item for item in raw["filters"]}
    lot, price = filters.get("LOT_SIZE"), filters.get("PRICE_FILTER")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    if lot is None or price is None or notional is None:
        return None
    return Instrument(
        venue="binance",
        symbol=f"{raw['baseAsset']}/{raw['quoteAsset']}",
        venue_symbol=raw["symbol"],
        base=raw["baseAsset"],
        quote=raw["quoteAsset"],
        px_tick=Decimal(price["tickSize"]),
        qty_step=Decimal(lot["stepSize"]),
        qty_min=Decimal(lot["minQty"]),
        qty_max=qty_max(lot, filters.get("MARKET_LOT_SIZE")),
        notional_min=Decimal(notional["minNotional"]),
        trading=raw["status"] == "TRADING" and raw.get("isSpotTradingAllowed", True),
    )


def qty_max(lot: Mapping[str, Any], market_lot: Mapping[str, Any] | None) -> Decimal:
    """Take the smaller bound: closes are market orders, and a position must be closable in one."""
    limit_max = Decimal(lot["maxQty"])
    market_max = Decimal(market_lot["maxQty"]) if market_lot else limit_max
    return min(limit_max, market_max) if market_max > 0 else limit_max
