"""What a replay came to, in lines for a person and as plain JSON: both ways side by side, and every act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import accumulate
from typing import Any

from copydesk.cli.sparkline import Point, bars, sampled
from copydesk.kernel import ZERO, decimal_text
from copydesk.replication import Past
from copydesk.risk.grammar import text_of
from copydesk.risk.limits import LimitSet
from copydesk.risk.replay import Act, Deed, Run, Terms
from copydesk.risk.sentences import english
from copydesk.risk.simulate import Comparison

_CENT = Decimal("0.01")
_WIDTH = 60
_POINTS_JSON = 200
# These are about single orders, of which there may be thousands: they are counted.
_OF_ORDERS = frozenset({Deed.SHRUNK, Deed.DENIED})
UNSEEN = "Prices between two signals of an instrument are not stored: a stop may have fired earlier, or where none did."
UNPAID = "Funding, exchanges' minima and liquidation are not played."


@dataclass(frozen=True)
class Played:
    """One simulation: of which strategy, over what, under which limits, and what came of it."""

    strategy: str
    past: Past
    terms: Terms
    limits: LimitSet
    comparison: Comparison

    @property
    def begin(self) -> datetime:
        return self.past.events[0].at

    @property
    def end(self) -> datetime:
        return self.comparison.without.curve[-1].at

    @property
    def unjudged(self) -> list[str]:
        """Name what the history does not tell of."""
        limits = [f"{text_of(scoped.limit)}: a history does not tell it" for scoped in self.comparison.unjudged]
        unclosed = [
            f"{symbol}: a stop still waited for a price when the history ended"
            for symbol in self.comparison.guarded.unclosed
        ]
        return [*limits, *unclosed, UNSEEN, UNPAID]


def told(played: Played) -> Iterator[str]:
    """Put a simulation in lines."""
    terms, found = played.terms, played.comparison
    money = f"{decimal_text(terms.allocation)} {terms.currency}"
    yield (
        f"{played.strategy}, {played.begin:%Y-%m-%d} to {played.end:%Y-%m-%d}, {played.past.signals} signals, "
        f"{money} copied, {len(played.limits)} limits"
    )
    yield from _table(played)
    yield from _charts(played)
    yield _verdict(found.saved, terms.currency)
    yield from _acts(found.guarded.acts, terms.currency)
    for line in played.unjudged:
        yield f"not judged: {line}"


def _table(played: Played) -> Iterator[str]:
    currency, allocation = played.terms.currency, played.terms.allocation
    ways = {"without limits": played.comparison.without, "with limits": played.comparison.guarded}
    for name, run in ways.items():
        ratio = run.equity / allocation - 1
        yield (
            f"{name:<15} {_signed(run.equity - allocation)} {currency} ({_signed_percent(ratio)}), "
            f"drawdown at most {_percent(run.drawdown_ratio_max)}, fees {_money(run.fees)}, {len(run.fills)} fills"
        )
    equity = [point.equity for point in played.past.equity]
    if len(equity) > 1 and equity[0] > 0:
        yield (
            f"{'the leader':<15} {_signed_percent(equity[-1] / equity[0] - 1)}, drawdown at most "
            f"{_percent(_deepest(equity))}, of the whole account, with what was paid in and out"
        )


def _deepest(equity: Sequence[Decimal]) -> Decimal:
    """Return how far equity was below its highest point so far at most; all of it where nothing was left."""
    peaks = accumulate(equity, max)
    return max((peak - max(value, ZERO)) / peak for value, peak in zip(equity, peaks, strict=True))


def _charts(played: Played) -> Iterator[str]:
    """Draw both curves under each other, on one scale."""
    curves = {name: _curve(played, run, _WIDTH) for name, run in _ways(played).items()}
    values = [value for curve in curves.values() for value in curve]
    low, high = min(values), max(values)
    for name, curve in curves.items():
        yield f"{name:<15} {bars(curve, low=low, high=high)}"
    yield f"{'':<15} from {_money(low)} to {_money(high)} {played.terms.currency}"


def _verdict(saved: Decimal, currency: str) -> str:
    if not saved:
        return "The limits changed nothing in the end."
    return f"The limits {'saved' if saved > 0 else 'cost'} {_money(abs(saved))} {currency}."


def _acts(acts: Sequence[Act], currency: str) -> Iterator[str]:
    for act in acts:
        if act.deed not in _OF_ORDERS:
            yield f"{act.at:%Y-%m-%d %H:%M:%S} UTC {act.deed}: {_act_words(act, currency)}"
    orders = Counter((act.deed, act.scoped) for act in acts if act.deed in _OF_ORDERS)
    for (deed, scoped), count in orders.items():
        yield f"orders {deed}, {count} times: {english(scoped.limit)}"


def _act_words(act: Act, currency: str) -> str:
    if act.deed is Deed.CLOSED:
        return f"{act.symbol} at {decimal_text(act.value)}, marked {decimal_text(act.bound)}"
    if act.symbol:
        return f"{english(act.scoped.limit)} An order of {_money(act.value)} {currency} in {act.symbol}."
    return f"{english(act.scoped.limit)} It was {_money(act.value)}, the limit lay at {_money(act.bound)} {currency}."


def played_json(played: Played) -> dict[str, Any]:
    """Put a simulation in plain JSON: money and ratios as decimal text, curves at even times."""
    found, terms = played.comparison, played.terms
    return {
        "strategy": played.strategy,
        "from": played.begin.isoformat(),
        "until": played.end.isoformat(),
        "signals": played.past.signals,
        "allocation": decimal_text(terms.allocation),
        "currency": terms.currency,
        "limits": [text_of(scoped.limit) for scoped in played.limits],
        **{name: _run_json(played, run) for name, run in _ways(played).items()},
        "saved": decimal_text(found.saved),
        "acts": [_act_json(act) for act in found.guarded.acts],
        "not_judged": played.unjudged,
    }


def _run_json(played: Played, run: Run) -> dict[str, Any]:
    return {
        "equity": decimal_text(run.equity),
        "result_ratio": decimal_text((run.equity / played.terms.allocation - 1).quantize(Decimal("1E-6"))),
        "drawdown_ratio_max": decimal_text(run.drawdown_ratio_max.quantize(Decimal("1E-6"))),
        "fees": decimal_text(run.fees),
        "fills": len(run.fills),
        "opens_blocked": run.opens_blocked,
        "stop": str(run.stop),
        "curve": [decimal_text(value.quantize(_CENT, ROUND_HALF_EVEN)) for value in _curve(played, run, _POINTS_JSON)],
    }


def _act_json(act: Act) -> dict[str, Any]:
    return {
        "at": act.at.isoformat(),
        "deed": str(act.deed),
        "line": text_of(act.scoped.limit),
        "sentence": english(act.scoped.limit),
        "value": decimal_text(act.value),
        "bound": decimal_text(act.bound),
        "symbol": act.symbol,
        "denial": act.denial,
    }


def _ways(played: Played) -> dict[str, Run]:
    return {"without": played.comparison.without, "with": played.comparison.guarded}


def _curve(played: Played, run: Run, count: int) -> list[Decimal]:
    points = [Point(*point) for point in run.curve]
    return sampled(points, begin=played.begin, end=played.end, first=played.terms.allocation, count=count)


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT, ROUND_HALF_EVEN):f}"


def _signed(amount: Decimal) -> str:
    return ("+" if amount > 0 else "") + _money(amount)


def _percent(ratio: Decimal) -> str:
    return f"{(ratio * 100).quantize(_CENT, ROUND_HALF_EVEN):f} %"


def _signed_percent(ratio: Decimal) -> str:
    return ("+" if ratio > 0 else "") + _percent(ratio)
