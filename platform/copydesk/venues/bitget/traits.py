"""Bitget's facts: id rules, modes, purses, and what is refused here. They hold for both kinds of account."""

from __future__ import annotations

from types import MappingProxyType

from copydesk.trading import OrderType
from copydesk.venues.bitget.endpoints import AS_OF, CLASSIC, GUIDE, UNIFIED
from copydesk.venues.model import Wallet
from copydesk.venues.traits import (
    BatchSizes,
    Feature,
    LimitScope,
    LimitUnit,
    ModeScope,
    QtyUnit,
    RateLimit,
    Source,
    VenueTraits,
)

_PLACE = f"{GUIDE}, Place order"
_AMEND_MAKES_ANOTHER = "a changed order is canceled and placed again under another id; v3 does not say otherwise"

EXCHANGE_WINDOW_MS = 30_000

BITGET = VenueTraits(
    venue="bitget",
    origins=MappingProxyType({"classic": CLASSIC, "unified": UNIFIED}),
    unsupported=MappingProxyType(
        {
            Feature.SPOT_AMEND: _AMEND_MAKES_ANOTHER,
            Feature.PERPETUAL_AMEND: _AMEND_MAKES_ANOTHER,
            Feature.SPOT_ATTACHED_EXITS: "only the classic spot wallet documents exits on an order",
            Feature.SPOT_MARKET_BUY: "a market buy on spot names what to spend, not how much to buy",
            Feature.SPOT_TRIGGER_SIDE: "a spot plan names no direction: one that is already behind the market waits for"
            " the price to come back",
            Feature.KEY_EXPIRY_NAMED: "the error codes name no expired key; one is answered as if it did not exist",
        }
    ),
    client_order_id_len_max=32,
    client_order_id_pattern=r"[a-zA-Z0-9_-]{1,32}",
    broker_prefix_pattern=r"[A-Za-z0-9_-]{0,8}",
    recv_window_ms=2000,
    connect_limit=RateLimit(
        LimitScope.IP, LimitUnit.REQUESTS, 300, 300, f"{GUIDE}, WebSocket: 300 connections in five minutes", AS_OF
    ),
    qty_unit=QtyUnit.BASE,
    position_mode_scope=ModeScope.PRODUCT,
    margin_mode_scope=ModeScope.ORDER,
    batch_max=BatchSizes(),
    acknowledges_fill=False,
    conditional_types=frozenset(kind for kind in OrderType if kind.conditional),
    wallets=frozenset(Wallet),
    absence_age_s_min=600,
    fills_age_s_max=90 * 86_400,
    sources=MappingProxyType(
        {
            "client_order_id_len_max": Source(f"{_PLACE}: clientOid, 32 on v3; v2 (error 40305) takes 50", AS_OF),
            "client_order_id_pattern": Source(f"{_PLACE}: clientOid on v3; a part of what it allows", AS_OF),
            "broker_prefix_pattern": Source(f"{GUIDE}: the broker is told by the header X-CHANNEL-API-CODE", AS_OF),
            "recv_window_ms": Source(
                f"{GUIDE}, Signature: 30 s around the server's time; our choice, by stamping what changes something so "
                "far back that only this is left",
                AS_OF,
            ),
            "connect_limit": Source(f"{GUIDE}, WebSocket, Connect", AS_OF),
            "qty_unit": Source(f"{_PLACE}: size and qty in base coin", AS_OF),
            "position_mode_scope": Source(f"{GUIDE}, Change hold mode: of a product; of the account on v3", AS_OF),
            "margin_mode_scope": Source(f"{_PLACE}: marginMode", AS_OF),
            "batch_max": Source(f"{GUIDE}, Batch order: 50; one account rarely has two at once", AS_OF),
            "acknowledges_fill": Source(f"{_PLACE}: the answer has ids alone", AS_OF),
            "conditional_types": Source(f"{GUIDE}, Place plan order, Place TP/SL order, Place strategy order", AS_OF),
            "wallets": Source(f"{GUIDE}, Transfer: spot, usdt_futures, p2p; a unified account has no FUTURES", AS_OF),
            "absence_age_s_min": Source(
                f"{GUIDE}, Get order info: no lag is told; ours, far below the 90 days that it tells", AS_OF
            ),
            "fills_age_s_max": Source(f"{GUIDE}, Get fills, Get order fill details, Get fill history: 90 days", AS_OF),
        }
    ),
)
