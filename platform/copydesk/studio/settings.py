"""Settings of the studio: how long probation is, and the bounds of what traders may ask of followers."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import Setting, registry

PROBATION_DAYS = registry.declare(
    Setting(
        "studio.probation_days",
        default=30,
        minimum=0,
        maximum=365,
        help="How long an approved strategy is on probation; then it is live by itself, unless it was suspended. "
        "At 0 an approved strategy is live at once.",
        unit="days",
    )
)
MIN_ALLOCATION_MAX = registry.declare(
    Setting(
        "studio.min_allocation_max",
        default=Decimal(10_000),
        minimum=Decimal(0),
        maximum=Decimal(10_000_000),
        help="The largest minimum allocation that a trader may ask of followers, in the brand's quote currency.",
    )
)
FOLLOWERS_MAX = registry.declare(
    Setting(
        "studio.followers_max",
        default=1_000,
        minimum=1,
        maximum=1_000_000,
        help="The most followers that a trader may have a strategy take.",
    )
)
PRIVATE_ALLOWED = registry.declare(
    Setting(
        "studio.private_strategies",
        default=True,
        help="Let traders publish strategies that only invited people see and copy.",
    )
)
SLIPPAGE_BPS_BOUND = registry.declare(
    Setting(
        "studio.slippage_bps_bound",
        default=25,
        minimum=1,
        maximum=1_000,
        help="The median slippage of copies at which a strategy is full: its capacity is the total allocation there.",
        unit="basis points",
    )
)
