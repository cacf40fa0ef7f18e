"""What the exchange's answer means for a copy: proof, not yet, or unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.replication.outcomes import backoff_s, expired, looks_soon, settlement_of, settlement_of_view
from copydesk.replication.settle import Settlement
from copydesk.trading import Denial, Fill, OrderStatus, OrderView, Side
from copydesk.venues import Outcome, SubmitResult
from plan_values import NOW, D

SENT = 1_772_366_400.0


def settled(result: SubmitResult, *, sent_at: float | None = SENT, checks: int = 0) -> Settlement:
    outcome = Outcome(result, sent_at, None if sent_at is None else sent_at + 0.02)
    return settlement_of(5, outcome, checks=checks, unknown_wait_ms=3000, now=NOW)


def view(status: OrderStatus, cum_qty: str, *, fills: bool = True) -> OrderView:
    fill = Fill("t", D(cum_qty), D(50_000), D(0), "USDT", NOW)
    told = (fill,) if fills and D(cum_qty) else ()
    return OrderView("cd-1", "77", "BTC/USDT", Side.BUY, status, D(1), D(cum_qty), D(50_000), told, NOW)


def test_a_filled_order_is_settled_with_its_fills_and_both_times() -> None:
    answer = settled(view(OrderStatus.FILLED, "1"))
    assert (answer.copy_id, answer.status, answer.reason, answer.cum_qty) == (5, OrderStatus.FILLED, None, D(1))
    assert len(answer.fills) == 1
    assert answer.sent_at == datetime.fromtimestamp(SENT, UTC)
    assert answer.next_check_at is None


@pytest.mark.parametrize("cum_qty", ["0", "0.4"])
def test_an_order_that_ended_short_says_that_the_price_moved(cum_qty: str) -> None:
    answer = settled(view(OrderStatus.EXPIRED, cum_qty))
    assert (answer.status, answer.reason, answer.cum_qty) == (OrderStatus.EXPIRED, Denial.PRICE_MOVED, D(cum_qty))


def test_a_resting_order_is_looked_at_again() -> None:
    answer = settled(view(OrderStatus.ACCEPTED, "0"))
    assert answer.status is OrderStatus.ACCEPTED
    assert answer.next_check_at is not None
    assert answer.next_check_at > NOW


def test_what_was_only_acknowledged_is_looked_at_soon_and_then_every_second() -> None:
    """Most exchanges acknowledge before they match, and a receipt is to show the fill."""
    acknowledged = view(OrderStatus.ACCEPTED, "0")
    assert settled(acknowledged).next_check_at == NOW + timedelta(milliseconds=50)
    later = [settlement_of_view(5, acknowledged, now=NOW, looks=looks).next_check_at for looks in (1, 2, 3)]
    assert later == [NOW + timedelta(milliseconds=ms) for ms in (200, 1_000, 1_000)]


def test_a_refusal_for_the_sake_of_the_key_names_the_exchange_where_that_is_changed() -> None:
    refusal = Outcome(VenueRefused("no", code=Denial.KEY_ADDRESS_REFUSED, venue_code="50110"), SENT, SENT)
    answer = settlement_of(5, refusal, checks=0, unknown_wait_ms=3000, now=NOW, exchange="okx")
    assert answer.facts == {"message": "no", "venue_code": "50110", "exchange": "okx"}


def test_an_ended_order_whose_fills_are_not_all_told_is_not_over_for_us() -> None:
    answer = settled(view(OrderStatus.FILLED, "1", fills=False))
    assert answer.status is OrderStatus.PARTIALLY_FILLED
    assert answer.next_check_at is not None


def test_a_refusal_is_final_and_named() -> None:
    answer = settled(VenueRefused("balance too low", code=Denial.INSUFFICIENT_BALANCE, venue_code="-2010"))
    assert (answer.status, answer.reason) == (OrderStatus.REJECTED, Denial.INSUFFICIENT_BALANCE)
    assert answer.facts == {"message": "balance too low", "venue_code": "-2010"}


def test_a_refusal_that_we_have_no_name_for_is_still_a_refusal() -> None:
    assert settled(VenueRefused("odd", code="odd")).reason is Denial.VENUE_REFUSED


def test_what_provably_never_left_may_be_sent_again_at_once() -> None:
    answer = settled(Unavailable("busy", retry_after_s=0), sent_at=None)
    assert (answer.status, answer.reason) == (OrderStatus.IN_FLIGHT, Denial.VENUE_UNAVAILABLE)
    assert answer.proof_at == NOW
    assert answer.next_check_at == NOW + timedelta(seconds=1)


def test_the_exchange_decides_how_long_we_wait_if_that_is_longer() -> None:
    assert settled(Unavailable("banned", retry_after_s=120)).next_check_at == NOW + timedelta(seconds=120)
    assert settled(Unavailable("busy"), checks=3).next_check_at == NOW + timedelta(seconds=8)


def test_what_may_be_sent_in_a_moment_is_looked_at_in_a_moment() -> None:
    soon = settled(Unavailable("a lease is on its way", retry_after_s=0.05), checks=3)
    assert soon.next_check_at == NOW + timedelta(seconds=0.05)
    assert looks_soon([soon])
    assert settled(Unavailable("still on its way", retry_after_s=0.05), checks=4).next_check_at == NOW + timedelta(
        seconds=1
    )
    assert not looks_soon([settled(Unavailable("banned", retry_after_s=120))])


def test_the_unknown_is_asked_about_now_and_believed_absent_only_later() -> None:
    answer = settled(OutcomeUnknown("timed out"))
    assert (answer.status, answer.reason, answer.next_check_at) == (OrderStatus.IN_FLIGHT, None, NOW)
    assert answer.proof_at == datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=3)


def test_the_unknown_without_a_time_of_sending_counts_from_now() -> None:
    assert settled(OutcomeUnknown("?"), sent_at=None).proof_at == NOW + timedelta(seconds=3)


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [backoff_s(checks) for checks in (0, 1, 2, 4, 5, 6, 1000)] == [1, 2, 4, 16, 30, 30, 30]


def test_a_copy_that_never_arrived_ends_with_its_reason() -> None:
    assert expired(5, Denial.NEVER_ARRIVED) == Settlement(5, OrderStatus.EXPIRED, reason=Denial.NEVER_ARRIVED)
