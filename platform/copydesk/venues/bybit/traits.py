"""Bybit's facts: id rules, modes, rate limits and the allowed endpoints."""

from __future__ import annotations

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
_DOCS = "Bybit v5 API"
_LIMITS = f"{_DOCS}, Rate Limit"
_PLACE = f"{_DOCS}, Place Order"


def _limit(group: str, count: int, *, s: int = 1) -> RateLimit:
    """Count requests of one endpoint by one account: in any second, whenever it began."""
    return RateLimit(LimitScope.KEY, LimitUnit.REQUESTS, count, s, _LIMITS, _AS_OF, group, rolling=True)


def _read(path: str, group: str = "", *, settles: bool = False) -> Endpoint:
    return Endpoint("GET", f"/v5/{path}", settles=settles, groups=(group,) if group else ())


def _write(path: str, group: str, *, orders: int = 0) -> Endpoint:
    return Endpoint("POST", f"/v5/{path}", orders=orders, groups=(group,))


_WALLETS = frozenset({"UNIFIED", "FUND"})
_OWN_WALLETS = MappingProxyType(
    {"transferId": ANY, "coin": ANY, "amount": ANY, "fromAccountType": _WALLETS, "toAccountType": _WALLETS}
)

REST = OriginRules(
    endpoints=MappingProxyType(
        {
            "time": _read("market/time", settles=True),
            "instruments": _read("market/instruments-info"),
            "prices": _read("market/tickers"),
            "depth": _read("market/orderbook"),
            "candles": _read("market/kline"),
            "submit_spot": _write("order/create", "create_spot", orders=1),
            "submit_perpetual": _write("order/create", "create_linear", orders=1),
            "test_order": Endpoint("POST", "/v5/order/pre-check", groups=("pre_check",), asks=True),
            "amend_spot": _write("order/amend", "amend_spot", orders=1),
            "amend_perpetual": _write("order/amend", "amend_linear", orders=1),
            "cancel_spot": _write("order/cancel", "cancel_spot"),
            "cancel_perpetual": _write("order/cancel", "cancel_linear"),
            "cancel_all_spot": _write("order/cancel-all", "cancel_all_spot"),
            "cancel_all_perpetual": _write("order/cancel-all", "cancel_all_linear"),
            "query": _read("order/realtime", "order_realtime", settles=True),
            "query_old": _read("order/history", "order_history", settles=True),
            "orders_old": _read("order/history", "order_history"),
            "open_orders": _read("order/realtime", "order_realtime"),
            "fills": _read("execution/list", "execution_list", settles=True),
            "trades": _read("execution/list", "execution_list"),
            "brackets": _read("market/risk-limit"),
            "balances": _read("account/wallet-balance", "wallet_balance"),
            "funding_balances": _read("asset/transfer/query-account-coins-balance", "coins_balance"),
            "positions": _read("position/list", "position_list"),
            "funding": _read("account/transaction-log", "transaction_log"),
            "leverage": _write("position/set-leverage", "set_leverage"),
            "margin_mode": _write("account/set-margin-mode", "set_margin_mode"),
            "position_mode": _write("position/switch-mode", "switch_mode"),
            # Between the wallets of one account: it names no other.
            "transfer": Endpoint(
                "POST", "/v5/asset/transfer/inter-transfer", groups=("inter_transfer",), takes=_OWN_WALLETS
            ),
            "key_scope": _read("user/query-api", "query_api"),
        }
    ),
    rate_limits=(
        RateLimit(
            LimitScope.IP,
            LimitUnit.REQUESTS,
            600,
            5,
            f"{_LIMITS}: 403 beyond it, for ten minutes",
            _AS_OF,
            rolling=True,
        ),
        _limit("create_spot", 20),
        _limit("create_linear", 10),
        RateLimit(
            *(LimitScope.KEY, LimitUnit.REQUESTS, 5, 1, f"{_DOCS}, Pre Check Order: no limit is told; ours", _AS_OF),
            group="pre_check",
            rolling=True,
        ),
        _limit("amend_spot", 10),
        _limit("amend_linear", 10),
        _limit("cancel_spot", 20),
        _limit("cancel_linear", 10),
        _limit("cancel_all_spot", 20),
        _limit("cancel_all_linear", 10),
        _limit("order_realtime", 50),
        _limit("order_history", 50),
        _limit("execution_list", 50),
        _limit("wallet_balance", 50),
        _limit("coins_balance", 5),
        _limit("position_list", 50),
        _limit("transaction_log", 30),
        _limit("set_leverage", 10),
        _limit("set_margin_mode", 5),
        _limit("switch_mode", 10),
        _limit("inter_transfer", 60, s=60),
        _limit("query_api", 10),
    ),
)

BYBIT = VenueTraits(
    venue="bybit",
    origins=MappingProxyType({"rest": REST}),
    unsupported=MappingProxyType(
        {
            Feature.SPOT_TRIGGER_SIDE: "a spot trigger names no direction (triggerDirection is for contracts): one that"
            " the market has passed waits until the market comes back to it",
        }
    ),
    client_order_id_len_max=36,
    client_order_id_pattern=r"[a-zA-Z0-9_-]{1,36}",
    broker_prefix_pattern=r"[A-Za-z0-9_-]{0,8}",
    recv_window_ms=2000,
    connect_limit=RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 500, 300, f"{_DOCS}, WebSocket Connect", _AS_OF),
    qty_unit=QtyUnit.BASE,
    position_mode_scope=ModeScope.SYMBOL,
    margin_mode_scope=ModeScope.ACCOUNT,
    batch_max=BatchSizes(),
    acknowledges_fill=False,
    conditional_types=frozenset(kind for kind in OrderType if kind.conditional),
    wallets=frozenset({Wallet.SPOT, Wallet.FUNDING}),
    absence_age_s_min=600,
    fills_age_s_max=730 * 86_400,
    sources=MappingProxyType(
        {
            "client_order_id_len_max": Source(f"{_PLACE}: orderLinkId, at most 36 characters", _AS_OF),
            "client_order_id_pattern": Source(f"{_PLACE}: numbers, letters, dashes, underscores", _AS_OF),
            "broker_prefix_pattern": Source(f"{_DOCS}: the broker is told by the header Referer", _AS_OF),
            "recv_window_ms": Source(f"{_DOCS}, Integration Guidance; our choice below the 5000 by default", _AS_OF),
            "connect_limit": Source(f"{_DOCS}, WebSocket Connect: 500 in five minutes", _AS_OF),
            "qty_unit": Source(f"{_PLACE}: qty in base coin", _AS_OF),
            "position_mode_scope": Source(f"{_DOCS}, Switch Position Mode: of a symbol", _AS_OF),
            "margin_mode_scope": Source(f"{_DOCS}, Set Margin Mode: of the account", _AS_OF),
            "batch_max": Source(f"{_DOCS}, Batch Place Order: 20 or 10; one account rarely has two at once", _AS_OF),
            "acknowledges_fill": Source(f"{_PLACE}: the answer has ids alone", _AS_OF),
            "conditional_types": Source(f"{_PLACE}: triggerPrice", _AS_OF),
            "wallets": Source(f"{_DOCS}, Create Internal Transfer: UNIFIED and FUND", _AS_OF),
            "absence_age_s_min": Source(
                f"{_DOCS}, Get Order History: may lag, by how much is not told; ours, far below its 24 hours", _AS_OF
            ),
            "fills_age_s_max": Source(f"{_DOCS}, Get Trade History: up to two years", _AS_OF),
        }
    ),
)
