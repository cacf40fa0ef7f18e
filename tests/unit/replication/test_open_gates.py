"""Orders that open ask at the moment they are written; closes are never asked about a switch."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from copydesk.kernel import OutcomeUnknown, Unavailable
from copydesk.replication.dispatch import Dispatch, parts_of
from copydesk.replication.gates import OpenGate
from copydesk.risk import Reach, Spot, Stops, SwitchBoard, SwitchesNow, ThrownSwitch
from copydesk.trading import OrderRequest, OrderStatus, OrderType, Side
from copydesk.venues import Outcome

SWITCH = ThrownSwitch(3, 1, Reach.TENANT, "", Stops.OPENS, "drill", "Mara", datetime(2026, 1, 5, tzinfo=UTC))
THROWN = SwitchBoard(1, (), {1: (SWITCH,)})
SPOT = Spot(1, "binance-lab", "BTC/USDT", 5)


def order(number: int, *, reduces: bool = False, symbol: str = "BTC/USDT", strategy_id: int = 5) -> Dispatch:
    request = OrderRequest(f"cd-{number}", symbol, Side.BUY, OrderType.MARKET, Decimal(1), reduces=reduces)
    return Dispatch(number, number, request, strategy_id=strategy_id)


def test_a_gate_shuts_between_two_orders_and_does_not_open_again() -> None:
    now = SwitchesNow()
    gate = OpenGate(now, SPOT, lambda: True)
    assert gate()
    now.board = THROWN
    assert not gate()
    now.board = SwitchBoard(2)
    assert not gate()
    assert gate.switch == SWITCH


def test_a_switch_of_another_brand_shuts_no_gate() -> None:
    now = SwitchesNow()
    gate = OpenGate(now, SPOT._replace(tenant_id=2), lambda: True)
    now.board = THROWN
    assert gate()


def test_a_gate_lets_nothing_through_that_the_lease_does_not() -> None:
    gate = OpenGate(SwitchesNow(), SPOT, lambda: False)
    assert not gate()
    assert gate.switch is None


def test_closes_are_sent_first_and_through_no_gate() -> None:
    batch = [order(1), order(2, reduces=True), order(3, symbol="ETH/USDT"), order(4), order(5, strategy_id=6)]
    parts = parts_of(batch, SwitchesNow(THROWN), tenant_id=1, shard="binance-lab:0", may_send=lambda: True)
    assert [[item.copy_id for item in part.items] for part in parts] == [[2], [1, 4], [3], [5]]
    assert [part.may_send() for part in parts] == [True, False, False, False]


def test_what_was_written_before_the_gate_shut_is_no_matter_of_the_switch() -> None:
    gate = OpenGate(SwitchesNow(THROWN), SPOT, lambda: True)
    assert not gate.held_back(Outcome(OutcomeUnknown("no answer"), 12.5, None))
    assert not gate.held_back(Outcome(Unavailable("busy"), 12.5, 12.6))
    assert gate.held_back(Outcome(Unavailable("not sent"), None, None))


def test_what_was_held_back_has_ended_and_says_why() -> None:
    settlement = OpenGate(SwitchesNow(THROWN), SPOT, lambda: True).settlement(9)
    assert (settlement.copy_id, settlement.status, settlement.next_check_at) == (9, OrderStatus.REJECTED, None)
    assert settlement.reason == "stopped_by_switch"
    assert settlement.facts == {"reach": "tenant", "subject": "", "reason": "drill"}
