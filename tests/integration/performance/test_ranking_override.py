"""Places after scores changed, and what staff change of them by hand: recorded, public, and undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from copydesk.audit import Actor, ActorKind, read_entries
from copydesk.db import Database, TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.performance.board import leaderboard
from copydesk.performance.override import REASON_LENGTH_MAX, adjust, adjusted_of, undo
from copydesk.performance.page import standing
from copydesk.performance.scoring import placed, scheme_of
from copydesk.tenancy import ensure_tenant
from ranking_seed import NOW, D, add_strategy, brand
from sqlalchemy import text

STAFF = Actor(ActorKind.USER, user_id=7)
REASON = "Wash trades between two accounts of the same trader."


@pytest.fixture
def session(db: Database) -> Iterator[TenantSession]:
    """A brand with three ranked strategies, best first; what a test stores goes with it."""
    with db.installation() as opening:
        number = ensure_tenant(opening, "aurora")
    with db.tenant(number) as session:
        for slug, sortino in (("first", "3"), ("second", "2"), ("third", "1")):
            add_strategy(session, slug, sortino=D(sortino))
        placed(session, brand())
        yield session
        session.rollback()


def places(session: TenantSession) -> dict[str, int | None]:
    return {row.slug: row.place for row in leaderboard(session, now=NOW).rows}


def test_places_are_given_anew_when_a_score_changes_and_only_then(session: TenantSession) -> None:
    assert places(session) == {"first": 1, "second": 2, "third": 3}
    assert placed(session, brand()) == 0
    session.execute(
        text("UPDATE strategy_figures SET score = 99 FROM strategy WHERE id = strategy_id AND slug = 'third'")
    )
    assert placed(session, brand()) == 3
    assert places(session) == {"third": 1, "first": 2, "second": 3}


def test_a_private_strategy_has_no_place_and_is_not_listed(session: TenantSession) -> None:
    terms = (
        "INSERT INTO strategy_terms "
        "(tenant_id, strategy_id, profit_share, min_allocation, private, shows, submitted_at) "
        "SELECT tenant_id, id, 0.1, 0, true, '{}', now() FROM strategy WHERE slug = 'first'"
    )
    session.execute(text(terms))
    placed(session, brand())
    assert places(session) == {"second": 1, "third": 2}


def test_a_strategy_that_closes_loses_its_place_to_the_next(session: TenantSession) -> None:
    session.execute(text("UPDATE strategy SET status = 'closed' WHERE slug = 'first'"))
    placed(session, brand())
    assert places(session) == {"second": 1, "third": 2}
    shown = standing(session, brand(), "first", now=NOW)
    assert (shown.row.place, shown.score.ranked) == (None, 2)


def test_other_weights_make_other_scores_under_another_version(session: TenantSession) -> None:
    by_days = brand(weight_risk_adjusted=0, weight_length=100, weight_drawdown=0)
    add_strategy(session, "old", sortino=D("0.1"), days=D(365), equity=D(10_000))
    assert placed(session, by_days) == 4
    board = leaderboard(session, now=NOW)
    assert next(iter(places(session))) == "old"
    assert {row.score_version for row in board.rows} == {scheme_of(by_days).version}
    assert scheme_of(by_days).version != scheme_of(brand()).version
    assert placed(session, by_days) == 0


def test_a_gate_of_the_brand_takes_a_place_away_and_says_which(session: TenantSession) -> None:
    strict = brand(drawdown_ratio_max=D("0.05"))
    placed(session, strict)
    board = leaderboard(session, now=NOW)
    assert {(row.place, row.score, row.gates) for row in board.rows} == {(None, None, ("drawdown_too_deep",))}
    shown = standing(session, strict, "first", now=NOW).score
    assert (shown.total, shown.gates, shown.ranked) == (None, ("drawdown_too_deep",), 0)


def test_a_score_is_the_sum_of_what_its_parts_add(session: TenantSession) -> None:
    shown = standing(session, brand(), "first", now=NOW)
    assert float(shown.score.total or 0) == pytest.approx(sum(part.adds for part in shown.score.parts), abs=0.01)
    assert shown.score.place == 1
    assert float(shown.row.score or 0) == pytest.approx(float(shown.score.total or 0), abs=0.01)
    assert {part.part: part.weight for part in shown.score.parts}["popularity"] == 0


def test_staff_take_a_strategy_out_and_everybody_reads_why(session: TenantSession) -> None:
    adjust(session, brand(), STAFF, "first", place=None, reason=f"  {REASON}\n", at=NOW)
    assert places(session) == {"second": 1, "third": 2, "first": None}
    shown = standing(session, brand(), "first", now=NOW)
    assert shown.row.adjusted == adjusted_of(session, "first")
    assert shown.row.adjusted is not None
    assert (shown.row.adjusted.excluded, shown.row.adjusted.reason, shown.row.adjusted.at) == (True, REASON, NOW)
    assert (shown.row.score, shown.score.total, shown.score.place) == (None, None, None)


def test_staff_put_a_strategy_on_a_place_and_its_score_stays(session: TenantSession) -> None:
    before = standing(session, brand(), "third", now=NOW).row.score
    adjust(session, brand(), STAFF, "third", place=1, reason=REASON, at=NOW)
    assert places(session) == {"third": 1, "first": 2, "second": 3}
    assert standing(session, brand(), "third", now=NOW).row.score == before


def test_undoing_lets_the_figures_decide_again(session: TenantSession) -> None:
    adjust(session, brand(), STAFF, "first", place=3, reason=REASON, at=NOW)
    undo(session, brand(), STAFF, "first", at=NOW)
    assert places(session) == {"first": 1, "second": 2, "third": 3}
    assert adjusted_of(session, "first") is None


def test_each_change_by_hand_is_a_line_of_the_record(session: TenantSession) -> None:
    adjust(session, brand(), STAFF, "first", place=3, reason=REASON, at=NOW)
    undo(session, brand(), STAFF, "first", at=NOW)
    undo(session, brand(), STAFF, "first", at=NOW)
    restored, adjusted = read_entries(session, session.tenant_id, limit=5)
    assert (adjusted.act, restored.act) == ("ranking.adjusted", "ranking.restored")
    assert adjusted.after == restored.before == {"place": 3, "reason": REASON}
    assert adjusted.subject.startswith("strategy:")


@pytest.mark.parametrize(
    ("place", "reason", "said"),
    [
        (None, "too short", "expected 10 to 300 characters, found 9"),
        (None, "x" * (REASON_LENGTH_MAX + 1), "found 301"),
        (0, REASON, "expected 1 to 1000, found 0"),
    ],
)
def test_a_change_without_a_sound_reason_or_place_is_refused(
    session: TenantSession, place: int | None, reason: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        adjust(session, brand(), STAFF, "first", place=place, reason=reason, at=NOW)
    assert adjusted_of(session, "first") is None


def test_what_does_not_exist_or_has_no_figures_cannot_be_adjusted(session: TenantSession) -> None:
    add_strategy(session, "fresh", figures=False)
    with pytest.raises(InvalidInput, match="has no figures yet"):
        adjust(session, brand(), STAFF, "fresh", place=None, reason=REASON, at=NOW)
    with pytest.raises(NotFound):
        adjust(session, brand(), STAFF, "nothing", place=None, reason=REASON, at=NOW)


def test_a_row_that_somebody_writes_is_left_for_the_next_run(db: Database) -> None:
    with db.installation() as opening:
        number = ensure_tenant(opening, "boreal")
    with db.tenant(number) as session:
        held = add_strategy(session, "held")
        add_strategy(session, "free", sortino=D("0.1"))
    with db.tenant(number) as writer, db.tenant(number) as other:
        writer.execute(text("SELECT FROM strategy_figures WHERE strategy_id = :id FOR UPDATE"), {"id": held})
        placed(other, brand())
        assert places(other) == {"free": 2, "held": None}
    with db.tenant(number) as session:
        placed(session, brand())
        assert places(session) == {"held": 1, "free": 2}
