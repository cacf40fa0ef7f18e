"""Replication: signals in, copies out, each with a receipt. Owns signals, deliveries, copies and books.

Must not know web, queue or process: what it needs from outside is in `port`.
"""

from copydesk.replication.act_history import acts_of, news_for
from copydesk.replication.ahead import Forerunner
from copydesk.replication.allocating import excesses, require_allocation
from copydesk.replication.changeover import Changeover, switch_copies
from copydesk.replication.check import Reconciler
from copydesk.replication.deliveries import crowd_version, is_due
from copydesk.replication.dispatch import Sender
from copydesk.replication.doors import Doorway, closed_doors
from copydesk.replication.drain import Drainer
from copydesk.replication.earnings import BookEarnings, SubscriptionEarnings, read_earnings
from copydesk.replication.equity_line import (
    EquitySeen,
    LiveStrategy,
    TradeSeen,
    equity_history,
    equity_since,
    leader_trades_since,
    live_strategies,
)
from copydesk.replication.evidence import explanation_of, last_signal
from copydesk.replication.explain import CopyTold, Explanation
from copydesk.replication.exposure import Exposure, HeldBook, Traces, changed_since, read_exposures, traces_now
from copydesk.replication.intake import (
    Leader,
    LeaderState,
    Reach,
    StoredSignal,
    begin_books,
    begun_symbols,
    store_trades,
)
from copydesk.replication.joining_limits import NEW, limits_on_joining, read_joining_limits
from copydesk.replication.kinship import identify, kinship_denial, kinship_denials
from copydesk.replication.lane import Lanes
from copydesk.replication.late import Leads, Standing
from copydesk.replication.leader_events import (
    LeaderChange,
    LeaderEventShown,
    leader_changes,
    leader_event,
    leader_events,
    leader_positions,
    margin_moved,
    store_leader_positions,
)
from copydesk.replication.leader_trades import trades_since
from copydesk.replication.leaders import (
    busy_lanes,
    due_lanes,
    lane_accounts,
    last_trade_at,
    live_leaders,
    record_equity,
)
from copydesk.replication.lifecycle import (
    Leaving,
    close_strategy,
    doorway,
    end_subscription,
    pause,
    pause_strategy,
    reattach,
    resume,
    resume_strategy,
    suspend_strategy,
)
from copydesk.replication.likenesses import keep_likenesses, pairs_together
from copydesk.replication.limit_standing import Stands, standing_now
from copydesk.replication.limited import told_facts
from copydesk.replication.liquidation_picture import CopiedPerpetual, Stand, read_perpetuals
from copydesk.replication.liquidations import LiquidationSeen, liquidations_since
from copydesk.replication.mirror import Mirror
from copydesk.replication.model import DEAD_KEY, Bound, Limits, No
from copydesk.replication.order_intake import StoredOrder, end_missing, note_hearing, store_orders
from copydesk.replication.order_tables import LeaderOrder, OrderDelivery, RestingOrder
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
from copydesk.replication.past import Past, read_past
from copydesk.replication.port import Exchange, Surroundings, Terms, Timing
from copydesk.replication.position_stops import PositionStop, StopStanding, stop_standings
from copydesk.replication.prepare import Preparer
from copydesk.replication.preview import JoinLine, Wanted, join_preview
from copydesk.replication.protective import (
    EXCHANGE_STOP,
    NewStop,
    Progress,
    Protective,
    book_filled,
    note_progress,
    open_stops,
    store_stops,
)
from copydesk.replication.protective_answers import Filled, StopAnswer, after_look, after_placing
from copydesk.replication.purse_reader import PurseReader, read_wallets
from copydesk.replication.purses import Wallets, is_of_purse, lanes_with_due_purses, note_wallets
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.resting_lines import RestingLine
from copydesk.replication.risk_picture import (
    Adrift,
    Held,
    Near,
    RiskOversight,
    RiskPicture,
    read_oversight,
    read_picture,
)
from copydesk.replication.risk_tables import AccountPurse, StrategyLikeness
from copydesk.replication.roster import (
    AccountPlace,
    InstrumentLine,
    StrategyKeys,
    StrategyLine,
    SubscriptionLine,
    account_place,
    follower_of,
    strategy_keys,
    strategy_lines,
    subscription_lines,
)
from copydesk.replication.settings import (
    CARRY_S_MAX,
    COALESCE_MS,
    EQUITY_SAMPLE_MS,
    EXPOSURE_MAX,
    LEASE_MS,
    LEVERAGE_MAX,
    MARGIN_MODE,
    MARK_BPS_MAX,
    ORDER_LOOK_MS,
    RECONCILE_EVERY_MS,
    ROUND_UP_RATIO_MAX,
    SHARDS,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    UNKNOWN_WAIT_MS,
    WAKE_AFTER_MS,
)
from copydesk.replication.setups import Bounds, LeaderSetupSeen, note_setups, seen_setups, unprepared_lanes
from copydesk.replication.shards import Whereabouts, place_of, shard_of, whereabouts_of
from copydesk.replication.standing_picture import StandingPicture, read_standing
from copydesk.replication.standings import leader_in_figures, standings
from copydesk.replication.stop_fills import StopFill, read_stop_fills
from copydesk.replication.stop_orders import Remainder
from copydesk.replication.stop_preview import Exposed, SwitchPreview, preview_stop, preview_switch, together
from copydesk.replication.stopper import Fire, Stopper
from copydesk.replication.stopping import Stopped, carry_out, concerns, copying, in_use, stop_everything
from copydesk.replication.stops import soft_stop
from copydesk.replication.strategy_news import News, NewsKind, news_of_strategy, tell_news
from copydesk.replication.subscribe import (
    NewStrategy,
    NewSubscription,
    add_strategy,
    open_to_followers,
    subscribe,
)
from copydesk.replication.suitability import Suitability, needs_of, probe_account, suitability
from copydesk.replication.tables import Copy, Strategy, Subscription

__all__ = [
    "CARRY_S_MAX",
    "COALESCE_MS",
    "DEAD_KEY",
    "EQUITY_SAMPLE_MS",
    "EXCHANGE_STOP",
    "EXPOSURE_MAX",
    "LEASE_MS",
    "LEVERAGE_MAX",
    "MARGIN_MODE",
    "MARK_BPS_MAX",
    "NEW",
    "ORDER_LOOK_MS",
    "RECONCILE_EVERY_MS",
    "ROUND_UP_RATIO_MAX",
    "SHARDS",
    "SIGNAL_AGE_MS_MAX",
    "SLIPPAGE_BPS_MAX",
    "UNKNOWN_WAIT_MS",
    "WAKE_AFTER_MS",
    "AccountPlace",
    "AccountPurse",
    "Adrift",
    "BookEarnings",
    "Bound",
    "Bounds",
    "Changeover",
    "CopiedPerpetual",
    "Copy",
    "CopyTold",
    "Doorway",
    "Drainer",
    "EquitySeen",
    "Exchange",
    "Explanation",
    "Exposed",
    "Exposure",
    "Filled",
    "Fire",
    "Forerunner",
    "Held",
    "HeldBook",
    "InstrumentLine",
    "JoinLine",
    "LaneFigures",
    "Lanes",
    "Leader",
    "LeaderChange",
    "LeaderEventShown",
    "LeaderOrder",
    "LeaderSetupSeen",
    "LeaderState",
    "Leads",
    "Leaving",
    "Limits",
    "LiquidationSeen",
    "LiveStrategy",
    "Mirror",
    "Near",
    "NewStop",
    "NewStrategy",
    "NewSubscription",
    "News",
    "NewsKind",
    "No",
    "OrderDelivery",
    "Past",
    "PositionStop",
    "Preparer",
    "Progress",
    "Protective",
    "PurseReader",
    "Reach",
    "Reconciler",
    "Remainder",
    "RestingLine",
    "RestingOrder",
    "RiskOversight",
    "RiskPicture",
    "Sender",
    "Stand",
    "Standing",
    "StandingPicture",
    "Stands",
    "StopAnswer",
    "StopFill",
    "StopStanding",
    "Stopped",
    "Stopper",
    "StoredOrder",
    "StoredSignal",
    "Strategy",
    "StrategyKeys",
    "StrategyLikeness",
    "StrategyLine",
    "Subscription",
    "SubscriptionEarnings",
    "SubscriptionLine",
    "Suitability",
    "Surroundings",
    "SwitchPreview",
    "Terms",
    "Timing",
    "Traces",
    "TradeSeen",
    "UnwatchedLeader",
    "Wallets",
    "Wanted",
    "Whereabouts",
    "account_place",
    "acts_of",
    "add_strategy",
    "after_look",
    "after_placing",
    "begin_books",
    "begun_symbols",
    "book_filled",
    "busy_lanes",
    "carry_out",
    "changed_since",
    "close_strategy",
    "closed_doors",
    "concerns",
    "copying",
    "crowd_version",
    "denial_counts",
    "doorway",
    "due_lanes",
    "end_missing",
    "end_subscription",
    "equity_history",
    "equity_since",
    "excesses",
    "explanation_of",
    "follower_of",
    "identify",
    "in_use",
    "is_due",
    "is_of_purse",
    "join_preview",
    "keep_likenesses",
    "kinship_denial",
    "kinship_denials",
    "lane_accounts",
    "lane_figures",
    "lanes_with_due_purses",
    "last_signal",
    "last_trade_at",
    "leader_changes",
    "leader_event",
    "leader_events",
    "leader_in_figures",
    "leader_positions",
    "leader_trades_since",
    "limits_on_joining",
    "liquidations_since",
    "live_leaders",
    "live_strategies",
    "margin_moved",
    "needs_of",
    "news_for",
    "news_of_strategy",
    "note_hearing",
    "note_progress",
    "note_setups",
    "note_wallets",
    "open_instruments",
    "open_stops",
    "open_to_followers",
    "pairs_together",
    "pause",
    "pause_strategy",
    "place_of",
    "preview_stop",
    "preview_switch",
    "probe_account",
    "read_earnings",
    "read_exposures",
    "read_joining_limits",
    "read_oversight",
    "read_past",
    "read_perpetuals",
    "read_picture",
    "read_standing",
    "read_stop_fills",
    "read_wallets",
    "reattach",
    "recall_orders",
    "record_equity",
    "require_allocation",
    "resume",
    "resume_strategy",
    "seen_setups",
    "shard_of",
    "signal_count",
    "soft_stop",
    "standing_now",
    "standings",
    "stop_everything",
    "stop_standings",
    "store_leader_positions",
    "store_orders",
    "store_stops",
    "store_trades",
    "strategy_keys",
    "strategy_lines",
    "subscribe",
    "subscription_lines",
    "suitability",
    "suspend_strategy",
    "switch_copies",
    "tell_news",
    "together",
    "told_facts",
    "traces_now",
    "trades_since",
    "unprepared_lanes",
    "unsettled_count",
    "unwatched_leaders",
    "whereabouts_of",
]
