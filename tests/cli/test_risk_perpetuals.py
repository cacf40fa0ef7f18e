"""`copydesk risk perpetuals`, `risk status`, `strategies news`: leader beside follower, funding, what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.kernel import utc_now
from copydesk.marks import ComingFunding, MarkWriter
from copydesk.replication import Leader, leader_changes, store_leader_positions
from copydesk.risk.acts import Watch, note_watch
from copydesk.trading import MarginMode, PositionSide
from copydesk.venues import FundingRate, Position, Price
from sqlalchemy import text
from test_risk_command import follower

BTC = "BTC/USDT:USDT"
PLACE = "binance-lab"
D = Decimal
TABLES = ("strategy_news", "leader_position", "account_position", "account_setup", "funding_payment", "book")
ROWS = (
    "INSERT INTO book (tenant_id, subscription_id, symbol, qty, target_qty) "
    "SELECT tenant_id, id, :symbol, -0.5, -0.5 FROM subscription WHERE id = :id",
    "INSERT INTO account_setup (tenant_id, account_id, symbol, hedge, leverage) "
    "SELECT tenant_id, account_id, :symbol, false, 20 FROM subscription WHERE id = :id",
    "INSERT INTO account_position (tenant_id, account_id, symbol, position_side, qty, mark_px, liquidation_px) "
    "SELECT tenant_id, account_id, :symbol, 'net', -0.5, 50000, 55000 FROM subscription WHERE id = :id",
    "INSERT INTO funding_payment (tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at) "
    "SELECT tenant_id, account_id, 'one', id, :symbol, 1.25, 'USDT', now() FROM subscription WHERE id = :id",
)


@dataclass
class Desk:
    """Brand aurora: a leader and a follower are short in BTC, at 100 and 20 times; the mark is 50,000."""

    capsys: pytest.CaptureFixture[str]
    runtime: Runtime
    subscription: int
    leader: Leader

    def lines(self, *argv: str) -> list[str]:
        assert run([*argv, "--tenant", "aurora"]) == 0
        return self.capsys.readouterr().out.splitlines()

    def json(self, *argv: str) -> Any:
        return json.loads(self.lines(*argv, "--json")[-1])

    def lead(self, position: Position, before: Position | None = None) -> None:
        """Let the leader be seen so."""
        changes = leader_changes([before], [position]) if before else []
        with self.runtime.db.tenant(self.leader.tenant_id) as session:
            store_leader_positions(session, self.leader, [position], changes, at=utc_now())

    def act(self, statement: str, **params: Any) -> None:
        with self.runtime.db.tenant(self.leader.tenant_id) as session:
            session.execute(text(statement), params)


SHORT = Position(
    BTC, PositionSide.NET, D(-5), D(50_000), D(50_000), 100, MarginMode.ISOLATED, D(0), D(50_300), D(2_500)
)  # fmt: skip


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    try:
        tenant_id = runtime.tenant_ids["aurora"]
        with runtime.db.tenant(tenant_id) as session:
            for table in TABLES:
                session.execute(text(f"DELETE FROM {table}"))
            subscription, _ = follower(session)
            query = text(
                "SELECT t.id, t.account_id, t.created_at FROM strategy t JOIN subscription s ON s.strategy_id = t.id "
                "AND s.tenant_id = t.tenant_id WHERE s.id = :id"
            )
            strategy_id, account_id, created_at = session.execute(query, {"id": subscription}).one()
            session.execute(text("DELETE FROM book"))
            for row in ROWS:
                session.execute(text(row), {"id": subscription, "symbol": BTC})
            note_watch(session, Watch(0, 1, 0, 0))
        now_ms = int(utc_now().timestamp() * 1000)
        MarkWriter(runtime.redis, PLACE).write([Price(BTC, D(50_000), now_ms, D(50_000), now_ms)])
        rates = {BTC: FundingRate(D("0.0001"), now_ms + 3 * 3_600_000 + 30_000)}
        ComingFunding(runtime.redis).write(PLACE, rates)
        yield Desk(capsys, runtime, subscription, Leader(tenant_id, strategy_id, account_id, created_at))
        MarkWriter(runtime.redis, PLACE).begin(())
        ComingFunding(runtime.redis).write(PLACE, {})
        with runtime.db.tenant(tenant_id) as session:
            for table in TABLES:
                session.execute(text(f"DELETE FROM {table}"))
    finally:
        runtime.close()


def test_leader_and_follower_stand_side_by_side(desk: Desk) -> None:
    desk.lead(SHORT)
    first, *said = desk.lines("risk", "perpetuals")
    assert first == "1 copied perpetuals"
    assert said == [
        f"  subscription {desk.subscription} of steady: {BTC} short 0.5 at {PLACE}",
        "    trader    100× isolated, margin 2500, liquidated at 50300, 0.6 % away",
        "    follower  20× cross, liquidated at 55000, 10 % away",
        "    funding   0.01 % in 3 h 0 min, about +2.50 USDT; +1.25 USDT so far",
    ]


def test_the_same_is_told_in_json_with_a_share_that_is_nearer(desk: Desk) -> None:
    desk.lead(SHORT._replace(liquidation_px=D(60_000)))
    (one,) = desk.json("risk", "perpetuals")["perpetuals"]
    assert (one["subscription"], one["side"], one["qty"]) == (desk.subscription, "short", "-0.5")
    assert (one["leader"]["leverage"], one["leader"]["distance"]) == (100, "0.2")
    assert (one["follower"]["leverage"], one["follower"]["distance"]) == (20, "0.1")
    assert one["nearer_by"] == "0.1"
    funding = one["funding"]
    assert (funding["rate"], funding["coming"], funding["so_far"]) == ("0.0001", "2.5", "1.25")


def test_risk_status_shows_those_that_are_closest_to_liquidation(desk: Desk) -> None:
    desk.lead(SHORT)
    said = desk.lines("risk", "status")
    at = said.index("  perpetuals closest to liquidation:")
    assert "10 % away" in said[at + 3]
    assert desk.json("risk", "status")["brands"]["aurora"]["perpetuals"][0]["strategy"] == "steady"


def test_what_is_not_known_is_said_so(desk: Desk) -> None:
    ComingFunding(desk.runtime.redis).write(PLACE, {})
    desk.act("UPDATE account_position SET liquidation_px = NULL")
    said = desk.lines("risk", "perpetuals")
    assert said[2:] == [
        "    trader    not looked at yet",
        "    follower  20× cross, the exchange names no price that liquidates it",
        "    funding   the next rate is not known, +1.25 USDT so far",
    ]
    (one,) = desk.json("risk", "perpetuals")["perpetuals"]
    assert (one["leader"], one["follower"]["distance"], one["nearer_by"]) == (None, None, None)


def test_margin_that_the_trader_adds_is_told_with_what_it_means_for_the_follower(desk: Desk) -> None:
    desk.lead(SHORT)
    desk.lead(SHORT._replace(liquidation_px=D(60_300), margin=D(52_500)), before=SHORT)
    said = desk.lines("risk", "perpetuals", "--subscription", str(desk.subscription))[-1]
    assert "The trader added 50,000.00\xa0USDT of margin to BTC/USDT." in said
    assert "when the price moves 20.60\xa0% against it, before it was 0.600\xa0%" in said
    assert said.endswith("Your margin was not changed. Your liquidation price stays nearer by 10.60\xa0% of the price.")
    (change,) = desk.json("risk", "perpetuals", "--subscription", str(desk.subscription))["changes"]
    assert (change["kind"], change["amount"], change["nearer_by"]) == ("margin", "50000", "0.106")


def test_news_of_a_strategy_are_told_the_newest_first(desk: Desk) -> None:
    desk.lead(SHORT)
    less = SHORT._replace(margin=D(2_000), liquidation_px=D(50_200))
    desk.lead(less, before=SHORT)
    desk.lead(less._replace(leverage=50), before=less)
    first, second = desk.lines("strategies", "news", "steady")
    assert "The trader changed the leverage of BTC/USDT from 100× to 50×." in first
    assert "The trader took 500.00\xa0USDT of margin from BTC/USDT." in second
    assert "Your" not in first + second
    told = desk.json("strategies", "news", "steady")["news"]
    assert [one["kind"] for one in told] == ["leverage", "margin"]


def test_a_strategy_without_news_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.json("strategies", "news", "steady") == {"news": []}
