"""The exchange executes and does not say so, says so and does not execute, or says nothing that can be read."""

from __future__ import annotations

from itertools import islice
from typing import Any

from simulation_desk import Desk
from simulation_verdict import placed_by

# What strikes, and whether the exchange executes the order all the same.
DOUBTS: list[dict[str, Any]] = [
    {"harm": "status", "status": 504, "executes": True},
    {"harm": "garbage", "executes": True},
    {"harm": "execute_then_drop"},
    {"harm": "status", "status": 503, "executes": False},
    {"harm": "drop"},
]
REFUSED = {"status": 400, "body": '{"code":-2010,"msg":"This action is disabled on this account."}'}


def strike_each(desk: Desk) -> int:
    """Let every doubt befall the next order of three followers, and return how many orders that concerns."""
    accounts = iter(desk.north.ratios)
    struck = [
        desk.exchange.harm(account=account, times=1, **doubt) for doubt in DOUBTS for account in islice(accounts, 3)
    ]
    return len(struck)


def faults_since(desk: Desk, after_seq: int) -> int:
    return sum(record["kind"] == "fault" and record["seq"] > after_seq for record in desk.exchange.records())


def test_a_lost_answer_to_every_fifth_order_leaves_books_that_agree_with_the_exchange(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.exchange.harm("execute_then_drop", every=5)
    desk.north.buy()
    desk.await_verdict(desk.north, seq, healing="every fifth answer lost")
    struck = faults_since(desk, seq)
    desk.exchange.heal()
    desk.exchange.harm("execute_then_drop", every=5)
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=2)
    assert struck >= 6
    assert desk.unbooked(desk.north) == 0


def test_whatever_the_exchange_answers_no_order_is_doubled_or_lost(desk: Desk) -> None:
    seq = desk.exchange.now()
    struck = strike_each(desk)
    desk.north.buy()
    desk.await_verdict(desk.north, seq, healing="504, garbage, lost answers, 503, drops: opens")
    assert faults_since(desk, seq) == struck

    struck += strike_each(desk)
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=2, healing="504, garbage, lost answers, 503, drops: closes")
    assert faults_since(desk, seq) == struck
    assert desk.unbooked(desk.north) == 0


def test_an_open_that_never_arrived_is_not_sent_once_the_leader_is_flat(desk: Desk) -> None:
    seq = desk.exchange.now()
    victims = list(desk.north.ratios)[:3]
    for account in victims:
        desk.exchange.harm("drop", account=account, times=1)
    desk.north.buy()
    others = len(desk.north.ratios) - len(victims)
    desk.await_orders(desk.north, seq, others)
    desk.north.sell_all()
    desk.await_orders(desk.north, seq, 2 * others)
    desk.await_calm()
    desk.await_reconcile()
    assert not placed_by(desk.exchange.records(), victims, seq), desk.where()
    assert {reason for account in victims for reason in desk.reasons(desk.north, account)} >= {"never_arrived"}


def test_a_close_that_is_refused_is_made_good_by_reconciling(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.north.buy()
    desk.await_copied(desk.north, seq)
    for account in list(desk.north.ratios)[:4]:
        desk.exchange.harm("status", account=account, times=1, **REFUSED)
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=2, healing="closes refused")
    assert desk.unbooked(desk.north) == 0
