"""The shared language of trading: instruments, orders, fills, denials. Pure values, no I/O."""

from copydesk.trading.model import (
    TERMINAL,
    Credentials,
    Denial,
    Environment,
    Fill,
    Instrument,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    Side,
    SizingMode,
    SubscriptionState,
    TimeInForce,
    can_follow,
)

__all__ = [
    "TERMINAL",
    "Credentials",
    "Denial",
    "Environment",
    "Fill",
    "Instrument",
    "OrderRequest",
    "OrderStatus",
    "OrderType",
    "OrderView",
    "Side",
    "SizingMode",
    "SubscriptionState",
    "TimeInForce",
    "can_follow",
]
