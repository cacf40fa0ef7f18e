"""Binance's facts: id rules, modes, rate limits and the allowed endpoints of both origins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from copydesk.trading import OrderType
from copydesk.venues.model import Wallet
from copydesk.venues.traits import (
    ANY,
    BatchSizes,
    Endpoint,
    Feature,
    LimitScope,
    LimitUnit,
    ModeScope,
    OriginRules,
    QtyUnit,
    RateLimit,
    Source,
    VenueTraits,
)

_AS_OF = date(2026, 11, 22)
_SPOT = "binance-spot-api-docs rest-api.md"
_UM = "developers.binance.com, USDS-margined futures"
_STREAMS = "binance-spot-api-docs, web-socket-api.md, General API information"
_WHICH = "-2015 says that the key, its address or a right of it is wrong, and not which"
_SPOT_LIMITS = f"{_SPOT}, exchangeInfo rateLimits"
_UM_LIMITS = f"{_UM}, exchangeInfo rateLimits"

# User Universal Transfer: what is named here moves between wallets of the account that asks.
TRANSFERS: Mapping[tuple[Wallet, Wallet], str] = MappingProxyType(
    {
        (Wallet.SPOT, Wallet.FUTURES): "MAIN_UMFUTURE",
        (Wallet.FUTURES, Wallet.SPOT): "UMFUTURE_MAIN",
        (Wallet.SPOT, Wallet.FUNDING): "MAIN_FUNDING",
        (Wallet.FUNDING, Wallet.SPOT): "FUNDING_MAIN",
        (Wallet.FUNDING, Wallet.FUTURES): "FUNDING_UMFUTURE",
        (Wallet.FUTURES, Wallet.FUNDING): "UMFUTURE_FUNDING",
    }
)
_OWN_WALLETS = MappingProxyType({"type": frozenset(TRANSFERS.values()), "asset": ANY, "amount": ANY})

SPOT = OriginRules(
    endpoints=MappingProxyType(
        {
            "time": Endpoint("GET", "/api/v3/time", 1, settles=True),
            "instruments": Endpoint("GET", "/api/v3/exchangeInfo", 20),
            "prices": Endpoint("GET", "/api/v3/ticker/price", 4),
            "depth": Endpoint("GET", "/api/v3/depth", 25),  # With 500 levels.
            "top": Endpoint("GET", "/api/v3/depth", 5),  # With 100 or fewer.
            "day": Endpoint("GET", "/api/v3/ticker/24hr", 2),  # Of one pair.
            "candles": Endpoint("GET", "/api/v3/klines", 2),
            "submit": Endpoint("POST", "/api/v3/order", 1, orders=1),
            "test_order": Endpoint("POST", "/api/v3/order/test", 1, asks=True),  # Is checked and goes no further.
            "query": Endpoint("GET", "/api/v3/order", 4, settles=True),
            "cancel": Endpoint("DELETE", "/api/v3/order", 1),
            "cancel_all": Endpoint("DELETE", "/api/v3/openOrders", 1),
            "open_orders": Endpoint("GET", "/api/v3/openOrders", 6),
            "open_orders_all": Endpoint("GET", "/api/v3/openOrders", 80),  # Without a symbol.
            "balances": Endpoint("GET", "/api/v3/account", 20),  # Also tells the account's number.
            "trades": Endpoint("GET", "/api/v3/myTrades", 20),
            "fills": Endpoint("GET", "/api/v3/myTrades", 5, settles=True),  # Of one order.
            "key_scope": Endpoint("GET", "/sapi/v1/account/apiRestrictions", 1),
            "funding_balances": Endpoint("POST", "/sapi/v1/asset/get-funding-asset", 1, asks=True),
            # Between the wallets of one account: its types name no other account.
            "transfer": Endpoint("POST", "/sapi/v1/asset/transfer", 1, groups=("transfer",), takes=_OWN_WALLETS),
        }
    ),
    rate_limits=(
        RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 6000, 60, _SPOT_LIMITS, _AS_OF),
        RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 300_000, 300, _SPOT_LIMITS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 50, 10, _SPOT_LIMITS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 160_000, 86_400, _SPOT_LIMITS, _AS_OF),
        # 180,000 weight a minute per UID, of which one transfer costs 300.
        RateLimit(
            LimitScope.KEY,
            LimitUnit.REQUESTS,
            200,
            60,
            "developers.binance.com, wallet, UID limits",
            _AS_OF,
            "transfer",
        ),
    ),
)

PERPETUAL = OriginRules(
    endpoints=MappingProxyType(
        {
            "time": Endpoint("GET", "/fapi/v1/time", 1, settles=True),
            "instruments": Endpoint("GET", "/fapi/v1/exchangeInfo", 1),
            "prices": Endpoint("GET", "/fapi/v1/ticker/price", 2),
            "depth": Endpoint("GET", "/fapi/v1/depth", 10),  # With 500 levels.
            "top": Endpoint("GET", "/fapi/v1/depth", 2),  # With 50 or fewer.
            "day": Endpoint("GET", "/fapi/v1/ticker/24hr", 1),  # Of one contract.
            "candles": Endpoint("GET", "/fapi/v1/klines", 2),  # Of 100 to 499.
            "funding_rate": Endpoint("GET", "/fapi/v1/premiumIndex", 1),  # Of one contract.
            "submit": Endpoint("POST", "/fapi/v1/order", 0, orders=1),
            "test_order": Endpoint("POST", "/fapi/v1/order/test", 1, asks=True),
            "amend": Endpoint("PUT", "/fapi/v1/order", 1, orders=1),
            "query": Endpoint("GET", "/fapi/v1/order", 1, settles=True),
            "cancel": Endpoint("DELETE", "/fapi/v1/order", 1),
            "cancel_all": Endpoint("DELETE", "/fapi/v1/allOpenOrders", 1),
            "open_orders": Endpoint("GET", "/fapi/v1/openOrders", 1),
            "open_orders_all": Endpoint("GET", "/fapi/v1/openOrders", 40),
            "submit_conditional": Endpoint("POST", "/fapi/v1/algoOrder", 0, orders=1),
            "query_conditional": Endpoint("GET", "/fapi/v1/algoOrder", 1, settles=True),
            "cancel_conditional": Endpoint("DELETE", "/fapi/v1/algoOrder", 1),
            "cancel_all_conditional": Endpoint("DELETE", "/fapi/v1/algoOpenOrders", 1),
            "open_conditional": Endpoint("GET", "/fapi/v1/openAlgoOrders", 1),
            "open_conditional_all": Endpoint("GET", "/fapi/v1/openAlgoOrders", 40),
            "trades": Endpoint("GET", "/fapi/v1/userTrades", 5),
            "fills": Endpoint("GET", "/fapi/v1/userTrades", 5, settles=True),
            "balances": Endpoint("GET", "/fapi/v3/account", 5),
            "positions": Endpoint("GET", "/fapi/v3/positionRisk", 5),
            "funding": Endpoint("GET", "/fapi/v1/income", 30),
            "brackets": Endpoint("GET", "/fapi/v1/leverageBracket", 1),
            "position_settings": Endpoint("GET", "/fapi/v1/symbolConfig", 5),
            "leverage": Endpoint("POST", "/fapi/v1/leverage", 1),
            "margin_mode": Endpoint("POST", "/fapi/v1/marginType", 1),
            "position_mode": Endpoint("POST", "/fapi/v1/positionSide/dual", 1),
            "stream_key": Endpoint("POST", "/fapi/v1/listenKey", 1, asks=True),
            "stream_key_extend": Endpoint("PUT", "/fapi/v1/listenKey", 1, asks=True),
        }
    ),
    rate_limits=(
        RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 2400, 60, _UM_LIMITS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 300, 10, _UM_LIMITS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 1200, 60, _UM_LIMITS, _AS_OF),
    ),
)

BINANCE = VenueTraits(
    venue="binance",
    origins=MappingProxyType({"spot": SPOT, "perpetual": PERPETUAL}),
    unsupported=MappingProxyType(
        {
            Feature.SPOT_AMEND: "an open spot order can only shrink (order/amend/keepPriority); cancelReplace makes"
            " another order under another id, and may do one half only",
            Feature.SPOT_ATTACHED_EXITS: "a spot order carries no exits; order lists are orders of their own",
            Feature.PERPETUAL_ATTACHED_EXITS: "a futures order carries no exits; they are conditional orders",
            **dict.fromkeys((Feature.KEY_ADDRESS_NAMED, Feature.KEY_RIGHT_NAMED, Feature.KEY_EXPIRY_NAMED), _WHICH),
        }
    ),
    client_order_id_len_max=36,
    client_order_id_pattern=r"[a-zA-Z0-9_-]{1,36}",
    broker_prefix_pattern=r"(x-[A-Za-z0-9]{6,12})?[A-Za-z0-9_-]{0,8}",
    recv_window_ms=2000,
    connect_limit=RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 300, 300, _STREAMS, _AS_OF),
    qty_unit=QtyUnit.BASE,
    position_mode_scope=ModeScope.ACCOUNT,
    margin_mode_scope=ModeScope.SYMBOL,
    batch_max=BatchSizes(),
    acknowledges_fill=True,
    conditional_types=frozenset(kind for kind in OrderType if kind.conditional),
    wallets=frozenset(Wallet),
    absence_age_s_min=600,
    fills_age_s_max=180 * 86_400,
    sources=MappingProxyType(
        {
            "client_order_id_len_max": Source(f"{_UM}, New Order: ^[.A-Z:/a-z0-9_-]{{1,36}}$", _AS_OF),
            "client_order_id_pattern": Source(f"{_SPOT}, New order: newClientOrderId; the narrower of both", _AS_OF),
            "broker_prefix_pattern": Source("Binance Link program: ids that begin with x- and the broker's id", _AS_OF),
            "recv_window_ms": Source(f"{_SPOT}, Timing security; our choice below the 5000 by default", _AS_OF),
            "connect_limit": Source(_STREAMS, _AS_OF),
            "qty_unit": Source(f"{_UM}, New Order: quantity in base units", _AS_OF),
            "position_mode_scope": Source(f"{_UM}, Change Position Mode: on every symbol", _AS_OF),
            "margin_mode_scope": Source(f"{_UM}, Change Margin Type: of a symbol; orders name none", _AS_OF),
            "batch_max": Source("our choice: a futures batch (5) costs weight that single orders do not", _AS_OF),
            "acknowledges_fill": Source(f"{_SPOT}, New order: FULL; {_UM}, New Order: RESULT", _AS_OF),
            "conditional_types": Source(f"{_SPOT}, New order: STOP_LOSS...; {_UM}, New Algo Order", _AS_OF),
            "wallets": Source("developers.binance.com, wallet, User Universal Transfer", _AS_OF),
            "absence_age_s_min": Source(
                f"{_UM}, Query Order: no lag is told; ours, far below the three days after which it forgets", _AS_OF
            ),
            "fills_age_s_max": Source(f"{_UM}, Account Trade List: half a year; spot has no bound", _AS_OF),
        }
    ),
)
