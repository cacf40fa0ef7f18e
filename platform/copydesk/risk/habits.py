"""Two habits that look well until they end an account, each named with the numbers that show it. Pure.

**Martingale**: the size grows while it loses, within one position (averaging down with growing size) or from one trade
to the next. **No stop**: positions stand without a resting stop, or are left open far deeper in loss than a win brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.trades import Entry, Trade


class Sentence(StrEnum):
    """What is said of a trader's behavior; `SENTENCES` has the words."""

    LEVERAGE_CHANGED = "leverage_changed"
    SIZE_CHANGED = "size_changed"
    HOLDING_CHANGED = "holding_changed"
    ADDS_WHILE_LOSING = "adds_while_losing"
    GROWS_AFTER_LOSSES = "grows_after_losses"
    STOPS_MISSING = "stops_missing"
    LOSSES_LEFT_OPEN = "losses_left_open"


# Plain words for the values of a flag, to be translated.
SENTENCES: Mapping[Sentence, str] = {
    Sentence.LEVERAGE_CHANGED: "The last %(recent)s trades used %(now)s× leverage, where %(usual)s× is usual.",
    Sentence.SIZE_CHANGED: "The last %(recent)s trades were %(times)s times as large, against equity, as usual.",
    Sentence.HOLDING_CHANGED: "The last %(recent)s trades were held %(times)s times as long as usual.",
    Sentence.ADDS_WHILE_LOSING: "A losing position was made larger %(steps)s times in a row, each time by more: "
    "the last addition was %(times)s times the first. This happened in %(trades)s of %(of)s trades.",
    Sentence.GROWS_AFTER_LOSSES: "After %(steps)s losses in a row each next trade was larger: "
    "%(times)s times the first in the end.",
    Sentence.STOPS_MISSING: "%(missing)s of %(trades)s positions had no resting stop.",
    Sentence.LOSSES_LEFT_OPEN: "A position was left open at a loss of %(worst)s, "
    "%(times)s times a usual win of %(win)s.",
}


class Flag(NamedTuple):
    """One thing to say of a trader, with the numbers that its sentence shows (and others that the desk may show)."""

    sentence: Sentence
    values: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class HabitRules:
    """When a habit is one. `growth_min`: an addition or a next trade counts as larger from so many times on."""

    trades_min: int = 10
    steps_min: int = 3
    growth_min: Decimal = Decimal("1.2")
    missing_share_max: Decimal = Decimal("0.5")
    worst_to_win_max: Decimal = Decimal(5)


class Run(NamedTuple):
    """A chain of growing sizes: how many steps, and how many times the first the last one was."""

    steps: int = 0
    times: Decimal = Decimal(1)


_DEFAULT = HabitRules()


def flags(trades: Iterable[Trade], rules: HabitRules = _DEFAULT) -> tuple[Flag, ...]:
    """Name the habits that these trades show. A martingale needs one clear case, no stop `trades_min` trades."""
    seen = sorted(trades, key=lambda trade: trade.opened_at)
    found = (
        _adds_while_losing(seen, rules),
        _grows_after_losses(seen, rules),
        _stops_missing(seen, rules),
        _losses_left_open(seen, rules),
    )
    return tuple(flag for flag in found if flag is not None)


def losing_adds(trade: Trade, growth_min: Decimal = _DEFAULT.growth_min) -> Run:
    """Return the longest chain of additions, each at a price worse than the average entry and larger than the last."""
    best, chain = Run(), list[Entry]()
    qty = cost = ZERO
    for entry in trade.entries:
        losing = qty > 0 and (entry.px * qty - cost) * (-1 if trade.short else 1) < 0
        grows = losing and bool(chain) and entry.qty >= chain[-1].qty * growth_min
        chain = [*chain, entry] if grows else [entry]
        best = max(best, Run(len(chain) - 1, entry.qty / chain[0].qty))
        qty, cost = qty + entry.qty, cost + entry.qty * entry.px
    return best


def growth_after_losses(trades: Sequence[Trade], growth_min: Decimal = _DEFAULT.growth_min) -> Run:
    """Return the longest chain of trades that were each larger, against equity, than the losing one closed before."""
    best, chain = Run(), list[Decimal]()
    last: Trade | None = None
    for trade in trades:
        size = trade.size
        if trade.closed_at is None or size is None or not size:
            continue
        follows = last is not None and last.closed_at is not None and last.closed_at <= trade.opened_at
        grows = follows and last is not None and last.profit < 0 and bool(chain) and size >= chain[-1] * growth_min
        chain = [*chain, size] if grows else [size]
        best = max(best, Run(len(chain) - 1, size / chain[0]))
        last = trade
    return best


def _adds_while_losing(trades: Sequence[Trade], rules: HabitRules) -> Flag | None:
    runs = [run for trade in trades if (run := losing_adds(trade, rules.growth_min)).steps >= rules.steps_min]
    if not runs:
        return None
    worst = max(runs)
    return Flag(
        Sentence.ADDS_WHILE_LOSING,
        {
            "steps": Decimal(worst.steps),
            "times": worst.times,
            "trades": Decimal(len(runs)),
            "of": Decimal(len(trades)),
        },
    )


def _grows_after_losses(trades: Sequence[Trade], rules: HabitRules) -> Flag | None:
    run = growth_after_losses(trades, rules.growth_min)
    if run.steps < rules.steps_min:
        return None
    return Flag(Sentence.GROWS_AFTER_LOSSES, {"steps": Decimal(run.steps), "times": run.times})


def _stops_missing(trades: Sequence[Trade], rules: HabitRules) -> Flag | None:
    known = [trade.stopped for trade in trades if trade.stopped is not None]
    missing = known.count(False)
    if len(known) < rules.trades_min or missing <= rules.missing_share_max * len(known):
        return None
    values = {"missing": missing, "trades": len(known)}
    return Flag(Sentence.STOPS_MISSING, {name: Decimal(value) for name, value in values.items()})


def _losses_left_open(trades: Sequence[Trade], rules: HabitRules) -> Flag | None:
    wins = [trade.profit for trade in trades if trade.closed_at is not None and trade.profit > 0]
    if len(trades) < rules.trades_min or not wins:
        return None
    win, worst = median(wins), min(trade.worst for trade in trades)
    if -worst <= rules.worst_to_win_max * win:
        return None
    return Flag(Sentence.LOSSES_LEFT_OPEN, {"worst": -worst, "win": win, "times": -worst / win})
