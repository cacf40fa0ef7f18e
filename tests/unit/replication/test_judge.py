"""Judging copies in flight by the exchange's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from copydesk.kernel import CopydeskError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.replication.inflight import OpenCopy
from copydesk.replication.look import Answer, Executions, Verdicts, judge, provable
from copydesk.trading import Denial, Fill, OrderStatus, OrderType, OrderView, Side
from copydesk.venues import TRAITS, VenueTraits
from plan_values import NOW, D

COPY = OpenCopy(
    id=5,
    subscription_id=1,
    signal_id=10,
    account_id=11,
    leg="open",
    symbol="BTC/USDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    qty=D("0.004"),
    px=D(50_250),
    reduces=False,
    client_order_id="cd-1",
    status=OrderStatus.IN_FLIGHT,
    checks=0,
    proof_at=NOW,
    signal_at=NOW,
    planned_at=NOW,
)
FILLED = OrderView(
    "cd-1",
    "77",
    "BTC/USDT",
    Side.BUY,
    OrderStatus.FILLED,
    D("0.004"),
    D("0.004"),
    D(50_000),
    (Fill("t", D("0.004"), D(50_000), D(0), "BTC", NOW),),
    NOW,
)


def judged(answer: Answer, **changed: Any) -> Verdicts:
    return judge([replace(COPY, **changed)], [answer], now=NOW, age_ms_max=20_000)


def test_what_the_exchange_shows_decides() -> None:
    verdicts = judged(FILLED)
    assert [s.status for s in verdicts.settlements] == [OrderStatus.FILLED]
    assert verdicts.resend == []


def test_absence_before_the_proof_decides_nothing() -> None:
    proof_at = NOW + timedelta(milliseconds=1)
    verdicts = judged(None, proof_at=proof_at)
    (answer,) = verdicts.settlements
    assert (answer.status, answer.next_check_at, verdicts.resend) == (OrderStatus.IN_FLIGHT, proof_at, [])


def test_absence_from_the_proof_on_sends_a_fresh_open_again_under_its_id() -> None:
    verdicts = judged(None)
    assert verdicts.settlements == []
    (again,) = verdicts.resend
    request = again.request()
    assert (request.client_order_id, request.qty, request.px) == ("cd-1", D("0.004"), D(50_250))


def test_a_key_that_may_do_too_much_has_closes_sent_again_and_no_opens() -> None:
    denied = {"key_denial": "key_can_transfer"}
    (answer,) = judged(None, **denied).settlements
    assert (answer.status, answer.reason) == (OrderStatus.EXPIRED, Denial.KEY_CAN_TRANSFER)
    assert [copy.id for copy in judged(None, **denied, reduces=True).resend] == [5]


def test_an_open_that_is_too_old_is_not_sent_again() -> None:
    old = NOW - timedelta(seconds=21)
    (answer,) = judged(None, signal_at=old).settlements
    assert (answer.status, answer.reason) == (OrderStatus.EXPIRED, Denial.SIGNAL_TOO_OLD)


def test_a_close_is_sent_again_at_any_age() -> None:
    old = NOW - timedelta(days=1)
    assert len(judged(None, signal_at=old, reduces=True).resend) == 1


def test_an_open_that_the_leader_has_closed_meanwhile_is_not_sent_again() -> None:
    (answer,) = judged(None, wanted=False).settlements
    assert (answer.status, answer.reason) == (OrderStatus.EXPIRED, Denial.NEVER_ARRIVED)


@pytest.mark.parametrize("status", [OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED])
def test_absence_of_an_acknowledged_order_is_no_proof(status: OrderStatus) -> None:
    """Sent again, an order that the exchange took and lost sight of could fill twice."""
    verdicts = judged(None, status=status, proof_at=None, reduces=True)
    (answer,) = verdicts.settlements
    assert (answer.status, verdicts.resend) == (status, [])
    assert answer.next_check_at is not None
    assert answer.next_check_at > NOW


FORGOTTEN = {"status": OrderStatus.ACCEPTED, "venue_order_id": "77", "acked_at": NOW, "proof_at": None}


def part(trade_id: str, qty: str, px: int) -> Fill:
    return Fill(trade_id, D(qty), D(px), D(0), "BTC", NOW)


@pytest.mark.parametrize("reduces", [True, False])
@pytest.mark.parametrize(
    ("fills", "status", "reason", "avg_px"),
    [
        ((), OrderStatus.CANCELED, Denial.ORDER_FORGOTTEN, None),
        ((part("a", "0.001", 50_000),), OrderStatus.CANCELED, Denial.ORDER_FORGOTTEN, D(50_000)),
        ((part("a", "0.001", 50_000), part("b", "0.003", 50_100)), OrderStatus.FILLED, None, D(50_075)),
    ],
    ids=["none", "some", "all"],
)
def test_a_forgotten_order_ends_by_its_executions(
    fills: tuple[Fill, ...], status: OrderStatus, reason: str | None, avg_px: object, reduces: bool
) -> None:
    verdicts = judged(Executions(fills), reduces=reduces, **FORGOTTEN)
    (answer,) = verdicts.settlements
    assert (answer.status, answer.reason, answer.avg_px) == (status, reason, avg_px)
    assert (answer.fills, answer.cum_qty) == (fills, sum((fill.qty for fill in fills), D(0)))
    assert (answer.next_check_at, verdicts.resend) == (None, [])


def test_fewer_executions_than_the_exchange_has_told_before_prove_nothing() -> None:
    known = FORGOTTEN | {"status": OrderStatus.PARTIALLY_FILLED, "cum_qty": D("0.002")}
    (answer,) = judged(Executions((part("a", "0.001", 50_000),)), **known).settlements
    assert (answer.status, answer.fills) == (OrderStatus.PARTIALLY_FILLED, ())
    assert answer.next_check_at == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_absence_becomes_provable_after_the_exchanges_time_and_before_its_executions_are_gone(
    traits: VenueTraits,
) -> None:
    copy = replace(COPY, **FORGOTTEN)
    soon, late = timedelta(seconds=traits.absence_age_s_min), timedelta(seconds=traits.fills_age_s_max)
    ages = [timedelta(0), soon - timedelta(seconds=1), soon, late / 2, late]
    assert [provable(copy, traits, now=NOW + age) for age in ages] == [False, False, True, True, False]


@pytest.mark.parametrize(
    "lacks", [{"status": OrderStatus.IN_FLIGHT}, {"venue_order_id": None}, {"acked_at": None}], ids=str
)
def test_what_was_never_acknowledged_is_not_proven_by_executions(lacks: dict[str, Any]) -> None:
    copy = replace(COPY, **FORGOTTEN | lacks)
    assert not provable(copy, TRAITS["okx"], now=NOW + timedelta(days=1))


def test_an_exchange_or_a_budget_that_says_when_is_asked_again_then() -> None:
    (later,) = judged(Unavailable("spent", retry_after_s=2.5), checks=9).settlements
    assert later.next_check_at == NOW + timedelta(seconds=2.5)


@pytest.mark.parametrize("trouble", [Unavailable("busy"), OutcomeUnknown("?")])
@pytest.mark.parametrize("status", [OrderStatus.IN_FLIGHT, OrderStatus.ACCEPTED])
def test_trouble_in_asking_leaves_the_copy_as_it_is(trouble: CopydeskError, status: OrderStatus) -> None:
    (answer,) = judged(trouble, status=status, checks=2).settlements
    assert (answer.status, answer.reason) == (status, None)
    assert answer.next_check_at == NOW + timedelta(seconds=4)


def test_a_key_that_may_no_longer_ask_is_named() -> None:
    (answer,) = judged(VenueRefused("no such key", code=Denial.KEY_REJECTED)).settlements
    assert (answer.status, answer.reason) == (OrderStatus.IN_FLIGHT, Denial.KEY_REJECTED)
    assert answer.facts == {"message": "no such key"}


def test_each_copy_is_judged_by_its_own_answer() -> None:
    due = [replace(COPY, id=number) for number in (1, 2, 3)]
    verdicts = judge(due, [FILLED, None, Unavailable("busy")], now=NOW, age_ms_max=20_000)
    assert [s.copy_id for s in verdicts.settlements] == [1, 3]
    assert [copy.id for copy in verdicts.resend] == [2]
