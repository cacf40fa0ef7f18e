"""What a strategy's page tells, in groups: each figure written out, and the results of followers as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.analytics import FIGURES, Group
from copydesk.analytics.judgment import CLOSED_MIN, DAYS_MIN, FOLLOWERS_MIN
from copydesk.performance.board import BoardRow
from copydesk.performance.page import FollowerTruth, StrategyStanding
from copydesk.web.figure_words import Shown, shown, told
from copydesk.web.format import pct

_HIGH = 100


class Early(NamedTuple):
    """Below which record no return is shown large, and below how many followers with a result none of theirs."""

    days: int
    closed: int
    followers: int


EARLY = Early(DAYS_MIN, CLOSED_MIN, FOLLOWERS_MIN)


@dataclass(frozen=True)
class Section:
    """Figures that belong together, under one title."""

    id: str
    title: str
    figures: tuple[Shown, ...]


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram on a ground of 100 × 100; `words` say what it counts."""

    x: float
    width: float
    height: float
    loss: bool
    words: str
    followers: int


@dataclass(frozen=True)
class Histogram:
    """Followers by what they earned. `marks` are results on the ground, from the left end to the right one."""

    bars: tuple[Bar, ...]
    marks: tuple[str, ...]


def groups_of(page: StrategyStanding, currency: str) -> tuple[Section, ...]:
    """Write every figure of a strategy, in groups."""
    values = values_of(page.row, page.figures)
    return tuple(
        Section(str(group), title, tuple(shown(key, values.get(key), currency) for key in keys))
        for group, title, keys in sections()
    )


def sections() -> tuple[tuple[Group, str, tuple[str, ...]], ...]:
    """Return the groups of figures in their order: which, title, names of figures."""
    titles = {
        Group.RESULT: gettext("Result"),
        Group.RISK: gettext("Risk"),
        Group.TRADING: gettext("Way of trading"),
        Group.COPYING: gettext("Copying"),
    }
    return tuple(
        (group, title, tuple(key for key, meaning in FIGURES.items() if meaning.group is group))
        for group, title in titles.items()
    )


def values_of(row: BoardRow, figures: Mapping[str, object]) -> dict[str, object]:
    """Return a strategy's figures by name; what copies were like is the row's, so that a page says one thing."""
    measured = {
        "copy_success": row.success_ratio,
        "slippage_bps": row.slippage_bps_p50,
        "latency_ms": row.latency_ms_p50,
    }
    return {name: value for name, value in (*figures.items(), *measured.items()) if value is not None}


def headline_of(page: StrategyStanding, period: str) -> Decimal | None:
    """Return the return that stands large; None while it is too early for one."""
    row = page.row
    if row.too_early:
        return None
    known = {"30": row.return_30, "90": row.return_ratio, "all": row.return_all}
    return known[period] if period in known else told(page.figures.get(f"return_{period}"))


def histogram_of(truth: FollowerTruth) -> Histogram | None:
    """Lay out the results of followers as bars; None while nobody has one."""
    counted = truth.histogram
    most = max((followers for _, _, followers in counted), default=0)
    if not most:
        return None
    width = _HIGH / len(counted)
    bars = tuple(
        Bar(number * width, width * 0.9, followers / most * _HIGH, high <= 0, _range(low, high, followers), followers)
        for number, (low, high, followers) in enumerate(counted)
    )
    edges = [high for _, high, _ in counted[:-1]]
    return Histogram(bars, tuple(_ratio(edge) for edge in (edges[0], 0.0, edges[-1])) if edges else ())


def _range(low: float, high: float, followers: int) -> str:
    return str(gettext("%(low)s to %(high)s: %(followers)s", low=_ratio(low), high=_ratio(high), followers=followers))


def _ratio(value: float) -> str:
    return pct(told(value), digits=0)
