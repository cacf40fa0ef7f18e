"""Binance endpoints about the account: balances, fees, coins and what its key may do."""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance_params import Call
from copydesk.venues.lab.dialects.binance_routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance_shapes import eight
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.keys import READ, TRADE, WITHDRAW

FEE_RATIO = "0.001"


def _account(lab: Lab, call: Call) -> bytes:
    assert call.key is not None
    balances = lab.engine.balances(call.account).items()
    sparse = call.params.get("omitZeroBalances", "").lower() == "true"
    held = [(asset, free, locked) for asset, (free, locked) in balances if free or locked or not sparse]
    return orjson.dumps(
        {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": "0.00100000",
                "taker": "0.00100000",
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
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
            "uid": 1,
        }
    )


def _restrictions(_lab: Lab, call: Call) -> bytes:
    key = call.key
    assert key is not None
    return orjson.dumps(
        {
            "ipRestrict": bool(key.ips),
            "createTime": key.created_ms,
            "enableReading": READ in key.permissions,
            "enableWithdrawals": WITHDRAW in key.permissions,
            "enableInternalTransfer": "internal_transfer" in key.permissions,
            "enableMargin": "margin" in key.permissions,
            "enableFutures": "futures" in key.permissions,
            "permitsUniversalTransfer": "universal_transfer" in key.permissions,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
            "enableSpotAndMarginTrading": TRADE in key.permissions,
            "enablePortfolioMarginTrading": False,
        }
    )


def _coins(lab: Lab, call: Call) -> bytes:
    assets = {asset for i in lab.engine.instruments.values() for asset in (i.base, i.quote)}
    balances = lab.engine.balances(call.account)
    return orjson.dumps([_coin(asset, *balances.get(asset, (0, 0))) for asset in sorted(assets)])


def _coin(asset: str, free: Any, locked: Any) -> dict[str, Any]:
    """Describe a coin; nothing can be deposited or withdrawn over a network here."""
    return {
        "coin": asset,
        "depositAllEnable": False,
        "free": eight(free),
        "freeze": "0",
        "ipoable": "0",
        "ipoing": "0",
        "isLegalMoney": False,
        "locked": eight(locked),
        "name": asset,
        "networkList": [],
        "storage": "0",
        "trading": True,
        "withdrawAllEnable": False,
        "withdrawing": "0",
    }


def _trade_fee(lab: Lab, call: Call) -> bytes:
    chosen = [instrument_of(lab, call)] if "symbol" in call.params else lab.engine.instruments.values()
    return orjson.dumps(
        [{"symbol": i.venue_symbol, "makerCommission": FEE_RATIO, "takerCommission": FEE_RATIO} for i in chosen]
    )


def _no_pairs(_lab: Lab, _call: Call) -> bytes:
    return b"[]"


ROUTES: Routes = {
    ("GET", "/api/v3/account"): route(_account, "omitZeroBalances", weight=20, needs=READ),
    ("GET", "/sapi/v1/account/apiRestrictions"): route(_restrictions, needs=READ),
    ("GET", "/sapi/v1/capital/config/getall"): route(_coins, weight=10, needs=READ),
    ("GET", "/sapi/v1/asset/tradeFee"): route(_trade_fee, "symbol", needs=READ),
    ("GET", "/sapi/v1/margin/allPairs"): route(_no_pairs, "symbol", needs=READ),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): route(_no_pairs, "symbol", needs=READ),
}
