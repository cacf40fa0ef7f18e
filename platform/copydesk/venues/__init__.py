"""Exchanges: the trading port, the leader stream, and the Binance spot adapter.

Owns every byte exchanged with an exchange, its rate budget and what its answers prove. Decides nothing about
copying, stores nothing and keeps no key. The simulated exchange in `lab` is a stranger: neither imports the other.
"""

from copydesk.venues.binance import BinanceSpot
from copydesk.venues.budget import RateBudget
from copydesk.venues.http_pool import PoolLimits
from copydesk.venues.model import (
    Balance,
    KeyScope,
    LeaderTrade,
    Outcome,
    StreamEvent,
    StreamState,
    SubmitResult,
)
from copydesk.venues.port import LeaderStream, Venue
from copydesk.venues.stream import BinanceStream, StreamTiming
from copydesk.venues.traits import BINANCE_SPOT, TRAITS, VenueTraits, client_order_id
from copydesk.venues.urls import VenueUrls

__all__ = [
    "BINANCE_SPOT",
    "TRAITS",
    "Balance",
    "BinanceSpot",
    "BinanceStream",
    "KeyScope",
    "LeaderStream",
    "LeaderTrade",
    "Outcome",
    "PoolLimits",
    "RateBudget",
    "StreamEvent",
    "StreamState",
    "StreamTiming",
    "SubmitResult",
    "Venue",
    "VenueTraits",
    "VenueUrls",
    "client_order_id",
]
