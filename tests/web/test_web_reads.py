"""What the read models return from a seeded database, and that they see one brand only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import NotFound
from copydesk.performance import page
from copydesk.performance.followed import store_truth
from copydesk.performance.quality import quality_of
from copydesk.performance.scoring import scheme_of
from copydesk.replication.desk import recent_signals, signal_detail
from copydesk.replication.moves import Direction, Move, move_between
from copydesk.replication.tables import AccountSetup, LeaderBook
from copydesk.studio.crowd import crowd_of
from copydesk.studio.report import signal_report, whole_report
from copydesk.web.database import brand_session, db
from flask import Flask
from flask.testing import FlaskClient
from site_seed import HOSTS, NOW, VENUE_AT, FakeRuntime, Seeded
from sqlalchemy import event, text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

D = Decimal
PERPETUAL = "BTC/USDT:USDT"
MOVED = """
UPDATE signal SET symbol = :symbol, side = 'sell', position_before = :before, position_after = :after,
                  leader_leverage = 3 WHERE id = :id
"""
COPIED = "UPDATE copy SET symbol = :symbol, side = 'sell', reduces = (leg = 'close') WHERE signal_id = :id"
ELSEWHERE = """
UPDATE account SET venue = 'bybit'
WHERE id = (SELECT min(account_id) FROM copy WHERE signal_id = :id)
"""

DEMO = """
UPDATE account SET demo = true
WHERE id = (SELECT account_id FROM copy WHERE signal_id = :id AND status = 'denied')
"""


@pytest.fixture
def session(database_url: str, seeded: Seeded) -> Iterator[TenantSession]:
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids["aurora"]) as session:
        yield session
        session.rollback()
    database.dispose()


def test_a_signal_tells_what_became_of_its_copies(session: Session) -> None:
    (receipt,) = recent_signals(session, limit=10)
    assert (receipt.copies, receipt.done, receipt.partial, receipt.missed) == (4, 2, 1, 0)
    assert (receipt.denied, receipt.rejected, receipt.in_flight) == (1, 0, 1)
    assert (receipt.seen_ms, receipt.stored_ms, receipt.latency_ms_p50, receipt.last_ack_ms) == (12, 15, 90, 100)
    assert receipt.slippage_bps_p50 == D("1.50")
    assert receipt.top_reason == "below_notional_min"
    assert receipt.top_reason_facts is not None
    assert receipt.top_reason_facts["allocation_needed"] == "122"
    assert receipt.venue_at == VENUE_AT


def test_copies_of_demo_accounts_are_seen_by_their_owners_alone(session: Session, seeded: Seeded) -> None:
    signal_id = seeded.signal_ids["aurora"]
    (strategy_id,) = session.execute(text("SELECT strategy_id FROM signal WHERE id = :id"), {"id": signal_id}).one()
    expected = quality_of(session, strategy_id).expected
    session.execute(text(DEMO), {"id": signal_id})
    (receipt,) = recent_signals(session, limit=10)
    assert (receipt.copies, receipt.denied, receipt.top_reason) == (3, 0, None)
    assert len(signal_detail(session, signal_id).copies) == 3
    judged = quality_of(session, strategy_id)
    assert (judged.expected, judged.reasons) == (expected - 1, ())
    (line,) = signal_report(session, strategy_id).lines
    assert (line.fanned.copies, line.reasons) == (3, ())
    whole = whole_report(session, strategy_id, crowd_of(session, strategy_id), bound_bps=10)
    assert whole.fanned.copies == 3


def test_a_detail_numbers_followers_from_one_and_measures_each_hop(session: Session, seeded: Seeded) -> None:
    copies = signal_detail(session, seeded.signal_ids["aurora"]).copies
    assert [copy.follower for copy in copies] == ["Follower 1", "Follower 2", "Follower 3", "Follower 4"]
    assert (copies[0].planned_ms, copies[0].sent_ms, copies[0].acked_ms) == (18, 21, 80)
    assert copies[0].slippage_bps == 1
    assert copies[2].slippage_bps is None
    assert copies[2].reason == "below_notional_min"


def test_another_brands_signal_is_not_found(session: Session, seeded: Seeded) -> None:
    with pytest.raises(NotFound):
        signal_detail(session, seeded.signal_ids["boreal"])
    with pytest.raises(NotFound):
        page.compare(session, ["fjord"], now=NOW)
    with pytest.raises(NotFound):
        page.strategy_id_of(session, "fjord")


def test_a_strategy_is_told_with_what_it_holds_and_what_became_of_its_last_copies(
    session: TenantSession, runtime: FakeRuntime
) -> None:
    aurora = runtime.directory.by_slug("aurora")
    assert aurora
    store_truth(session, scheme_of(aurora), page.compare(session, ["dawn"], now=NOW)[0].row.id)
    shown = page.standing(session, aurora, "dawn", now=NOW)
    assert shown.positions == (("BTC/USDT", D("0.5"), D(64000), D(32000), None),)
    assert (shown.exposure.gross, shown.exposure.net) == (32000, 32000)
    assert (shown.row.followers, shown.row.copies_done, shown.row.copies_expected) == (4, 2, 3)
    assert round(shown.row.success_ratio or D(0), 6) == round(D(2) / 3, 6)
    assert (shown.row.slippage_bps_p50, shown.row.latency_ms_p50, shown.row.record_days) == (D("1.5"), 90, 5)
    assert shown.followers_by_state == {"synced": 4}
    assert shown.reasons == (("below_notional_min", 1),)
    assert len(shown.recent) == 1


def test_a_short_is_listed_below_zero_and_by_its_size(session: Session, seeded: Seeded, runtime: FakeRuntime) -> None:
    aurora = runtime.directory.by_slug("aurora")
    assert aurora
    which = {"tenant_id": seeded.tenant_ids["aurora"], "symbol": PERPETUAL, "last_px": D(60000)}
    strategy_id = page.compare(session, ["dawn"], now=NOW)[0].row.id
    for side, qty in (("short", D(-2)), ("long", D(0))):
        session.add(LeaderBook(**which, strategy_id=strategy_id, position_side=side, qty=qty))
    session.flush()
    shown = page.standing(session, aurora, "dawn", now=NOW)
    assert shown.positions[0] == (PERPETUAL, D(-2), D(60000), D(-120000), None)
    assert [position.symbol for position in shown.positions] == [PERPETUAL, "BTC/USDT"]
    assert (shown.exposure.gross, shown.exposure.net) == (152000, -88000)


def test_the_number_of_queries_does_not_grow_with_the_rows(session: Session) -> None:
    sent: list[str] = []
    bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", lambda *args: sent.append(args[2]))
    recent_signals(session, limit=30)
    assert len(sent) == 2, "one names the brand, one reads the signals"


def on_a_perpetual(session: Session, signal_id: int, *, before: str, after: str) -> None:
    """Make the seeded signal a sale of a perpetual, its first follower one on another exchange."""
    facts = {"id": signal_id, "symbol": PERPETUAL}
    session.execute(text(MOVED), facts | {"before": D(before), "after": D(after)})
    session.execute(text(COPIED), facts)
    session.execute(text(ELSEWHERE), facts)


@pytest.mark.parametrize(
    ("before", "after", "move"),
    [
        ("0", "1", Move.OPENS_LONG),
        ("1", "1.5", Move.ADDS_TO_LONG),
        ("1.5", "1", Move.REDUCES_LONG),
        ("1", "0", Move.CLOSES_LONG),
        ("0", "-1", Move.OPENS_SHORT),
        ("-1", "-1.5", Move.ADDS_TO_SHORT),
        ("-1.5", "-1", Move.REDUCES_SHORT),
        ("-1", "0", Move.CLOSES_SHORT),
        ("-0.1", "2", Move.TURNS_LONG),
        ("2", "-0.1", Move.TURNS_SHORT),
        ("1", "1", None),
        ("0", "0", None),
    ],
)
def test_a_step_from_one_position_to_another_has_a_name(before: str, after: str, move: Move | None) -> None:
    assert move_between(D(before), D(after)) is move


def test_a_spot_signal_names_its_exchange_and_no_move(session: Session, seeded: Seeded) -> None:
    detail = signal_detail(session, seeded.signal_ids["aurora"])
    assert (detail.receipt.exchange, detail.receipt.perpetual, detail.receipt.move) == ("binance", False, None)
    assert {(copy.exchange, copy.direction, copy.leverage) for copy in detail.copies} == {("binance", None, None)}


def test_a_perpetual_signal_names_move_and_leverage_and_each_copy_its_own_exchange(
    session: Session, seeded: Seeded
) -> None:
    on_a_perpetual(session, seeded.signal_ids["aurora"], before="0.5", after="-0.5")
    detail = signal_detail(session, seeded.signal_ids["aurora"])
    assert (detail.receipt.move, detail.receipt.turns, detail.receipt.leverage) == (Move.TURNS_SHORT, True, 3)
    assert [copy.exchange for copy in detail.copies] == ["bybit", "binance", "binance", "binance"]
    assert {copy.direction for copy in detail.copies} == {Direction.SHORT}
    session.execute(text("UPDATE copy SET reduces = true WHERE signal_id = :id"), {"id": detail.receipt.signal_id})
    again = signal_detail(session, seeded.signal_ids["aurora"])
    assert {copy.direction for copy in again.copies} == {Direction.LONG}, "a sale that reduces is out of a long"


def test_a_copys_leverage_is_what_its_account_was_set_to_before_it_was_sent(session: Session, seeded: Seeded) -> None:
    on_a_perpetual(session, seeded.signal_ids["aurora"], before="0", after="-0.5")
    accounts = session.execute(text("SELECT account_id FROM copy ORDER BY id")).scalars().all()
    for account_id, at in zip(accounts, (VENUE_AT, NOW), strict=False):
        setup = AccountSetup(
            tenant_id=seeded.tenant_ids["aurora"], account_id=account_id, symbol=PERPETUAL, hedge=False, leverage=2
        )
        setup.at = at
        session.add(setup)
    session.flush()
    copies = signal_detail(session, seeded.signal_ids["aurora"]).copies
    assert [copy.leverage for copy in copies] == [2, None, None, None]


def test_the_session_of_a_page_stores_nothing(app: Flask) -> None:
    with app.test_request_context(base_url=f"http://{HOSTS['aurora']}"):
        app.preprocess_request()
        with pytest.raises(InternalError, match="read-only transaction"):
            brand_session().execute(text("UPDATE strategy SET name = 'Mine'"))


def test_pages_send_statements_that_their_connection_knows(app: Flask, visit: Callable[[str], FlaskClient]) -> None:
    for _ in range(3):
        assert visit("aurora").get("/strategies/dawn").status_code == 200
    with app.app_context(), db.engine.connect() as connection:
        known = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    assert any("FROM performance_point" in statement for statement in known)
