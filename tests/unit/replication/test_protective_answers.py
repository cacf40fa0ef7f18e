"""What an answer means for the stop that rests at an exchange: what was filled is booked, what is unknown is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.replication import Filled, Progress, Protective, StopAnswer, after_look, after_placing
from copydesk.risk.protection import Protection, ProtectiveState
from copydesk.trading import Denial, Fill, OrderStatus, OrderView, PositionSide, Side
from copydesk.venues import Outcome

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TERMS = Protection(Side.SELL, D("0.5"), D(50))
STOP = Protective(
    1, 17, 3, "binance-lab:0", "BTC/USDT:USDT", PositionSide.NET, 2, TERMS, "cd-1", ProtectiveState.RESTING
)
PLACING = STOP._replace(state=ProtectiveState.PLACING, proof_at=NOW + timedelta(seconds=3))
CANCELING = STOP._replace(state=ProtectiveState.CANCELING)


def view(status: OrderStatus, cum_qty: str = "0", told: str = "0") -> OrderView:
    fills = (Fill("1", D(told), D(49), D(0), "USDT", NOW),) if D(told) else ()
    return OrderView("cd-1", "77", STOP.symbol, Side.SELL, status, D("0.5"), D(cum_qty), None, fills)


def looked(stop: Protective, answer: StopAnswer) -> Progress | Filled:
    return after_look(stop, answer, NOW, MINUTE)


def test_a_stop_that_rests_is_verified_and_asked_about_a_minute_later() -> None:
    found = looked(STOP, view(OrderStatus.ACCEPTED))
    assert found == Progress(STOP, ProtectiveState.RESTING, NOW + MINUTE, verified=True)


def test_a_stop_is_booked_once_all_of_its_fills_are_told() -> None:
    assert looked(STOP, view(OrderStatus.FILLED, "0.5", "0.5")) == Filled(STOP, view(OrderStatus.FILLED, "0.5", "0.5"))
    for lagging in (view(OrderStatus.FILLED, "0.5", "0.2"), view(OrderStatus.PARTIALLY_FILLED, "0.2", "0.2")):
        found = looked(STOP, lagging)
        assert isinstance(found, Progress)
        assert (found.state, found.look_at) == (ProtectiveState.RESTING, NOW + timedelta(milliseconds=300))


def test_what_a_canceled_stop_was_filled_before_is_booked() -> None:
    assert isinstance(looked(CANCELING, view(OrderStatus.CANCELED, "0.2", "0.2")), Filled)


def test_a_stop_that_somebody_canceled_is_over_so_that_another_is_placed() -> None:
    found = looked(STOP, view(OrderStatus.CANCELED))
    assert isinstance(found, Progress) and found.state is ProtectiveState.CANCELED


def test_a_cancellation_that_has_not_come_through_is_asked_about_again() -> None:
    found = looked(CANCELING, view(OrderStatus.ACCEPTED))
    assert isinstance(found, Progress)
    assert (found.state, found.verified) == (ProtectiveState.CANCELING, False)


@pytest.mark.parametrize(
    ("stop", "now", "state"),
    [
        pytest.param(PLACING, NOW, ProtectiveState.PLACING, id="it may still arrive"),
        pytest.param(PLACING, NOW + timedelta(seconds=3), ProtectiveState.ABSENT, id="it never arrived"),
        pytest.param(STOP, NOW, ProtectiveState.ABSENT, id="it rested, and is gone"),
    ],
)
def test_no_such_order_is_proof_only_after_a_while(stop: Protective, now: datetime, state: ProtectiveState) -> None:
    found = after_look(stop, None, now, MINUTE)
    assert isinstance(found, Progress) and found.state is state


@pytest.mark.parametrize("trouble", [Unavailable("busy"), OutcomeUnknown("silence"), VenueRefused("bad key")])
def test_trouble_in_asking_changes_nothing_and_is_asked_later(trouble: Exception) -> None:
    assert isinstance(trouble, (Unavailable, OutcomeUnknown, VenueRefused))
    found = looked(STOP, trouble)
    assert isinstance(found, Progress)
    assert (found.state, found.verified) == (ProtectiveState.RESTING, False)
    assert found.look_at is not None and found.look_at > NOW


def test_what_the_budget_refused_counts_as_no_look_so_that_its_lane_sets_the_pace() -> None:
    refused, silent = looked(STOP, Unavailable("spent", retry_after_s=42)), looked(STOP, OutcomeUnknown("silence"))
    assert isinstance(refused, Progress) and isinstance(silent, Progress)
    assert (refused.looks, silent.looks) == (0, 1)
    assert refused.look_at == NOW + timedelta(milliseconds=300)


def test_a_refused_stop_says_why_and_one_without_an_answer_is_never_sent_again() -> None:
    refused = Outcome(VenueRefused("too many", code=Denial.VENUE_REFUSED, venue_code="-4045"), 0.0, 0.0)
    found = after_placing(PLACING, refused, NOW, MINUTE)
    assert isinstance(found, Progress) and found.state is ProtectiveState.REFUSED
    assert found.reason == "venue_refused: too many"
    unknown = after_placing(PLACING, Outcome(OutcomeUnknown("silence"), 0.0, None), NOW, MINUTE)
    assert isinstance(unknown, Progress) and unknown.state is ProtectiveState.PLACING
