"""The journal, and recovery of the engine from it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.journal import Journal, VenueJournal, read_journal
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.model import Event, Order, Reject
from copydesk.venues.lab.recovery import recover
from lab_engine import SYMBOL, engine_with, limit, market, placed

D = Decimal


def test_records_come_back_in_order_with_their_numbers_and_exchange(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    VenueJournal(journal, "okx").write("mark", 1.5, {"symbol": SYMBOL, "px": D("0.00000001")})
    VenueJournal(journal, "bybit").write("fault", 2.5, {"what": "drop"})
    journal.close()
    journal.close()
    assert list(read_journal(journal.path)) == [
        {"seq": 1, "kind": "mark", "at_ms": 1.5, "venue": "okx", "symbol": SYMBOL, "px": "0.00000001"},
        {"seq": 2, "kind": "fault", "at_ms": 2.5, "venue": "bybit", "what": "drop"},
    ]
    assert [r["seq"] for r in read_journal(journal.path, after_seq=1)] == [2]


def test_old_lines_are_flushed_by_the_next_write(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    venue = VenueJournal(journal, "okx")
    venue.write("mark", 0.0, {"px": D(1)})
    assert list(read_journal(journal.path)) == []
    venue.write("mark", 50.0, {"px": D(1)})
    assert len(list(read_journal(journal.path))) == 2
    journal.close()


def test_a_torn_last_line_is_cut_off_and_numbering_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"seq":7,"kind":"mark","at_ms":1}\n{"seq":8,"ki')
    assert [r["seq"] for r in read_journal(path)] == [7]
    journal = Journal(path)
    VenueJournal(journal, "okx").write("mark", 2.0, {"px": D(1)})
    journal.close()
    assert [r["seq"] for r in read_journal(path)] == [7, 8]


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "none.jsonl")) == []


def test_a_value_without_text_form_is_our_bug(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(TypeError):
        VenueJournal(journal, "okx").write("fault", 1.0, {"what": object()})
    journal.close()


def test_only_real_accounts_leave_records(tmp_path: Path) -> None:
    engine, journal = engine_with("a"), Journal(tmp_path / "journal.jsonl")
    venue = VenueJournal(journal, "binance")
    venue.events(MarketMaker().requote(engine, SYMBOL, D(10_000), 1), 1)
    venue.events(placed(engine, market("a", "buy", "0.1", cid="c-1")).events, 2)
    venue.rejected(market("a", "buy", "0.0001", cid="c-2"), Reject.LOT_SIZE, 3)
    journal.close()
    told = [(r["kind"], r["client_order_id"], r["account"]) for r in read_journal(journal.path)]
    assert told == [("order", "c-1", "a"), ("execution", "c-1", "a"), ("order", "c-2", "a")]


def _trade(engine: Engine, maker: MarketMaker) -> list[Event]:
    """Trade a little of everything: takes, rests, cancels, fills by the moving market, trades between accounts."""
    events = placed(engine, market("a", "buy", "0.5", cid="take"), 10).events
    events += placed(engine, limit("a", "buy", "1", "9900", cid="rest"), 11).events
    events += placed(engine, limit("b", "sell", "1", "10100", cid="gone"), 12).events
    events += engine.cancel("b", SYMBOL, client_order_id="gone", now_ms=13).events
    events += placed(engine, limit("b", "buy", "0.5", "9999.90", cid="inside"), 14).events
    events += placed(engine, limit("a", "sell", "0.2", "9999.90", cid="cross"), 15).events
    events += placed(engine, limit("b", "buy", "2", "9999", cid="none", tif="FOK"), 16).events
    events += maker.requote(engine, SYMBOL, D(9_950), 17)
    return events + placed(engine, limit("b", "buy", "0.3", "9930", tif="IOC", cid="short"), 18).events


def test_a_snapshot_and_the_journal_after_it_rebuild_the_engine(tmp_path: Path) -> None:
    engine, maker, journal = engine_with("a", "b"), MarketMaker(), Journal(tmp_path / "journal.jsonl")
    maker.requote(engine, SYMBOL, D(10_000), 1)
    placed(engine, limit("b", "sell", "2", "10005", cid="before"), 2)
    state = engine.snapshot()
    venue = VenueJournal(journal, "binance")
    venue.events(_trade(engine, maker), 20.0)
    venue.write("account", 21.0, {"account": "c", "change": "created", "balances": {"USDT": D(5)}})
    venue.write("account", 22.0, {"account": "c", "change": "deposit", "balances": {"USDT": D(-1)}})
    engine.create_account("c", {"USDT": D(5)})
    engine.deposit("c", "USDT", D(-1), 22)
    journal.close()

    rebuilt = engine_with()
    rebuilt.fill(state)
    assert recover(rebuilt, read_journal(journal.path)) > 10

    assert rebuilt.totals() == engine.totals()
    assert rebuilt.order_id == engine.order_id
    assert rebuilt.clearing.trade_id > engine.clearing.trade_id
    for account in ("a", "b", "c"):
        assert rebuilt.balances(account) == engine.balances(account)
        assert [_life(o) for o in rebuilt.orders(account, SYMBOL)] == [_life(o) for o in engine.orders(account, SYMBOL)]
    resting = [o.client_order_id for name in ("a", "b") for o in rebuilt.open_orders(name)]
    assert resting == ["rest", "before"]
    assert sum(qty for _, qty in rebuilt.depth(SYMBOL, 50).asks) == sum(o.leaves for o in rebuilt.open_orders("b"))


def _life(order: Order) -> tuple[object, ...]:
    facts = order.order_id, order.client_order_id, order.status, order.qty, order.cum_qty, order.cum_quote, order.reason
    return (*facts, [(fill.px, fill.qty, fill.fee, fill.maker) for fill in order.fills])


def test_recovering_nothing_changes_nothing() -> None:
    engine = engine_with("a")
    MarketMaker().requote(engine, SYMBOL, D(10_000), 1)
    before = engine.snapshot()
    assert recover(engine, [{"kind": "mark", "seq": 1}]) == 0
    assert engine.snapshot() == before
