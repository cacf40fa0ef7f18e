"""Perpetuals after a crash: a snapshot and the journal's tail give the accounts back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import decimal_text
from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.model import AMENDED, NEW, Attached, Event, OrderUpdate
from copydesk.venues.lab.perp import PerpEngine, recover_perp
from copydesk.venues.lab.records import record_of
from lab_perp import OTHER, SYMBOL, held, limit, market, perps_with, placed, quoted

D = Decimal


def _records(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Write events down as the journal does, with the fields that recovery reads."""
    rows = []
    for event in events:
        if isinstance(event, OrderUpdate):
            rows.append(_order_record(event))
            continue
        record = record_of(event)
        if record is not None:
            rows.append({"kind": record[0], "at_ms": 9, **record[1]})
    return json.loads(json.dumps(rows, default=decimal_text))  # type: ignore[no-any-return]


def _order_record(event: OrderUpdate) -> dict[str, Any]:
    order, execution = event.order, event.execution
    if execution is not None:
        return {"kind": "execution", "at_ms": 9, **execution._asdict()}
    row = {"kind": "order", "at_ms": 9, "change": event.change, "status": event.status, "account": order.account}
    row |= {"order_id": order.order_id, "client_order_id": order.client_order_id, "reason": order.reason}
    if event.change in (NEW, AMENDED):
        names = ("symbol", "side", "type", "qty", "quote_qty", "px", "tif", "market", "position_side", "reduce_only")
        names += ("expire_ms", "margin_mode", "tag", "conditional_id")
        row |= {name: getattr(order, name) for name in names}
    return row


def _busy_day(engine: PerpEngine) -> list[Event]:
    """Do a little of everything, as the journal would see it."""
    events: list[Event] = []
    events += engine.set_leverage("a", SYMBOL, 10, 1).events
    events += engine.set_margin_mode("b", SYMBOL, "isolated", 1).events
    events += engine.set_position_mode("c", True, 1).events
    quoted(engine, "99", "101")
    events += placed(engine, market("a", "buy", "3")).events
    events += placed(engine, market("b", "sell", "2")).events
    events += placed(engine, market("c", "buy", "1", position_side="long")).events
    events += engine.move_margin("b", SYMBOL, "net", D(7), 2).events
    events += engine.set_leverage("b", SYMBOL, 5, 2).events
    resting = placed(engine, limit("a", "sell", "2", "120", reduce_only=True))
    events += resting.events
    events += placed(engine, limit("a", "buy", "1", "90", tif="GTD", expire_ms=500)).events
    assert resting.order is not None
    events += engine.amend("a", SYMBOL, resting.order.order_id, qty=D("1.5"), now_ms=3).events
    attached = limit("c", "buy", "1", "95", position_side="long")._replace(stop_loss=Attached(D(50), None, "mark"))
    events += placed(engine, attached).events
    stop = NewConditional(market("a", "sell", "1"), "stop", D(60), "mark", client_id="s")
    events += engine.place_conditional(stop, 3).events
    events += engine.fund(SYMBOL, D("0.0007"), 4)
    events += placed(engine, market("a", "sell", "1")).events
    engine.place_quotes(SYMBOL, [], [], 5)
    return events + engine.mark(SYMBOL, D(170), D(170), 5)


def _facts(engine: PerpEngine) -> dict[str, Any]:
    """Tell what accounts must find again."""
    state = json.loads(json.dumps(engine.snapshot()))
    facts: dict[str, Any] = {}
    for name in ("a", "b", "c"):
        row = state["accounts"][name]
        legs = [leg[:6] for leg in row["legs"]]
        orders = [[o["order_id"], o["status"], o["qty"], o["leaves"]] for o in row["open"] + row["finished"]]
        facts[name] = row["balances"], row["hedge"], row["configs"], legs, sorted(orders), engine.margin(name)
    facts["conditionals"] = sorted([c["conditional_id"], c["status"], c["active"]] for c in state["conditionals"])
    return facts


def test_the_journals_tail_gives_back_what_the_snapshot_does_not_know() -> None:
    engine = perps_with("a", "b", "c")
    saved = json.loads(json.dumps(engine.snapshot()))
    events = _busy_day(engine)
    rebuilt = PerpEngine.restore(saved)
    rebuilt.mark(SYMBOL, D(170), D(170), 5)
    assert recover_perp(rebuilt, _records(events)) > 20
    assert held(engine, "b").qty == 0
    assert _facts(rebuilt) == _facts(engine)
    assert rebuilt.order_id >= engine.order_id - 1
    assert rebuilt.clearing.trade_id > engine.clearing.trade_id


def test_recovery_neither_makes_nor_loses_money() -> None:
    engine = perps_with("a", "b", "c")
    saved = json.loads(json.dumps(engine.snapshot()))
    events = _busy_day(engine)
    rebuilt = PerpEngine.restore(saved)
    recover_perp(rebuilt, _records(events))
    legs = [leg for account in rebuilt.account_table.values() for leg in account.legs.values()]
    money = sum(purse.balances["USDT"].free for purse in rebuilt.purses.values())
    assert money - sum(leg.cost for leg in legs) == D(3000)
    assert sum(leg.qty for leg in legs if leg.symbol == SYMBOL) == 0


def test_money_from_outside_comes_back_by_the_wallet_it_went_to() -> None:
    engine = perps_with("a")
    deposit = {"kind": "account", "change": "deposit", "account": "a", "wallet": "futures", "balances": {"USDT": "5"}}
    other = {**deposit, "wallet": "trading"}
    recover_perp(engine, [deposit, other])
    assert engine.margin("a").wallet == D(1005)


def test_a_restored_exchange_goes_on_as_if_nothing_had_happened() -> None:
    engine = perps_with("a", "b", "c")
    _busy_day(engine)
    restored = PerpEngine.restore(json.loads(json.dumps(engine.snapshot())))
    for one in (engine, restored):
        quoted(one, "99", "101", symbol=OTHER)
        placed(one, market("a", "buy", "1")._replace(symbol=OTHER), 8)
        one.expire(600)
        one.mark(SYMBOL, D(60), D(60), 9)
    assert restored.snapshot() == engine.snapshot()


def test_a_snapshot_of_perpetuals_of_another_version_is_refused() -> None:
    state = perps_with("a").snapshot()
    with pytest.raises(ValueError, match="expected version 2, found 1"):
        PerpEngine.restore({**state, "version": 1})
