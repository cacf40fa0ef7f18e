"""The trader's terminal: orders that a person gives by hand on their own exchange account, stored first, then sent.

Owns what a ticket means, what an order by hand is and became, and what is shown of an account while somebody looks.
Pages write rows and read them; the desk in the listener, which may open keys, sends. Copies nothing: what the orders
do, the leader's stream tells replication as it tells of any other trade (platform/docs/terminal.md).

Parts are loaded when they are first used: every role that reads settings comes by here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.terminal.below import BelowMinimum, Follower, below_minimum
    from copydesk.terminal.estimate import Estimate, Held, estimate_of
    from copydesk.terminal.model import (
        ENDED,
        OPEN_STATES,
        Act,
        ActKind,
        ActState,
        Ended,
        HandOrder,
        OrderState,
        Part,
        Planned,
        Problem,
        Problems,
    )
    from copydesk.terminal.news import CHANNEL, publish_to, read_news
    from copydesk.terminal.ticket import Rules, Ticket, read_exits, read_leverage, read_ticket
    from copydesk.terminal.view import AccountView, BookView, HeldPosition, OpenOrder

__all__ = [
    "CHANNEL",
    "ENDED",
    "OPEN_STATES",
    "AccountView",
    "Act",
    "ActKind",
    "ActState",
    "BelowMinimum",
    "BookView",
    "Ended",
    "Estimate",
    "Follower",
    "HandOrder",
    "Held",
    "HeldPosition",
    "OpenOrder",
    "OrderState",
    "Part",
    "Planned",
    "Problem",
    "Problems",
    "Rules",
    "Ticket",
    "below_minimum",
    "estimate_of",
    "publish_to",
    "read_exits",
    "read_leverage",
    "read_news",
    "read_ticket",
]
_HOMES = {
    "below": (
        "BelowMinimum",
        "Follower",
        "below_minimum",
    ),
    "estimate": (
        "Estimate",
        "Held",
        "estimate_of",
    ),
    "model": (
        "ENDED",
        "OPEN_STATES",
        "Act",
        "ActKind",
        "ActState",
        "Ended",
        "HandOrder",
        "OrderState",
        "Part",
        "Planned",
        "Problem",
        "Problems",
    ),
    "news": (
        "CHANNEL",
        "publish_to",
        "read_news",
    ),
    "ticket": (
        "Rules",
        "Ticket",
        "read_exits",
        "read_leverage",
        "read_ticket",
    ),
    "view": (
        "AccountView",
        "BookView",
        "HeldPosition",
        "OpenOrder",
    ),
}


def __getattr__(name: str) -> object:
    """Load a part from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
