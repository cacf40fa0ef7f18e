"""Settings of replication; defaults suit one machine, a brand may tighten what is its own."""

from __future__ import annotations

from copydesk.kernel import Setting, registry

SLIPPAGE_BPS_MAX = registry.declare(
    Setting(
        "replication.slippage_bps_max",
        default=50,
        minimum=1,
        maximum=300,
        help="How far, in basis points, an opening copy may pay beyond the trader's price; closes are not bound.",
        unit="bps",
    )
)
SIGNAL_AGE_MS_MAX = registry.declare(
    Setting(
        "replication.signal_age_ms_max",
        default=20_000,
        minimum=500,
        maximum=600_000,
        help="Oldest trade, in milliseconds since the trader's execution, that may still be opened; closes always go.",
        unit="ms",
    )
)
LEVERAGE_MAX = registry.declare(
    Setting(
        "replication.leverage_max",
        default=5,
        minimum=1,
        maximum=125,
        help="Highest leverage that a follower's account is set to for a perpetual; a trader's lower one is followed.",
        unit="×",
        sensitive=True,
    )
)
MARGIN_MODE = registry.declare(
    Setting(
        "replication.margin_mode",
        default="cross",
        choices=("cross", "isolated"),
        help="What stands behind a follower's perpetual: all the account's money (cross), or the position's own margin "
        "alone (isolated). A position keeps the mode that it was opened in.",
    )
)
ROUND_UP_RATIO_MAX = registry.declare(
    Setting(
        "replication.round_up_ratio_max",
        default=2,
        minimum=1,
        maximum=10,
        help="How many times its share an order may be at most that is raised to the exchange's smallest one, where a "
        "follower chose that.",
        unit="×",
    )
)
CARRY_S_MAX = registry.declare(
    Setting(
        "replication.carry_s_max",
        default=3_600,
        minimum=0,
        maximum=604_800,
        help="How long, in seconds, shares too small for an order are carried on and added to the trader's next ones.",
        unit="s",
    )
)
MARK_BPS_MAX = registry.declare(
    Setting(
        "replication.mark_bps_max",
        default=1_000,
        minimum=50,
        maximum=10_000,
        help="A trade whose price is further from the market's than this, in basis points, is not believed: it opens "
        "nothing.",
        unit="bps",
        sensitive=True,
    )
)
EXPOSURE_MAX = registry.declare(
    Setting(
        "replication.exposure_max",
        default=125,
        minimum=1,
        maximum=1_000,
        help="A position worth more than this many times the trader's equity is not believed: it opens nothing.",
        unit="×",
        sensitive=True,
    )
)
COALESCE_MS = registry.declare(
    Setting(
        "replication.coalesce_ms",
        default=2,
        minimum=0,
        maximum=1_000,
        scope="installation",
        help="How long the listener gathers further executions of one order before it stores a signal.",
    )
)
SHARDS = registry.declare(
    Setting(
        "replication.shards",
        default=1,
        minimum=1,
        maximum=256,
        scope="installation",
        help="Lanes per exchange over which new follower accounts are spread; one worker drains a lane at a time.",
    )
)
LEASE_MS = registry.declare(
    Setting(
        "replication.lease_ms",
        default=3_000,
        minimum=500,
        maximum=60_000,
        scope="installation",
        help="How long a worker owns a lane without renewing; after a crash another takes over no sooner.",
    )
)
WAKE_AFTER_MS = registry.declare(
    Setting(
        "replication.wake_after_ms",
        default=250,
        minimum=50,
        maximum=10_000,
        scope="installation",
        help="Age at which the relay wakes a lane again for a delivery that nobody drained.",
    )
)
RECONCILE_EVERY_MS = registry.declare(
    Setting(
        "replication.reconcile_every_ms",
        default=10_000,
        minimum=1_000,
        maximum=600_000,
        scope="installation",
        help="How often books are held against the exchange.",
    )
)
UNKNOWN_WAIT_MS = registry.declare(
    Setting(
        "replication.unknown_wait_ms",
        default=3_000,
        minimum=2_500,
        maximum=60_000,
        scope="installation",
        help="How long after sending an order of unknown outcome 'the exchange has none' counts as proof; "
        "longer than the receive window of two seconds.",
    )
)
EQUITY_SAMPLE_MS = registry.declare(
    Setting(
        "replication.equity_sample_ms",
        default=5_000,
        minimum=500,
        maximum=600_000,
        scope="installation",
        help="How often the listener reads a trader's balances and records the strategy's equity.",
    )
)
ORDER_LOOK_MS = registry.declare(
    Setting(
        "replication.order_look_ms",
        default=30_000,
        minimum=1_000,
        maximum=600_000,
        scope="installation",
        help="How often a follower's resting order is read while the trader's neither fills nor changes.",
    )
)
