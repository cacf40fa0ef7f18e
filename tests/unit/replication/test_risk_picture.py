"""Who is closest to a limit, counted exactly, and what is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from copydesk.replication.exposure import Exposure, HeldBook
from copydesk.replication.risk_picture import Desk, Near, nearest
from copydesk.risk.acts import ActState, Owner
from copydesk.risk.grammar import parse
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.store import StoredLimits
from copydesk.risk.waters import Waters
from copydesk.trading import PositionSide, SubscriptionState

D = Decimal
PLACE, BTC = "binance-lab", "BTC/USDT"
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
DRAWDOWN, WARNING = "drawdown > 20 % of equity -> close_and_disarm", "drawdown > 10 % of equity -> warn"


def held(
    number: int, qty: str, paid: str, *, account: int = 0, state: SubscriptionState = SubscriptionState.SYNCED
) -> Exposure:
    """Return a subscription of 1000 that has bought `qty` for `paid`."""
    books = (HeldBook(BTC, PositionSide.NET, D(qty), D(paid), -D(paid)),) if D(qty) else ()
    return Exposure(number, 1, account or number, f"{PLACE}:0", state, D(1000), books)


def closest(
    *exposures: Exposure,
    limits: tuple[tuple[str, int, str], ...] = (("tenant", 0, DRAWDOWN),),
    newest: Mapping[Owner, tuple[ActState, int]] | None = None,
    px: str | None = "100",
) -> tuple[tuple[Near, ...], int]:
    desk = Desk(
        exposures,
        StoredLimits(limits),
        {("subscription", one.subscription_id): Waters.begun(D(1000), BEGAN) for one in exposures},
        newest or {},
        {1: "steady"},
    )
    marks = {} if px is None else {(PLACE, BTC): D(px)}
    return nearest(desk, (), marks, currency="USDT")


def test_whoever_has_least_left_of_its_equity_comes_first() -> None:
    # 5 coins for 500 each: worth 500 at 100; what is paid above is lost.
    found, unpriced = closest(held(1, "5", "500"), held(2, "5", "650"), held(3, "5", "600"))
    assert [near.number for near in found] == [2, 3, 1]
    worst = found[0]
    assert (worst.equity, worst.level.at, worst.level.left) == (D(850), D(800), D(50))
    assert worst.ratio == D(50) / D(850)
    assert (worst.strategy, unpriced) == ("steady", 0)


def test_of_several_limits_the_nearest_is_told() -> None:
    (near,), _ = closest(held(1, "5", "550"), limits=(("tenant", 0, DRAWDOWN), ("subscription", 1, WARNING)))
    assert (near.level.at, near.level.left) == (D(900), D(50))


def test_what_was_done_already_is_not_told_again() -> None:
    warned = {("subscription", 1): (ActState.WARNED, 1)}
    limits = (("tenant", 0, DRAWDOWN), ("subscription", 1, WARNING))
    (near,), _ = closest(held(1, "5", "650"), limits=limits, newest=warned)
    assert near.level.at == D(800)


def test_a_limit_that_is_past_and_did_nothing_comes_before_all_others() -> None:
    found, _ = closest(held(1, "5", "600"), held(2, "5", "750"))
    assert (found[0].number, found[0].level.broken) == (2, True)


def test_whoever_was_stopped_and_is_flat_is_left_out() -> None:
    closed = {("subscription", 1): (ActState.CLOSED, 1)}
    assert closest(held(1, "0", "0", state=SubscriptionState.DISARMED), newest=closed) == ((), 0)


def test_whoever_runs_again_after_a_stop_is_watched_again() -> None:
    closed = {("subscription", 1): (ActState.CLOSED, 1)}
    found, _ = closest(held(1, "5", "600"), newest=closed)
    assert [near.number for near in found] == [1]


@pytest.mark.parametrize("qty", ["5", "-5"])
def test_without_a_mark_nothing_is_guessed(qty: str) -> None:
    assert closest(held(1, qty, "600"), px=None) == ((), 1)


def test_all_of_an_account_together_have_a_limit_of_their_own() -> None:
    limits = (("account", 7, "loss > 15 % of equity -> close"),)
    found, _ = closest(held(1, "5", "600", account=7), held(2, "5", "700", account=7), limits=limits)
    assert [(near.scope, near.number, near.equity, near.level.at) for near in found] == [
        ("account", 7, D(1700), D(1700))
    ]


def test_a_limit_of_the_files_holds_for_everybody() -> None:
    files = (Scoped(Scope.PLATFORM, parse("loss > 500 USDT -> close")),)
    desk = Desk([held(1, "5", "600")], StoredLimits(()), {}, {}, {})
    (near,), _ = nearest(desk, files, {(PLACE, BTC): D(100)}, currency="USDT")
    assert (near.scoped.scope, near.level.left, near.strategy) == (Scope.PLATFORM, D(400), "1")
