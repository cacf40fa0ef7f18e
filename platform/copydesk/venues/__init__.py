"""Exchanges: the trading port, the leader stream, and the adapters behind them.

Owns every byte exchanged with an exchange, its rate budget and what its answers prove. Decides nothing about
copying, stores nothing and keeps no key. The simulated exchange in `lab` is a stranger: neither imports the other.
"""

from copydesk.venues.binance.traits import BINANCE
from copydesk.venues.candles import Candle, Interval
from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.draw import Draw, drawing_on
from copydesk.venues.client.http_pool import PoolLimits
from copydesk.venues.client.patience import Patience
from copydesk.venues.client.signatures import get_ready_to_sign
from copydesk.venues.exchanges import EXCHANGES, TRAITS, budgets_of, open_market_stream, open_stream, open_venue
from copydesk.venues.key_pairs import KIND_OF, KeyPair, generate
from copydesk.venues.model import (
    UNNAMED,
    Amendment,
    Balance,
    Depth,
    FeedState,
    FundingPayment,
    FundingRate,
    KeyScope,
    LeaderTrade,
    Liquidity,
    OrderFact,
    Outcome,
    Position,
    Price,
    PriceEvent,
    StreamEvent,
    StreamState,
    StreamTiming,
    SubmitResult,
    Wallet,
)
from copydesk.venues.port import LeaderStream, MarketStream, Venue
from copydesk.venues.signer import ANY_ORDER, NO_ORDER, OrderPolicy, Signer, SigningRules
from copydesk.venues.symbols import SymbolMap
from copydesk.venues.traits import Feature, ModeScope, QtyUnit, VenueTraits, client_order_id, client_order_ids
from copydesk.venues.urls import VenueUrls
from copydesk.venues.verdict import KeyVerdict, key_verdict

__all__ = [
    "ANY_ORDER",
    "BINANCE",
    "EXCHANGES",
    "KIND_OF",
    "NO_ORDER",
    "TRAITS",
    "UNNAMED",
    "Amendment",
    "Balance",
    "Candle",
    "Depth",
    "Draw",
    "Feature",
    "FeedState",
    "FundingPayment",
    "FundingRate",
    "Interval",
    "KeyPair",
    "KeyScope",
    "KeyVerdict",
    "LeaderStream",
    "LeaderTrade",
    "Liquidity",
    "MarketStream",
    "ModeScope",
    "OrderFact",
    "OrderPolicy",
    "Outcome",
    "Patience",
    "PoolLimits",
    "Position",
    "Price",
    "PriceEvent",
    "QtyUnit",
    "RateBudget",
    "Signer",
    "SigningRules",
    "StreamEvent",
    "StreamState",
    "StreamTiming",
    "SubmitResult",
    "SymbolMap",
    "Venue",
    "VenueTraits",
    "VenueUrls",
    "Wallet",
    "budgets_of",
    "client_order_id",
    "client_order_ids",
    "drawing_on",
    "generate",
    "get_ready_to_sign",
    "key_verdict",
    "open_market_stream",
    "open_stream",
    "open_venue",
]
