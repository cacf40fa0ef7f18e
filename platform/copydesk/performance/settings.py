"""Settings of the ranking, and of the check of all figures.

A brand weighs the parts of the score and sets its gates; both are public on its site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from copydesk.kernel import Misfit, Said, Setting, registry

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _time_misfits(value: str, _said: Said) -> Iterable[Misfit]:
    if not _TIME.fullmatch(value):
        yield Misfit("a time of day such as 03:30", repr(value))


def _weight(name: str, default: int, counts: str) -> Setting:
    return registry.declare(
        Setting(
            f"ranking.weight_{name}",
            default=default,
            minimum=0,
            maximum=100,
            help=f"Weight in the score of {counts}. A weight counts as its share of the sum of all weights.",
        )
    )


WEIGHT_RISK_ADJUSTED = _weight("risk_adjusted", 30, "the risk-adjusted return (Sortino ratio)")
WEIGHT_FOLLOWERS = _weight("followers", 20, "what followers really earned, after fees")
WEIGHT_DRAWDOWN = _weight("drawdown", 20, "drawdown control")
WEIGHT_LENGTH = _weight("length", 10, "the length of the record")
WEIGHT_OWN_STAKE = _weight("own_stake", 10, "the trader's own money in the strategy")
WEIGHT_FIDELITY = _weight("fidelity", 10, "how faithfully copies followed")
WEIGHT_POPULARITY = _weight("popularity", 0, "the number of followers; at 0 popularity counts for nothing")
DAYS_MIN = registry.declare(
    Setting(
        "ranking.days_min",
        default=30,
        minimum=30,
        maximum=3_650,
        help="Days of record that a strategy must have to be ranked.",
        unit="days",
    )
)
CLOSED_MIN = registry.declare(
    Setting(
        "ranking.closed_min",
        default=20,
        minimum=20,
        maximum=10_000,
        help="Closed positions that a strategy must have to be ranked.",
    )
)
DRAWDOWN_RATIO_MAX = registry.declare(
    Setting(
        "ranking.drawdown_ratio_max",
        default=Decimal("0.5"),
        minimum=Decimal("0.05"),
        maximum=Decimal(1),
        help="Deepest fall that a ranked strategy may have had.",
    )
)
RISK_MAX = registry.declare(
    Setting(
        "ranking.risk_max",
        default=9,
        minimum=1,
        maximum=10,
        help="Highest risk score, from 1 to 10, that a ranked strategy may have.",
    )
)
CHECK_AT = registry.declare(
    Setting(
        "analytics.check_at",
        default="03:30",
        scope="installation",
        help="When, in UTC, the worker computes every stored figure anew from its raw rows each day, and compares.",
        check=_time_misfits,
    )
)
