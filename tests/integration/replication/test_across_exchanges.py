"""One leader, followers on two exchanges: each gets the order that its own exchange can take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from copydesk.replication.desk import signal_detail
from copydesk.replication.moves import Direction, Move
from copydesk.trading import Credentials, OrderView, Side
from copydesk.venues import BINANCE
from desk_site import SHARD, Site, Worker
from paper_exchange import INSTRUMENTS, PERPETUAL, D, PaperExchange

OKX = "okx-lab:0"
# Ids without a dash, and a perpetual counted in hundredths.
TRAITS = replace(
    BINANCE,
    venue="okx",
    client_order_id_len_max=32,
    client_order_id_pattern=r"[a-zA-Z0-9]{1,32}",
    broker_prefix_pattern=r"[a-zA-Z0-9]{0,8}",
    acknowledges_fill=False,
)
COARSE = replace(
    INSTRUMENTS[PERPETUAL], venue="okx", venue_symbol="BTC-USDT-SWAP", qty_step=D("0.01"), qty_min=D("0.01")
)


def spread(opens: Callable[..., Site]) -> tuple[Site, Worker, PaperExchange]:
    """Open a brand whose first follower is where the leader is, and whose second is on another exchange."""
    site = opens(followers=2, allocation=D(10_000))
    site.act("UPDATE account SET venue = 'okx', shard = :shard WHERE id = :id", shard=OKX, id=site.accounts[1])
    worker = site.worker()
    elsewhere = PaperExchange(listed={PERPETUAL: COARSE}, traits=TRAITS)
    worker.around.elsewhere = {OKX: elsewhere}
    return site, worker, elsewhere


def test_a_signal_is_delivered_to_every_lane_and_counted_in_each_exchanges_steps(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    (signal,) = site.trade(Side.SELL, "0.456", symbol=PERPETUAL)
    assert sorted(signal.shards) == [SHARD, OKX]
    worker.drain()
    worker.around.broker_prefix = "cd"
    worker.drain(OKX)
    (here,), (there,) = site.exchange.arrived, elsewhere.arrived
    assert (here[0], here[1].qty) == (site.accounts[0], D("0.045"))
    assert (there[0], there[1].qty) == (site.accounts[1], D("0.04"))
    # The trader's price binds on every exchange.
    assert here[1].px == there[1].px == D("49750.00")
    assert len(there[1].client_order_id) == 32
    assert there[1].client_order_id.isalnum()
    assert site.rows("SELECT qty FROM book ORDER BY qty") == [(D("-0.045"),), (D("-0.04"),)]
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    worker.around.broker_prefix = "cd-"
    worker.drain()
    worker.around.broker_prefix = "cd"
    worker.drain(OKX)
    assert site.rows("SELECT DISTINCT qty FROM book") == [(0,)]


def test_a_receipt_names_each_exchange_the_move_and_the_leverage_in_force(opens: Callable[..., Site]) -> None:
    site, worker, _ = spread(opens)
    site.leverage = {PERPETUAL: 3}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    worker.around.broker_prefix = "cd"
    worker.drain(OKX)
    worker.around.broker_prefix = "cd-"
    (turn,) = site.trade(Side.SELL, "1.2", symbol=PERPETUAL)
    worker.drain()
    worker.around.broker_prefix = "cd"
    worker.drain(OKX)
    with site.db.tenant(site.tenant_id) as session:
        detail = signal_detail(session, turn.id)
    assert (detail.receipt.exchange, detail.receipt.move, detail.receipt.leverage) == ("binance", Move.TURNS_SHORT, 3)
    assert [(copy.follower_no, copy.exchange, copy.leg, copy.direction, copy.leverage) for copy in detail.copies] == [
        (1, "binance", "close", Direction.LONG, 3),
        (1, "binance", "open", Direction.SHORT, 3),
        (2, "okx", "close", Direction.LONG, 3),
        (2, "okx", "open", Direction.SHORT, 3),
    ]


def test_what_is_too_small_for_one_exchange_is_copied_on_the_other(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    site.trade(Side.BUY, "0.05", symbol=PERPETUAL)
    worker.drain()
    worker.around.broker_prefix = "cd"
    worker.drain(OKX)
    assert [order.qty for _, order in site.exchange.arrived] == [D("0.005")]
    assert elsewhere.arrived == []
    facts = site.one("SELECT reason_facts FROM copy WHERE reason = 'below_qty_min'")
    assert (facts["minimum"], facts["exchange"]) == ("500", "okx")


def test_a_market_that_the_followers_exchange_does_not_list_or_has_halted_is_named(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    worker.around.broker_prefix = "cd"
    site.trade(Side.BUY, "0.4")
    worker.drain(OKX)
    elsewhere.listed = {PERPETUAL: replace(COARSE, trading=False)}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain(OKX)
    assert site.rows("SELECT reason FROM copy ORDER BY id") == [("instrument_unmapped",), ("instrument_halted",)]


def test_an_order_that_was_only_acknowledged_shows_its_fill_with_the_next_look(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    worker.around.broker_prefix = "cd"
    elsewhere.mood = {site.accounts[1]: "rest"}
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    worker.drain(OKX)
    soon = "SELECT status, next_check_at - acked_at < interval '200 ms' FROM copy"
    assert site.one(soon) == ("accepted", True)
    assert worker.around.looked_soon == [OKX]
    elsewhere.match()
    worker.clock.ahead_s = 0.3
    worker.reconcile(OKX)
    assert site.one("SELECT status, cum_qty, avg_px FROM copy") == ("filled", D("0.04"), D(50250))


def test_a_close_asks_first_what_an_open_that_was_only_acknowledged_has_filled(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    worker.around.broker_prefix = "cd"
    elsewhere.mood = {site.accounts[1]: "rest"}
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    worker.drain(OKX)
    elsewhere.match()
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    elsewhere.mood = {}
    worker.drain(OKX)
    assert elsewhere.asked == []  # An open need not know.
    site.trade(Side.SELL, "0.912", symbol=PERPETUAL)
    worker.drain(OKX)
    assert len(elsewhere.asked) == 1
    assert site.rows("SELECT leg, status, reason FROM copy ORDER BY id") == [
        ("open", "filled", None),
        ("open", "filled", None),
        ("close", "filled", None),
    ]
    assert elsewhere.position(site.accounts[1]) == 0


class Silent(PaperExchange):
    """Takes orders and answers no question."""

    async def query(self, credentials: Credentials, symbol: str, client_order_id: str) -> OrderView | None:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


def test_a_close_does_not_wait_long_for_an_exchange_that_tells_nothing(opens: Callable[..., Site]) -> None:
    site, worker, _ = spread(opens)
    worker.around.broker_prefix = "cd"
    silent = Silent(listed={PERPETUAL: COARSE}, traits=TRAITS, mood={site.accounts[1]: "rest"})
    worker.around.elsewhere = {OKX: silent}
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    worker.drain(OKX)
    site.trade(Side.SELL, "0.456", symbol=PERPETUAL)
    assert worker.drain(OKX) == 1
    assert site.one("SELECT status FROM copy WHERE leg = 'open'") == "accepted"


def test_the_time_of_an_acknowledgment_stays_when_the_order_is_asked_about(opens: Callable[..., Site]) -> None:
    site, worker, elsewhere = spread(opens)
    worker.around.broker_prefix = "cd"
    elsewhere.mood = {site.accounts[1]: "rest"}
    site.trade(Side.BUY, "0.456", symbol=PERPETUAL)
    worker.drain(OKX)
    acked_at = site.one("SELECT acked_at FROM copy")
    elsewhere.match()
    worker.clock.ahead_s = 5
    worker.reconcile(OKX)
    assert site.one("SELECT status, acked_at FROM copy") == ("filled", acked_at)
