"""OKX's facts: id rules, modes, rate limits and the allowed endpoints."""

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
_DOCS = "OKX API guide v5"
_PLACE = f"{_DOCS}, Place order"


def _limit(group: str, count: int, scope: LimitScope, *, unit: LimitUnit = LimitUnit.REQUESTS, s: int = 2) -> RateLimit:
    source = f"{_DOCS}, rate limit of {group.replace('_', ' ')}; not said from when on it counts"
    return RateLimit(scope, unit, count, s, source, _AS_OF, group, rolling=True)


def _read(path: str, *groups: str, settles: bool = False) -> Endpoint:
    return Endpoint("GET", f"/api/v5/{path}", settles=settles, groups=groups)


def _write(path: str, *groups: str, orders: int = 0) -> Endpoint:
    return Endpoint("POST", f"/api/v5/{path}", orders=orders, groups=groups)


_WALLETS = frozenset({"6", "18"})  # Funding and trading.
_OWN_WALLETS = MappingProxyType(
    {"type": frozenset({"0"}), "from": _WALLETS, "to": _WALLETS, "ccy": ANY, "amt": ANY},
)

REST = OriginRules(
    endpoints=MappingProxyType(
        {
            "time": _read("public/time", "time", settles=True),
            "instruments": _read("public/instruments", "instruments"),
            "prices": _read("market/tickers", "tickers"),
            "depth": _read("market/books", "books"),
            "day": _read("market/ticker", "ticker"),
            "candles": _read("market/candles", "candles"),
            "funding_rate": _read("public/funding-rate", "funding_rate"),
            "brackets": _read("public/position-tiers", "position_tiers"),
            "submit": _write("trade/order", "place_order", "sub_account", orders=1),
            "test_order": Endpoint("POST", "/api/v5/trade/order-precheck", groups=("order_precheck",), asks=True),
            "amend": _write("trade/amend-order", "amend_order", "sub_account", orders=1),
            "query": _read("trade/order", "order_details", settles=True),
            "cancel": _write("trade/cancel-order", "cancel_order"),
            "cancel_batch": _write("trade/cancel-batch-orders", "cancel_batch"),
            "open_orders": _read("trade/orders-pending", "order_list"),
            "submit_conditional": _write("trade/order-algo", "place_algo", orders=1),
            "query_conditional": _read("trade/order-algo", "algo_details", settles=True),
            "cancel_conditional": _write("trade/cancel-algos", "cancel_algo"),
            "open_conditional": _read("trade/orders-algo-pending", "algo_list"),
            "fills": _read("trade/fills", "fills", settles=True),
            "fills_old": _read("trade/fills-history", "fills_history", settles=True),
            "trades": _read("trade/fills", "fills"),
            "trades_old": _read("trade/fills-history", "fills_history"),
            "balances": _read("account/balance", "balance"),
            "funding_balances": _read("asset/balances", "funding_balances"),
            "positions": _read("account/positions", "positions"),
            "funding": _read("account/bills-archive", "bills_archive"),
            "leverage": _write("account/set-leverage", "leverage"),
            "position_mode": _write("account/set-position-mode", "position_mode"),
            # Between the wallets of one account: other types name another.
            "transfer": Endpoint("POST", "/api/v5/asset/transfer", groups=("transfer",), takes=_OWN_WALLETS),
            "key_scope": _read("account/config", "account_config"),
        }
    ),
    rate_limits=(
        _limit("time", 10, LimitScope.IP),
        _limit("instruments", 20, LimitScope.IP),
        _limit("tickers", 20, LimitScope.IP),
        _limit("books", 40, LimitScope.IP),
        _limit("ticker", 20, LimitScope.IP),
        _limit("candles", 40, LimitScope.IP),
        _limit("position_tiers", 10, LimitScope.IP),
        _limit("funding_rate", 10, LimitScope.IP),
        _limit("place_order", 60, LimitScope.KEY_SYMBOL, unit=LimitUnit.ORDERS),
        _limit("order_precheck", 5, LimitScope.KEY),
        _limit("amend_order", 60, LimitScope.KEY_SYMBOL, unit=LimitUnit.ORDERS),
        _limit("sub_account", 1000, LimitScope.KEY, unit=LimitUnit.ORDERS),
        _limit("order_details", 60, LimitScope.KEY_SYMBOL),
        _limit("cancel_order", 60, LimitScope.KEY_SYMBOL),
        _limit("cancel_batch", 15, LimitScope.KEY_SYMBOL),  # 300 orders in requests of 20.
        _limit("order_list", 60, LimitScope.KEY),
        _limit("place_algo", 20, LimitScope.KEY_SYMBOL, unit=LimitUnit.ORDERS),
        _limit("algo_details", 20, LimitScope.KEY),
        _limit("cancel_algo", 20, LimitScope.KEY),
        _limit("algo_list", 20, LimitScope.KEY),
        _limit("fills", 60, LimitScope.KEY),
        _limit("fills_history", 10, LimitScope.KEY),
        _limit("balance", 10, LimitScope.KEY),
        _limit("funding_balances", 6, LimitScope.KEY, s=1),
        _limit("positions", 10, LimitScope.KEY),
        _limit("bills_archive", 5, LimitScope.KEY),
        _limit("leverage", 40, LimitScope.KEY),
        _limit("position_mode", 5, LimitScope.KEY),
        _limit("transfer", 2, LimitScope.KEY, s=1),
        _limit("account_config", 5, LimitScope.KEY),
    ),
)

OKX = VenueTraits(
    venue="okx",
    origins=MappingProxyType({"rest": REST}),
    unsupported=MappingProxyType(
        {
            Feature.KEY_EXPIRY_NAMED: "a key that OKX has deleted, as it does with unbound ones left unused, is"
            " answered as one that never was (50119)",
            Feature.KEY_TRANSFER_RIGHT: "no right of its own: `trade` moves money between the account's wallets, and"
            " only `withdraw` out of it",
        }
    ),
    client_order_id_len_max=32,
    client_order_id_pattern=r"[a-zA-Z0-9]{1,32}",
    broker_prefix_pattern=r"[A-Za-z0-9]{0,8}",
    recv_window_ms=2000,
    connect_limit=RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 3, 1, f"{_DOCS}, WebSocket, Connect", _AS_OF),
    qty_unit=QtyUnit.CONTRACTS,
    position_mode_scope=ModeScope.ACCOUNT,
    margin_mode_scope=ModeScope.ORDER,
    batch_max=BatchSizes(),
    acknowledges_fill=False,
    conditional_types=frozenset(kind for kind in OrderType if kind.conditional),
    wallets=frozenset({Wallet.SPOT, Wallet.FUNDING}),
    absence_age_s_min=600,
    fills_age_s_max=90 * 86_400,
    sources=MappingProxyType(
        {
            "client_order_id_len_max": Source(f"{_PLACE}: clOrdId up to 32 characters", _AS_OF),
            "client_order_id_pattern": Source(f"{_PLACE}: clOrdId, case-sensitive alphanumerics", _AS_OF),
            "broker_prefix_pattern": Source(f"{_PLACE}: the broker is told by `tag`, the prefix is ours", _AS_OF),
            "recv_window_ms": Source(f"{_DOCS}, expTime: our choice; the exchange alone would allow 30 s", _AS_OF),
            "connect_limit": Source(f"{_DOCS}, WebSocket, Connect: 3 requests a second by address", _AS_OF),
            "qty_unit": Source(f"{_PLACE}: sz in contracts for swaps", _AS_OF),
            "position_mode_scope": Source(f"{_DOCS}, Set position mode", _AS_OF),
            "margin_mode_scope": Source(f"{_PLACE}: tdMode", _AS_OF),
            "batch_max": Source(f"{_DOCS}, Place multiple orders: 20; one account rarely has two at once", _AS_OF),
            "acknowledges_fill": Source(f"{_PLACE}: the answer has ids and sCode alone", _AS_OF),
            "conditional_types": Source(f"{_DOCS}, Place algo order: conditional", _AS_OF),
            "wallets": Source(f"{_DOCS}, Funds transfer: 6 funding, 18 trading account", _AS_OF),
            "absence_age_s_min": Source(
                f"{_DOCS}, Order details: no lag is told; ours, far below the two hours until it forgets", _AS_OF
            ),
            "fills_age_s_max": Source(f"{_DOCS}, Transaction details (last 3 months)", _AS_OF),
        }
    ),
)
