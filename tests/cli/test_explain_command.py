"""`copydesk explain` on a real database: what it says, in which language, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import (
    Leader,
    LeaderState,
    NewStrategy,
    NewSubscription,
    add_strategy,
    store_trades,
    subscribe,
)
from copydesk.trading import Side
from copydesk.vault import Account
from copydesk.venues import LeaderTrade
from sqlalchemy import text

SHARD = "binance-lab:0"
COPY = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, side, type, qty, px,
                      reduces, client_order_id, status, epoch, venue_order_id, cum_qty, avg_px, planned_at, sent_at,
                      acked_at, wanted_qty, allocation, book_qty, bound)
    SELECT s.tenant_id, :subscription, s.id, u.account_id, :shard, 'open', s.symbol, 'buy', 'limit', 0.004, 60300,
           false, 'cd-abc', 'filled', 1, '991', 0.004, 60006, s.venue_at + interval '18 ms',
           s.venue_at + interval '21 ms', s.venue_at + interval '80 ms', 0.0042, 1000, 0, 'step'
    FROM signal s, subscription u WHERE s.id = :signal AND u.id = :subscription RETURNING id
    """
)
CORRECTION = "UPDATE copy SET leg = 'fix-1', side = 'sell', reduces = true, book_qty = 0.01 WHERE signal_id = :signal"
FILL = text(
    """
    INSERT INTO copy_fill (tenant_id, copy_id, trade_id, subscription_id, symbol, side, qty, px, fee, fee_currency, at)
    SELECT tenant_id, id, 't1', subscription_id, symbol, side, 0.004, 60006, 0.000004, 'BTC', acked_at FROM copy
    WHERE id = :copy
    """
)


@dataclass(frozen=True)
class Told:
    """The ids of one brand's copied signal, and of another brand's subscription."""

    subscription: int
    signal: int
    elsewhere: int

    def argv(self, *options: str) -> list[str]:
        return ["explain", str(self.subscription), str(self.signal), "--tenant", "aurora", *options]


@pytest.fixture
def copied(shipped_brands: Path) -> Iterator[Told]:
    """The shipped brands as the current folder; aurora's leader bought 0.42 BTC and one follower has copied it."""
    runtime = Runtime()
    try:
        with runtime.db.tenant(runtime.tenant_ids["boreal"]) as session:
            _, elsewhere = strategy(session)
        with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
            leader, subscription = strategy(session)
            state = LeaderState(Decimal(100_000))
            (signal,) = store_trades(session, leader, [bought()], state=state, seen_at=utc_now())
            keys = {"subscription": subscription, "signal": signal.id, "shard": SHARD}
            session.execute(FILL, {"copy": session.execute(COPY, keys).scalar_one()})
    finally:
        runtime.close()
    yield Told(subscription, signal.id, elsewhere)


def strategy(session: TenantSession) -> tuple[Leader, int]:
    """Let one account copy another; return the leader and the subscription."""
    tenant_id, name = session.tenant_id, utc_now().isoformat()
    user = User(tenant_id=tenant_id, email=f"{name}@b.invalid", display_name="Mara Lind", role=Role.TRADER)
    session.add(user)
    session.flush()
    leader, follower = (
        Account(tenant_id=tenant_id, user_id=user.id, venue="binance", environment="lab", label=label, shard=SHARD)
        for label in ("leader", "follower")
    )
    session.add_all([leader, follower])
    session.flush()
    strategy_id = add_strategy(session, NewStrategy(user.id, leader.id, f"steady-{leader.id}", "Steady", "Buys."))
    subscription = subscribe(session, NewSubscription(strategy_id, follower.id, Decimal(1000)))
    session.execute(text("UPDATE subscription SET created_at = now() - interval '1 hour'"))
    return Leader(tenant_id, strategy_id, leader.id, utc_now() - timedelta(hours=1)), subscription


def bought() -> LeaderTrade:
    at_ms = int(utc_now().timestamp() * 1000)
    px = Decimal(60_000)
    return LeaderTrade("1", "77", "", "BTC/USDT", Side.BUY, None, Decimal("0.42"), px, Decimal(0), "USDT", at_ms)


def said(capsys: pytest.CaptureFixture[str], argv: list[str], code: int = 0) -> str:
    assert run(argv) == code
    caught = capsys.readouterr()
    return " ".join((caught.err if code else caught.out).replace("\u00a0", " ").split())


def test_it_tells_the_leaders_side_the_decision_and_what_came_of_it(
    copied: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    out = said(capsys, copied.argv())
    for part in (
        f"Signal {copied.signal} of Steady by Mara Lind",
        "bought 0.42 BTC @ 60,000.00 (25,200.00 USDT), Binance",
        "Position 0 → 0.42 BTC",
        "Share of the equity 25.20 %",
        "What is copied what the trader's orders fill",
        "Factor × 0.01",
        "Opening order: Copied",
        "Buy 0.004 BTC · limit 60,300.00",
        "Wanted 0.0042 BTC, 0.004 BTC sent: rounded down to the exchange's step.",
        "0.004 / 0.004 BTC @ 60,006.00",
        "+1.0 bps",
        "0.004 BTC @ 60,006.00, fee 0.000004 BTC",
        "18 ms · 21 ms · 80 ms",
        "Our order number cd-abc",
        "Exchange's order number 991",
    ):
        assert part in out


def test_it_speaks_the_language_that_was_asked_for(copied: Told, capsys: pytest.CaptureFixture[str]) -> None:
    german = said(capsys, copied.argv("--locale", "de"))
    assert "Gewünscht 0,0042 BTC, gesendet 0,004 BTC: auf den Mengenschritt der Börse abgerundet." in german
    assert "Eröffnende Order: Kopiert" in german
    assert "خطوة المنصة" in said(capsys, copied.argv("--locale", "ar"))


def test_json_is_one_line_with_every_number_as_exact_text(copied: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(copied.argv("--json")) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told: dict[str, Any] = json.loads(line)
    assert (told["equity_share"], told["ratio"], told["absence"]) == ("0.252", "0.01", None)
    (copy,) = told["copies"]
    assert copy["decision"]["wanted_qty"] == "0.0042"
    assert (copy["decision"]["bound"], copy["decision"]["sizing"]) == ("step", "step")
    assert copy["slippage_bps"] == "1"
    assert copy["fills"][0]["fee"] == "0.000004"
    assert told["signal"]["fact"]["px"] == "60000"


def test_a_correction_says_why_it_was_made_in_every_language(copied: Told, capsys: pytest.CaptureFixture[str]) -> None:
    runtime = Runtime()
    try:
        with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
            session.execute(text(CORRECTION), {"signal": copied.signal})
    finally:
        runtime.close()
    out = said(capsys, copied.argv())
    assert "Correction: Copied" in out
    assert "Why this order The book held 0.01 BTC and was to hold 0.0058 BTC, so 0.004 BTC was closed." in out
    german = said(capsys, copied.argv("--locale", "de"))
    assert "Warum diese Order Das Buch hielt 0,01 BTC und sollte 0,0058 BTC halten" in german
    assert "سبب هذا الأمر" in said(capsys, copied.argv("--locale", "ar"))
    assert run(copied.argv("--json")) == 0
    (copy,) = json.loads(capsys.readouterr().out)["copies"]
    assert copy["purpose"].replace("\u00a0", " ").startswith("The book held 0.01 BTC and was to hold 0.0058 BTC")


def test_the_last_signal_needs_no_number(copied: Told, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, ["explain", "--last", str(copied.subscription), "--tenant", "aurora"])
    assert out.startswith(f"Signal {copied.signal} of Steady")


def test_ids_that_the_brand_does_not_have_are_refused_in_one_sentence(
    copied: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, missing = str(copied.subscription), "999999999"
    for argv, sentence in (
        ([ours, missing], f"copydesk: There is no signal {missing}."),
        ([missing, str(copied.signal)], f"copydesk: There is no subscription {missing}."),
        ([str(copied.elsewhere), str(copied.signal)], f"copydesk: There is no subscription {copied.elsewhere}."),
        (["--last", missing], f"copydesk: There is no subscription {missing}."),
    ):
        assert said(capsys, ["explain", *argv, "--tenant", "aurora"], code=1) == sentence
    assert said(capsys, ["explain", ours, "1", "--tenant", "nobody"], code=1) == "copydesk: there is no brand nobody"


@pytest.mark.parametrize("argv", [[], ["3"], ["3", "4", "--last", "3"]], ids=" ".join)
def test_it_must_be_said_which_signal_is_meant(
    copied: Told, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Name a subscription and a signal, or --last" in said(
        capsys, ["explain", *argv, "--tenant", "aurora"], code=2
    )


def test_a_number_that_no_row_can_have_is_refused_by_its_option(
    copied: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is not in the range" in said(capsys, ["explain", str(2**63), "1", "--tenant", "aurora"], code=2)


def test_an_exchange_that_cannot_be_asked_for_its_rules_is_named(
    copied: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COPYDESK_LAB_REST", "http://127.0.0.1:1")
    assert said(capsys, copied.argv("--rules"), code=1).startswith("copydesk: ")
