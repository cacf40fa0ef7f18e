"""Bybit endpoints about the account: wallet, fees, margin mode, and what a key may do.

Source: v5 documentation, "Account", "Get API Key Information".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.dcp import DEFAULT_SECONDS
from copydesk.venues.lab.dialects.bybit.ids import user_id
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.params import EMPTY_CATEGORIES, Call, market_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes, instrument_of
from copydesk.venues.lab.dialects.bybit.wallet import margin_mode_of, wallet_view
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import OTHER, READ, TRADE, TRANSFER, WITHDRAW, ApiKey
from copydesk.venues.lab.keys import PERP as PERP_RIGHT
from copydesk.venues.lab.model import CROSS, ISOLATED, SPOT

# Unified trading account 2.0 (pro version): the rate limits of the documentation are those of this one.
UNIFIED_MARGIN_STATUS = 6
MODES = {"ISOLATED_MARGIN": ISOLATED, "REGULAR_MARGIN": CROSS}
DAY_MS = 86_400_000
# A key that is bound to no address lives three months.
UNBOUND_DAYS = 90
NO_DEADLINE_DAYS = -2
_NO_RIGHTS: dict[str, list[str]] = {
    name: []
    for name in (
        "ContractTrade",
        "Spot",
        "Wallet",
        "Options",
        "Derivatives",
        "CopyTrading",
        "BlockTrade",
        "Exchange",
        "NFT",
        "Affiliate",
        "Earn",
        "FiatP2P",
        "FiatConvertBroker",
        "FiatGlobalPay",
        "FiatBitPay",
        "BitCard",
        "ByXPost",
    )
}


def expires_ms(key: ApiKey) -> int | None:
    """Return when a key ends: as set, else after 90 days unless it is bound to addresses."""
    if key.expires_ms is not None or key.ips:
        return key.expires_ms
    return key.created_ms + UNBOUND_DAYS * DAY_MS


def rights_of(key: ApiKey) -> dict[str, list[str]]:
    """Write a key's rights in Bybit's words. A read-only key names the same rights, but `readOnly` is 1."""
    rights, reads = key.permissions, key.permissions <= {READ}
    words = {name: list(given) for name, given in _NO_RIGHTS.items()}
    if PERP_RIGHT in rights or reads:
        words["ContractTrade"] = ["Order", "Position"]
        words["Derivatives"] = ["DerivativesTrade"]
    if TRADE in rights or reads:
        words["Spot"] = ["SpotTrade"]
    if TRANSFER in rights:
        words["Wallet"] += ["AccountTransfer", "SubMemberTransfer"]
    if WITHDRAW in rights:
        words["Wallet"].append("Withdraw")
    if OTHER in rights:
        words["Custody"] = ["CustodyManage"]
    return words


def _query_api(_exchange: Exchange, call: Call) -> bytes:
    key = call.key
    assert key is not None, "every private route has a key"
    ends = expires_ms(key)
    return orjson.dumps(
        {
            "id": str(user_id(key.api_key)),
            "note": "copydesk",
            "apiKey": key.api_key,
            "readOnly": int(key.permissions <= {READ}),
            "secret": "",
            "permissions": rights_of(key),
            "ips": sorted(key.ips) or ["*"],
            "type": 1,
            "deadlineDay": NO_DEADLINE_DAYS if ends is None else max(0, (ends - call.now_ms) // DAY_MS),
            "expiredAt": _date(ends or 0),
            "createdAt": _date(key.created_ms),
            "unified": 0,
            "uta": 1,
            "userID": user_id(key.account),
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_1",
            "kycRegion": "",
            "userIDInt64": str(user_id(key.account)),
            "inviterIDInt64": "0",
            "affiliateIDInt64": "0",
        }
    )


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _info(exchange: Exchange, call: Call) -> bytes:
    seconds = [s for (account, _), s in call.memory.dcp_seconds.items() if account == call.account]
    return orjson.dumps(
        {
            "marginMode": margin_mode_of(exchange, call.account),
            "updatedTime": str(call.now_ms // 1000 * 1000),
            "unifiedMarginStatus": UNIFIED_MARGIN_STATUS,
            "dcpStatus": "ON" if seconds else "OFF",
            "timeWindow": seconds[0] if seconds else DEFAULT_SECONDS,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def _set_margin_mode(exchange: Exchange, call: Call) -> bytes:
    """Set the margin mode of all symbols. Refused while positions or orders of perpetuals are there."""
    asked = text_of(call.params, "setMarginMode")
    if asked == "PORTFOLIO_MARGIN":
        raise _mode_refused("3400000", "Equity needs to be equal to or greater than 1000 USDC")
    if asked not in MODES:
        raise errors.bad_params("setMarginMode invalid")
    perp, account = exchange.perp, call.account
    if margin_mode_of(exchange, account) == asked:
        return b'{"reasons":[]}'
    if perp.positions(account) or perp.open_orders(account):
        raise _mode_refused("3400092", "You have existing positions or orders")
    for symbol in perp.instruments:
        change = perp.set_margin_mode(account, symbol, MODES[asked], call.now_ms)
        exchange.publish(change.events, call.now_ms)
    return b'{"reasons":[]}'


def _mode_refused(code: str, why: str) -> errors.ApiError:
    reasons = orjson.dumps({"reasons": [{"reasonCode": code, "reasonMsg": why}]})
    return errors.ApiError(3400045, "Set margin mode failed", result=reasons)


def _wallet(exchange: Exchange, call: Call) -> bytes:
    if text_of(call.params, "accountType") != "UNIFIED":
        raise errors.request_error("accountType only support UNIFIED.")
    coins = text_of(call.params, "coin")
    asked = [coin for coin in coins.split(",") if coin] if coins else None
    return orjson.dumps({"list": [wallet_view(exchange, call.account, asked)]})


def _fee_rate(exchange: Exchange, call: Call) -> bytes:
    if text_of(call.params, "category") in EMPTY_CATEGORIES:
        return b'{"list":[]}'
    market, listing = market_of(call.params), exchange.listing
    spot = market == SPOT
    maker, taker = (listing.spot_fee,) * 2 if spot else (listing.perp_maker_fee, listing.perp_taker_fee)
    if text_of(call.params, "symbol"):
        symbols = [instrument_of(exchange, call, market).venue_symbol]
    else:
        symbols = list(exchange.engine(market).instruments)
    rates = {"takerFeeRate": decimal_text(taker), "makerFeeRate": decimal_text(maker)}
    answer: dict[str, Any] = {"list": [{"symbol": symbol, **rates} for symbol in symbols]}
    return orjson.dumps({"category": "spot", **answer} if spot else answer)


ROUTES: Routes = {
    ("GET", "/v5/user/query-api"): Route(_query_api, ANY, per_second(10), says=b""),
    ("GET", "/v5/account/info"): Route(_info, ANY, per_second(50)),
    ("POST", "/v5/account/set-margin-mode"): Route(
        _set_margin_mode, PERP_RIGHT, per_second(5), says=b"Request accepted"
    ),
    ("GET", "/v5/account/wallet-balance"): Route(_wallet, ANY, per_second(50)),
    ("GET", "/v5/account/fee-rate"): Route(_fee_rate, ANY, per_second(5)),
}
