"""`copydesk strategies whatif` on a real database: what it answers, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.marks import Listings
from copydesk.replication import NewStrategy, add_strategy, strategy_lines
from copydesk.replication.tables import EquityPoint, Signal
from copydesk.trading import Instrument
from copydesk.vault import Account

D = Decimal
RULES = Instrument(
    "binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5)
)
SLUG = "steady"
WHATIF = ("strategies", "whatif", SLUG, "--tenant", "aurora")


@pytest.fixture
def runtime(shipped_brands: Path) -> Iterator[Runtime]:
    """The shipped brands, with one strategy that bought a coin a while ago and sold it dearer."""
    runtime = Runtime()
    with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
        if SLUG not in {line.slug for line in strategy_lines(session)}:
            trade(session)
    yield runtime
    runtime.close()


def trade(session: TenantSession) -> None:
    """Let a new leader, worth 100,000, gain 5,000 with one coin."""
    tenant_id, now = session.tenant_id, utc_now()
    user = User(tenant_id=tenant_id, email="lead@b.invalid", display_name="Lead", role=Role.TRADER)
    session.add(user)
    session.flush()
    account = Account(
        tenant_id=tenant_id, user_id=user.id, venue="binance", environment="lab", label="one", shard="binance-lab:0"
    )
    session.add(account)
    session.flush()
    strategy = add_strategy(session, NewStrategy(user.id, account.id, SLUG, "Steady", "One sentence."))
    seen = now - timedelta(days=2)
    session.add(EquityPoint(tenant_id=tenant_id, strategy_id=strategy, at=seen, equity=D(100_000)))
    for order, (before, after, px, hours) in enumerate(((0, 1, 50_000, 20), (1, 0, 55_000, 10)), 1):
        at = now - timedelta(hours=hours)
        session.add(
            Signal(
                tenant_id=tenant_id,
                strategy_id=strategy,
                account_id=account.id,
                symbol="BTC/USDT",
                side="buy" if after else "sell",
                venue_order_id=str(order),
                cum_qty=D(1),
                qty=D(1),
                px=D(px),
                position_before=D(before),
                position_after=D(after),
                leader_equity=D(100_000),
                venue_at=at,
                seen_at=at,
            )
        )


@pytest.mark.usefixtures("runtime")
def test_before_the_rules_are_known_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(WHATIF) == 1
    assert "What binance-lab takes is not known" in capsys.readouterr().err


def test_it_tells_the_gain_after_all_costs(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    Listings(runtime.redis).write("binance-lab", {"BTC/USDT": RULES})
    assert run((*WHATIF, "--amount", "1000", "--days", "30", "--json")) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["opening_orders"], told["copied"], told["closing_orders"]) == (1, 1, 1)
    # One hundredth of the leader's gain of 5,000, less a thousandth of each order, less a tenth for the trader.
    assert Decimal(told["kept"]) == pytest.approx(D(1_000) + (50 - D("0.5") - D("0.55")) * D("0.9"), abs=D("0.1"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--amount", "nothing"), "--amount: expected a number above zero, found 'nothing'"),
        (("--sizing", "fixed_notional"), "value: expected a number above zero, found none"),
    ],
)
def test_numbers_that_are_none_are_refused_in_one_sentence(
    runtime: Runtime, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    Listings(runtime.redis).write("binance-lab", {"BTC/USDT": RULES})
    assert run((*WHATIF, *options)) == 1
    assert sentence in capsys.readouterr().err
