"""The score by which strategies are ranked: public weights over parts between 0 and 100, and gates before them. Pure.

Each part maps one figure onto 0 … 100 along a line with two ends, both written in `PARTS`; nothing is relative to other
strategies, so that a score changes only when its strategy does. How many people follow a strategy weighs nothing unless
a brand says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

VERSION = 1


class Part(StrEnum):
    """What a score is made of."""

    RISK_ADJUSTED = "risk_adjusted"
    FOLLOWERS = "followers"
    DRAWDOWN = "drawdown"
    LENGTH = "length"
    OWN_STAKE = "own_stake"
    FIDELITY = "fidelity"
    POPULARITY = "popularity"


class Gate(StrEnum):
    """Why a strategy has no place in the ranking."""

    RECORD_TOO_SHORT = "record_too_short"
    TOO_FEW_CLOSED = "too_few_closed"
    DRAWDOWN_TOO_DEEP = "drawdown_too_deep"
    RISK_TOO_HIGH = "risk_too_high"


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line: `worst` and beyond is 0 points, `best` and beyond 100."""

    worst: float
    best: float

    def points(self, value: float) -> float:
        return min(max((value - self.worst) / (self.best - self.worst), 0.0), 1.0) * 100.0


PARTS: Mapping[Part, Line] = {
    Part.RISK_ADJUSTED: Line(worst=0.0, best=3.0),  # Sortino ratio of daily returns, by the year.
    Part.FOLLOWERS: Line(worst=-0.1, best=0.2),  # Median money-weighted result of followers, after fees.
    Part.DRAWDOWN: Line(worst=0.4, best=0.05),  # Deepest fall so far.
    Part.LENGTH: Line(worst=0.0, best=365.0),  # Days of record.
    Part.OWN_STAKE: Line(worst=0.0, best=10_000.0),  # The trader's own equity, in the brand's currency.
    Part.FIDELITY: Line(worst=0.8, best=1.0),  # Copies done of copies due.
    Part.POPULARITY: Line(worst=0.0, best=1_000.0),  # Followers.
}
WEIGHTS: Mapping[Part, int] = {
    Part.RISK_ADJUSTED: 30,
    Part.FOLLOWERS: 20,
    Part.DRAWDOWN: 20,
    Part.LENGTH: 10,
    Part.OWN_STAKE: 10,
    Part.FIDELITY: 10,
    Part.POPULARITY: 0,
}


@dataclass(frozen=True, slots=True)
class Gates:
    """What a strategy must hold to be ranked at all."""

    days_min: float = 30.0
    closed_min: int = 20
    drawdown_max: float = 0.5
    risk_max: int = 9


@dataclass(frozen=True, slots=True)
class Standing:
    """The figures of one strategy that the ranking looks at. None is a figure that cannot be told yet."""

    strategy_id: int
    days: float
    closed: int
    drawdown_max: float | None
    risk: int | None
    figures: Mapping[Part, float | None]


@dataclass(frozen=True, slots=True)
class Score:
    """A strategy's score with how it came about: points (0 … 100) of each part, and what closes the gate.

    `total` is None behind a gate. A part without a figure has None, and adds nothing to the total.
    """

    strategy_id: int
    total: float | None
    points: Mapping[Part, float | None]
    gates: tuple[Gate, ...]


def score_of(standing: Standing, weights: Mapping[Part, int] = WEIGHTS, gates: Gates | None = None) -> Score:
    """Weigh one strategy; weights are parts of their own sum."""
    points = {
        part: None if (figure := standing.figures.get(part)) is None else line.points(figure)
        for part, line in PARTS.items()
    }
    closed = _closed(standing, gates or Gates())
    whole = sum(weights.values())
    total = sum(weights[part] * (points[part] or 0.0) for part in weights) / whole if whole else 0.0
    return Score(standing.strategy_id, None if closed else total, points, closed)


def ranked(scores: Iterable[Score]) -> list[tuple[int, Score]]:
    """Give places, best first: equal scores (to a hundredth) share a place, those behind a gate have place 0, last."""
    placed: list[tuple[int, Score]] = []
    known = sorted(scores, key=lambda score: (score.total is None, -told(score), score.strategy_id))
    for count, score in enumerate(known, start=1):
        same = bool(placed) and placed[-1][1].total is not None and told(placed[-1][1]) == told(score)
        place = 0 if score.total is None else placed[-1][0] if same else count
        placed.append((place, score))
    return placed


def told(score: Score) -> float:
    """Return a score as precisely as it is told: equal ones share a place."""
    return round(score.total or 0.0, 2)


def _closed(standing: Standing, gates: Gates) -> tuple[Gate, ...]:
    fallen, risk = standing.drawdown_max, standing.risk
    shut = {
        Gate.RECORD_TOO_SHORT: standing.days < gates.days_min,
        Gate.TOO_FEW_CLOSED: standing.closed < gates.closed_min,
        Gate.DRAWDOWN_TOO_DEEP: fallen is not None and fallen > gates.drawdown_max,
        Gate.RISK_TOO_HIGH: risk is not None and risk > gates.risk_max,
    }
    return tuple(gate for gate, is_shut in shut.items() if is_shut)
