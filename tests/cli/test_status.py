"""`copydesk status` on a real database and Redis: what it says, and when it exits 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.cli.status import lane_finding
from copydesk.db.migrate import head_revision
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import (
    LaneFigures,
    Leader,
    LeaderState,
    NewStrategy,
    NewSubscription,
    add_strategy,
    store_trades,
    subscribe,
)
from copydesk.stack import APP_ROLE, PostgresServer, VarDir
from copydesk.trading import Denial, Side
from copydesk.vault import NewAccount, add_account, quarantine
from copydesk.venues import LeaderTrade

SHARD = "binance-lab:0"


@pytest.fixture
def site(shipped_brands: Path, owner_url: str) -> Path:
    """The shipped brands as the current folder, with the session's servers in the environment."""
    # What other tests hold in the session's database is nothing of this installation.
    with psycopg.connect(owner_url) as connection:
        connection.execute("UPDATE subscription SET state = 'ended'")
    return shipped_brands


@pytest.fixture
def late_delivery(site: Path, owner_url: str) -> Iterator[None]:
    """A signal that one lane of aurora should have planned a minute ago."""
    runtime = Runtime()
    try:
        store_signal(runtime, "aurora")
    finally:
        runtime.close()
    with psycopg.connect(owner_url) as connection:
        connection.execute("UPDATE delivery SET created_at = now() - interval '1 minute'")
    yield
    with psycopg.connect(owner_url) as connection:
        connection.execute("DELETE FROM delivery")


@pytest.fixture
def rejected_leader(site: Path, owner_url: str) -> Iterator[int]:
    """The leader account of a strategy of boreal, whose key the exchange does not accept."""
    runtime = Runtime()
    try:
        leader = store_signal(runtime, "boreal")
        with runtime.db.tenant(runtime.tenant_ids["boreal"]) as session:
            quarantine(session, leader, Denial.KEY_REJECTED)
    finally:
        runtime.close()
    yield leader
    with psycopg.connect(owner_url) as connection:
        connection.execute("DELETE FROM delivery")
        connection.execute("UPDATE account SET status = 'active'")


def store_signal(runtime: Runtime, slug: str) -> int:
    """Let a brand's leader trade once, and return the leader's account."""
    tenant_id = runtime.tenant_ids[slug]
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email="a@b.invalid", display_name="A", role=Role.TRADER)
        session.add(user)
        session.flush()
        leader, follower = (
            add_account(session, runtime.vault, NewAccount(user.id, "binance", "lab", label, SHARD, "k" * 64, "s" * 64))
            for label in ("leader", "follower")
        )
        strategy = add_strategy(session, NewStrategy(user.id, leader, "steady", "Steady", "Buys."))
        subscribe(session, NewSubscription(strategy, follower, Decimal(1000)))
        now = utc_now()
        trade = LeaderTrade(
            trade_id="1",
            venue_order_id="1",
            client_order_id="",
            symbol="BTC/USDT",
            side=Side.BUY,
            order_type=None,
            qty=Decimal("0.1"),
            px=Decimal(60_000),
            fee=Decimal(0),
            fee_currency="USDT",
            at_ms=int(now.timestamp() * 1000),
        )
        watched = Leader(tenant_id, strategy, leader, now)
        store_trades(session, watched, [trade], state=LeaderState(Decimal(100_000)), seen_at=now)
    return leader


def status(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = run(["status", "--json", *options])
    out = capsys.readouterr().out
    (line,) = out.splitlines()
    return code, json.loads(line)


def said(found: dict[str, Any], name: str) -> tuple[bool, str]:
    (check,) = [check for check in found["checks"] if check["name"] == name]
    return check["ok"], check["said"]


def test_a_sound_installation_exits_0(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = status(capsys)
    assert (code, found["ok"]) == (0, True)
    assert said(found, "brands") == (True, "aurora, boreal")
    assert said(found, "database") == (True, f"revision {head_revision()}")
    assert said(found, "redis") == (True, "answers")


def test_every_finding_is_one_line_of_standard_output(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 4
    assert all(line.startswith("ok   ") for line in lines)


def test_a_delivery_that_nobody_drains_exits_1(
    site: Path, late_delivery: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = status(capsys)
    ok, sentence = said(found, f"aurora {SHARD}")
    assert (code, ok) == (1, False)
    assert sentence.startswith("not reconciled yet, undrained deliveries 1 (oldest 6")
    assert sentence.endswith("unknown outcomes 0")


def test_a_leader_whose_key_was_rejected_is_named(
    site: Path, rejected_leader: int, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = status(capsys)
    ok, sentence = said(found, "boreal strategy steady")
    assert (code, ok) == (1, False)
    assert sentence == f"not watched: account {rejected_leader} is unusable (key_rejected); renew its key"


def test_a_broken_brand_is_named_with_its_first_error(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site / "tenants" / "aurora" / "tenant.yaml"
    path.write_text(path.read_text().replace("locale_default: en", "locale_default: fr"))
    code, found = status(capsys)
    ok, sentence = said(found, "brands")
    assert (code, ok) == (1, False)
    assert "aurora/tenant.yaml:" in sentence
    assert "copydesk tenant check" in sentence


def test_servers_that_do_not_answer_are_a_line_each(
    site: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://copydesk_app@127.0.0.1:{free_port}/copydesk")
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port}")
    code, found = status(capsys)
    assert code == 1
    assert said(found, "database")[1].startswith("PostgreSQL at DATABASE_URL refuses: ")
    assert said(found, "redis")[1].startswith("Redis at REDIS_URL does not answer: ")


def test_a_database_without_tables_names_the_remedy(
    site: Path,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_server.url(APP_ROLE, "postgres"))
    code, found = status(capsys)
    assert code == 1
    assert said(found, "database") == (False, f"revision none, expected {head_revision()}: run copydesk migrate")


def test_without_addresses_the_embedded_servers_are_looked_for(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    code, found = status(capsys)
    assert code == 1
    assert str(VarDir(site / "var").sockets) in said(found, "database")[1]


@pytest.mark.parametrize(
    ("change", "ok"),
    [
        ({}, True),
        ({"waiting": 1, "waiting_s": 11}, False),
        ({"unknown": 2, "unknown_s": 61}, False),
        ({"reconciled_s": 31, "unchecked_s": 31}, False),
        ({"reconciled_s": 31, "unchecked_s": 31, "busy": False}, True),
        ({"reconciled_s": None, "unchecked_s": 5}, True),
    ],
)
def test_a_lane_is_late_when_work_waits_or_open_books_go_unchecked(change: dict[str, Any], ok: bool) -> None:
    sound: dict[str, Any] = {"reconciled_s": 4, "unchecked_s": 4, "busy": True}
    quiet: dict[str, Any] = {"waiting": 0, "waiting_s": 0, "unknown": 0, "unknown_s": 0}
    lane = LaneFigures(SHARD, **{**sound, **quiet, **change})
    assert lane_finding("aurora", lane, reconcile_every_s=10).ok is ok
