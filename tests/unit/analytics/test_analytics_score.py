"""How strategies are ranked, and who is not."""

from __future__ import annotations

import pytest
from copydesk.analytics.score import PARTS, WEIGHTS, Gate, Part, Score, Standing, ranked, score_of

BEST = {part: line.best for part, line in PARTS.items()}
WORST = {part: line.worst for part, line in PARTS.items()}


def standing(number: int = 1, **facts: object) -> Standing:
    known: dict[str, object] = {"days": 400.0, "closed": 100, "drawdown_max": 0.1, "risk": 3, "figures": BEST, **facts}
    return Standing(number, **known)  # type: ignore[arg-type]


def test_the_best_figures_make_a_hundred_and_the_worst_nothing() -> None:
    assert score_of(standing()).total == 100.0
    assert score_of(standing(figures=WORST)).total == 0.0


def test_weights_sum_to_a_hundred_and_popularity_has_none() -> None:
    assert sum(WEIGHTS.values()) == 100
    assert set(WEIGHTS) == set(Part)


def test_a_figure_beyond_the_end_of_its_line_earns_no_more() -> None:
    assert score_of(standing(figures=BEST | {Part.RISK_ADJUSTED: 50.0})).total == 100.0


def test_a_part_without_a_figure_earns_nothing() -> None:
    assert score_of(standing(figures=BEST | {Part.FOLLOWERS: None})).total == pytest.approx(80.0)


@pytest.mark.parametrize(
    ("facts", "gate"),
    [
        ({"days": 29.0}, Gate.RECORD_TOO_SHORT),
        ({"closed": 19}, Gate.TOO_FEW_CLOSED),
        ({"drawdown_max": 0.51}, Gate.DRAWDOWN_TOO_DEEP),
        ({"risk": 10}, Gate.RISK_TOO_HIGH),
    ],
)
def test_behind_a_gate_there_is_no_score_but_its_parts_are_shown(facts: dict[str, object], gate: Gate) -> None:
    score = score_of(standing(**facts))

    assert (score.total, score.gates) == (None, (gate,))
    assert score.points[Part.FIDELITY] == 100.0


def test_a_brands_own_weights_count_as_parts_of_their_sum() -> None:
    figures = BEST | {Part.DRAWDOWN: WORST[Part.DRAWDOWN]}

    assert score_of(standing(figures=figures), {Part.DRAWDOWN: 1, Part.LENGTH: 3}).total == 75.0


def test_equal_scores_share_a_place_and_who_is_behind_a_gate_has_none() -> None:
    scores = [_with(1, 50.0), _with(2, None), _with(3, 70.0), _with(4, 50.004), _with(5, 10.0)]

    assert [(place, score.strategy_id) for place, score in ranked(scores)] == [(1, 3), (2, 1), (2, 4), (4, 5), (0, 2)]


def _with(number: int, total: float | None) -> Score:
    return Score(number, total, {}, () if total is not None else (Gate.RISK_TOO_HIGH,))
