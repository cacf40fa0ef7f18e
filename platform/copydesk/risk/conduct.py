"""How a trader behaves: compared with the same trader's last 90 days, and two habits that end accounts. Pure.

A change of behavior is no breach; it is told, with what changed and by how much. All comparisons are robust: medians,
and the median of the deviations from them (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993), so that a
single odd trade neither makes the profile nor the alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.habits import Flag, Sentence
from copydesk.risk.trades import Trade

# Of a normal distribution 1.4826 times the median deviation is one standard deviation.
_SCALE = Decimal("1.4826")


class Feature(StrEnum):
    """What is compared: leverage in times, size as notional over equity, holding time in seconds."""

    LEVERAGE = "leverage"
    SIZE = "size"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class ConductRules:
    """When a change is one. `deviation_max` is in robust standard deviations, of which one is at least `spread_min`
    of the median: who has always traded at ten times is not alarming at eleven.
    """

    days: int = 90
    trades_min: int = 20
    recent: int = 5
    deviation_max: Decimal = Decimal("3.5")
    spread_min: Decimal = Decimal("0.1")


class Spread(NamedTuple):
    """The middle of a feature, the median deviation from it, and of how many trades that is."""

    median: Decimal
    mad: Decimal
    trades: int


Profile = Mapping[Feature, Spread]

_FEATURES: Mapping[Feature, Callable[[Trade], Decimal | None]] = {
    Feature.LEVERAGE: lambda trade: trade.leverage,
    Feature.SIZE: lambda trade: trade.size,
    Feature.HOLDING: lambda trade: trade.held_s,
}
# Below these a deviation is no more than the grain of the numbers.
_GRAIN = {Feature.LEVERAGE: Decimal("0.1"), Feature.SIZE: Decimal("0.001"), Feature.HOLDING: Decimal(1)}
_SENTENCES = {
    Feature.LEVERAGE: Sentence.LEVERAGE_CHANGED,
    Feature.SIZE: Sentence.SIZE_CHANGED,
    Feature.HOLDING: Sentence.HOLDING_CHANGED,
}
_DEFAULT = ConductRules()


def profile_of(trades: Iterable[Trade], rules: ConductRules = _DEFAULT) -> Profile:
    """Describe trades by each feature of which there are enough values; positions still open have no holding time."""
    trades = list(trades)
    values = {feature: _values(trades, feature) for feature in Feature}
    return {feature: _spread(each) for feature, each in values.items() if len(each) >= rules.trades_min}


def changes(trades: Iterable[Trade], *, now: datetime, rules: ConductRules = _DEFAULT) -> tuple[Flag, ...]:
    """Compare the last `rules.recent` trades with those before them, and name what changed.

    Trades are those opened in the last `rules.days` days, older and later ones are not looked at. Holding times are
    compared of the last trades that were closed. With too few trades nothing is said.
    """
    since = now - timedelta(days=rules.days)
    seen = sorted((trade for trade in trades if since <= trade.opened_at <= now), key=lambda trade: trade.opened_at)
    return tuple(flag for feature in Feature if (flag := _change(seen, feature, rules)) is not None)


def _change(trades: Sequence[Trade], feature: Feature, rules: ConductRules) -> Flag | None:
    if feature is Feature.HOLDING:
        trades = sorted(trades, key=lambda trade: trade.closed_at or trade.opened_at)
    values = _values(trades, feature)
    before, recent = values[: -rules.recent], values[-rules.recent :]
    if len(before) < rules.trades_min:
        return None
    usual, found = _spread(before), median(recent)
    one = max(usual.mad * _SCALE, usual.median * rules.spread_min, _GRAIN[feature])
    deviation = abs(found - usual.median) / one
    if deviation <= rules.deviation_max:
        return None
    return Flag(
        _SENTENCES[feature],
        {
            "usual": usual.median,
            "now": found,
            "times": found / usual.median if usual.median else ZERO,
            "deviation": deviation,
            "recent": Decimal(len(recent)),
            "trades": Decimal(usual.trades),
        },
    )


def _values(trades: Iterable[Trade], feature: Feature) -> list[Decimal]:
    of = _FEATURES[feature]
    return [value for trade in trades if (value := of(trade)) is not None]


def _spread(values: Sequence[Decimal]) -> Spread:
    middle = median(values)
    return Spread(middle, median(abs(value - middle) for value in values), len(values))
