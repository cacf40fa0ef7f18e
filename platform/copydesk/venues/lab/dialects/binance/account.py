"""Binance Spot endpoints about the account: balances, commission and order limits."""

from __future__ import annotations

from zlib import crc32

import orjson

from copydesk.venues.lab.dialects.binance.params import Call
from copydesk.venues.lab.dialects.binance.routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance.shapes import eight
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ, TRADE, WITHDRAW

_NO_FEE = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}
_FEE = {**_NO_FEE, "maker": "0.00100000", "taker": "0.00100000"}


def _uid(account: str) -> int:
    """Number an account: always the same, nine digits."""
    return 100_000_000 + crc32(account.encode()) % 900_000_000


def _account(exchange: Exchange, call: Call) -> bytes:
    assert call.key is not None
    balances = exchange.spot.balances(call.account).items()
    sparse = call.params.get("omitZeroBalances", "").lower() == "true"
    held = [(asset, free, locked) for asset, (free, locked) in balances if free or locked or not sparse]
    return orjson.dumps(
        {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": _FEE,
            "canTrade": TRADE in call.key.permissions,
            "canWithdraw": WITHDRAW in call.key.permissions,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": call.now_ms,
            "accountType": "SPOT",
            "balances": [{"asset": a, "free": eight(free), "locked": eight(locked)} for a, free, locked in held],
            "permissions": ["SPOT"],
            "uid": _uid(call.account),
        }
    )


def _commission(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps(
        {
            "symbol": instrument_of(exchange, call).venue_symbol,
            "standardCommission": _FEE,
            "specialCommission": _NO_FEE,
            "taxCommission": _NO_FEE,
            "discount": {
                "enabledForAccount": False,
                "enabledForSymbol": False,
                "discountAsset": "BNB",
                "discount": "0.75000000",
            },
        }
    )


def _order_limits(_exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps(call.placed.rows(call.account, call.now_ms))


ROUTES: Routes = {
    ("GET", "/api/v3/account"): route(_account, "omitZeroBalances", weight=20, needs=READ),
    ("GET", "/api/v3/account/commission"): route(_commission, "symbol", weight=20, needs=READ),
    ("GET", "/api/v3/rateLimit/order"): route(_order_limits, weight=40, needs=READ),
}
