"""Replication: signals in, copies out, each with a receipt. Owns signals, deliveries, copies and books.

Must not know web, queue or process: what it needs from outside is in `port`.
"""

from copydesk.replication.ahead import Forerunner
from copydesk.replication.check import Reconciler
from copydesk.replication.dispatch import Sender
from copydesk.replication.drain import Drainer
from copydesk.replication.intake import (
    Leader,
    LeaderState,
    StoredSignal,
    begin_books,
    begun_symbols,
    store_trades,
)
from copydesk.replication.lane import Lanes
from copydesk.replication.leaders import (
    busy_lanes,
    due_lanes,
    lane_accounts,
    last_trade_at,
    live_leaders,
    record_equity,
)
from copydesk.replication.model import DEAD_KEY
from copydesk.replication.oversight import (
    LaneFigures,
    UnwatchedLeader,
    denial_counts,
    lane_figures,
    open_instruments,
    signal_count,
    unsettled_count,
    unwatched_leaders,
)
from copydesk.replication.port import Exchange, Surroundings, Terms, Timing
from copydesk.replication.prepare import Preparer
from copydesk.replication.settings import (
    COALESCE_MS,
    EQUITY_SAMPLE_MS,
    LEASE_MS,
    LEVERAGE_MAX,
    RECONCILE_EVERY_MS,
    SHARDS,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    UNKNOWN_WAIT_MS,
    WAKE_AFTER_MS,
)
from copydesk.replication.setups import Bounds, LeaderSetupSeen, note_setups, seen_setups, unprepared_lanes
from copydesk.replication.subscribe import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.replication.tables import Copy, Strategy, Subscription

__all__ = [
    "COALESCE_MS",
    "DEAD_KEY",
    "EQUITY_SAMPLE_MS",
    "LEASE_MS",
    "LEVERAGE_MAX",
    "RECONCILE_EVERY_MS",
    "SHARDS",
    "SIGNAL_AGE_MS_MAX",
    "SLIPPAGE_BPS_MAX",
    "UNKNOWN_WAIT_MS",
    "WAKE_AFTER_MS",
    "Bounds",
    "Copy",
    "Drainer",
    "Exchange",
    "Forerunner",
    "LaneFigures",
    "Lanes",
    "Leader",
    "LeaderSetupSeen",
    "LeaderState",
    "NewStrategy",
    "NewSubscription",
    "Preparer",
    "Reconciler",
    "Sender",
    "StoredSignal",
    "Strategy",
    "Subscription",
    "Surroundings",
    "Terms",
    "Timing",
    "UnwatchedLeader",
    "add_strategy",
    "begin_books",
    "begun_symbols",
    "busy_lanes",
    "denial_counts",
    "due_lanes",
    "lane_accounts",
    "lane_figures",
    "last_trade_at",
    "live_leaders",
    "note_setups",
    "open_instruments",
    "record_equity",
    "seen_setups",
    "shard_of",
    "signal_count",
    "store_trades",
    "subscribe",
    "unprepared_lanes",
    "unsettled_count",
    "unwatched_leaders",
]
