"""What may be asked of Bitget, and how often: classic accounts by v2, unified accounts by v3, one address for both.

Private limits count per user and request, public ones per address. Source: the "Rate limit" line of each request's
page in Bitget's API guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from copydesk.venues.traits import ANY, Endpoint, LimitScope, LimitUnit, OriginRules, RateLimit

AS_OF = date(2026, 11, 22)
GUIDE = "Bitget API guide"
_WALLETS = frozenset({"spot", "usdt_futures", "uta", "p2p"})


class _Row(NamedTuple):
    """One request and how many of it one user may send in a second; `public` counts the address instead."""

    endpoint: Endpoint
    per_s: int
    public: bool = False


def _public(path: str, per_s: int, *, settles: bool = False) -> _Row:
    return _Row(Endpoint("GET", f"/api/{path}", settles=settles, groups=(path,)), per_s, public=True)


def _read(path: str, per_s: int, *, settles: bool = False) -> _Row:
    return _Row(Endpoint("GET", f"/api/{path}", settles=settles, groups=(path,)), per_s)


def _write(path: str, per_s: int, *, orders: int = 0) -> _Row:
    return _Row(Endpoint("POST", f"/api/{path}", orders=orders, groups=(path,)), per_s)


def _transfer(path: str, per_s: int) -> _Row:
    takes = {"fromType": _WALLETS, "toType": _WALLETS, "amount": ANY, "coin": ANY}
    return _Row(Endpoint("POST", f"/api/{path}", groups=(path,), takes=MappingProxyType(takes)), per_s)


def _limit(row: _Row) -> RateLimit:
    (group,) = row.endpoint.groups
    scope = LimitScope.IP if row.public else LimitScope.KEY
    source = f"{GUIDE}, {group}; not said from when on it counts"
    return RateLimit(scope, LimitUnit.REQUESTS, row.per_s, 1, source, AS_OF, group, rolling=True)


def _rules(rows: Mapping[str, _Row]) -> OriginRules:
    by_group = {row.endpoint.groups: _limit(row) for row in rows.values()}
    endpoints = MappingProxyType({name: row.endpoint for name, row in rows.items()})
    return OriginRules(endpoints, (_ADDRESS_LIMIT, *by_group.values()))


_ADDRESS_LIMIT = RateLimit(
    LimitScope.IP, LimitUnit.REQUESTS, 6000, 60, f"{GUIDE}, Rate limit: 6000 a minute by address", AS_OF
)

CLASSIC = _rules(
    {
        "time": _public("v2/public/time", 20, settles=True),
        "spot_instruments": _public("v2/spot/public/symbols", 20),
        "perpetual_instruments": _public("v2/mix/market/contracts", 20),
        "spot_prices": _public("v2/spot/market/tickers", 20),
        "perpetual_prices": _public("v2/mix/market/tickers", 20),
        "spot_depth": _public("v2/spot/market/orderbook", 20),
        "perpetual_depth": _public("v2/mix/market/merge-depth", 20),
        "spot_candles": _public("v2/spot/market/candles", 20),
        "perpetual_candles": _public("v2/mix/market/candles", 20),
        "perpetual_day": _public("v2/mix/market/ticker", 20),
        "brackets": _public("v2/mix/market/query-position-lever", 10),
        "funding_rate": _public("v2/mix/market/current-fund-rate", 20),
        "submit_spot": _write("v2/spot/trade/place-order", 10, orders=1),
        "submit_perpetual": _write("v2/mix/order/place-order", 10, orders=1),
        "submit_spot_plan": _write("v2/spot/trade/place-plan-order", 20, orders=1),
        "submit_perpetual_plan": _write("v2/mix/order/place-plan-order", 10, orders=1),
        "submit_perpetual_exit": _write("v2/mix/order/place-tpsl-order", 10, orders=1),
        "query_spot": _read("v2/spot/trade/orderInfo", 20, settles=True),
        "query_perpetual": _read("v2/mix/order/detail", 10, settles=True),
        "cancel_spot": _write("v2/spot/trade/cancel-order", 10),
        "cancel_perpetual": _write("v2/mix/order/cancel-order", 10),
        "cancel_all_spot": _write("v2/spot/trade/cancel-symbol-order", 5),
        "cancel_all_perpetual": _write("v2/mix/order/batch-cancel-orders", 10),
        "open_spot": _read("v2/spot/trade/unfilled-orders", 20),
        "open_perpetual": _read("v2/mix/order/orders-pending", 10),
        "spot_plans": _read("v2/spot/trade/current-plan-order", 20, settles=True),
        "spot_plans_old": _read("v2/spot/trade/history-plan-order", 20, settles=True),
        "spot_plan_placed": _read("v2/spot/trade/plan-sub-order", 20, settles=True),
        "cancel_spot_plan": _write("v2/spot/trade/cancel-plan-order", 20),
        "cancel_all_spot_plans": _write("v2/spot/trade/batch-cancel-plan-order", 10),
        "perpetual_plans": _read("v2/mix/order/orders-plan-pending", 10, settles=True),
        "perpetual_plans_old": _read("v2/mix/order/orders-plan-history", 10, settles=True),
        "cancel_perpetual_plans": _write("v2/mix/order/cancel-plan-order", 10),
        "spot_fills": _read("v2/spot/trade/fills", 10, settles=True),
        "spot_trades": _read("v2/spot/trade/fills", 10),
        "perpetual_fills": _read("v2/mix/order/fills", 10, settles=True),
        "perpetual_trades": _read("v2/mix/order/fill-history", 10),
        "spot_balances": _read("v2/spot/account/assets", 10),
        "futures_balances": _read("v2/mix/account/accounts", 10),
        "funding_balances": _read("v2/account/funding-assets", 10),
        "perpetual_account": _read("v2/mix/account/account", 10),
        "positions": _read("v2/mix/position/all-position", 5),
        "funding": _read("v2/mix/account/bill", 10),
        "leverage": _write("v2/mix/account/set-leverage", 5),
        "margin_mode": _write("v2/mix/account/set-margin-mode", 5),
        "position_mode": _write("v2/mix/account/set-position-mode", 5),
        # Between the wallets of one account: it names no other.
        "transfer": _transfer("v2/spot/wallet/transfer", 10),
        "key_scope": _read("v2/spot/account/info", 1),
    }
)
UNIFIED = _rules(
    {
        "time": _public("v2/public/time", 20, settles=True),
        "settings": _read("v3/account/settings", 20),
        "brackets": _public("v3/market/position-tier", 20),
        "submit": _write("v3/trade/place-order", 10, orders=1),
        "submit_strategy": _write("v3/trade/place-strategy-order", 10, orders=1),
        "query": _read("v3/trade/order-info", 20, settles=True),
        "cancel": _write("v3/trade/cancel-order", 10),
        "cancel_all": _write("v3/trade/cancel-symbol-order", 5),
        "open_orders": _read("v3/trade/unfilled-orders", 20),
        "orders_old": _read("v3/trade/history-orders", 20),
        "strategies": _read("v3/trade/unfilled-strategy-orders", 20, settles=True),
        "strategies_old": _read("v3/trade/history-strategy-orders", 20, settles=True),
        "strategy_placed": _read("v3/trade/strategy-sub-orders", 20, settles=True),
        "cancel_strategy": _write("v3/trade/cancel-strategy-order", 10),
        "fills": _read("v3/trade/fills", 20, settles=True),
        "trades": _read("v3/trade/fills", 20),
        "balances": _read("v3/account/assets", 20),
        "funding_balances": _read("v3/account/funding-assets", 20),
        "positions": _read("v3/position/current-position", 20),
        "funding": _read("v3/account/financial-records", 20),
        "leverage": _write("v3/account/set-leverage", 10),
        "position_mode": _write("v3/account/set-hold-mode", 10),
        # Between the wallets of one account: it names no other.
        "transfer": _transfer("v3/account/transfer", 5),
        "key_scope": _read("v3/account/info", 5),
    }
)
