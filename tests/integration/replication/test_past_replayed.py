"""A replay agrees with what was really done: the same quantities and refusals as the copies that a worker stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.performance.whatif_past import read_signals
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.trading import PositionSide, Side, SizePolicy, SizingMode
from copydesk.whatif import CopyTerms, Fees, Past, replay
from desk_site import SHARD, Around, Site, Worker, leader_trade, open_site
from paper_exchange import INSTRUMENTS, PERPETUAL, PX, D

# As the exchange of these tests takes it of everything.
FEES = Fees(D("0.001"), D("0.001"))
# That exchange asks nobody what an account can pay.
TERMS = CopyTerms(D(1_000), "USDT", ZoneInfo("UTC"), fees=FEES, reserve=D(10**6))
LINES = ("order > 25 % of equity -> shrink", "position > 40 % of equity -> shrink", "positions > 2 -> block_opens")
CROWD = (
    replace(TERMS, allocation=D(300)),
    replace(TERMS, allocation=D(60), size_policy=SizePolicy.ACCUMULATE),
    replace(TERMS, allocation=D(80), size_policy=SizePolicy.ROUND_UP),
    replace(TERMS, sizing_mode=SizingMode.MULTIPLIER, sizing_value=D("2.5")),
    replace(TERMS, allocation=D(150), sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(40)),
    replace(TERMS, sizing_mode=SizingMode.FIXED_QTY, sizing_value=D("0.002")),
    replace(TERMS, leverage_max=2, limits=effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in LINES)),
)
MARKETS = (*INSTRUMENTS, "DOGE/USDT")
TRADES = 48


class Leader:
    """Trades at random: opens, adds, reduces, closes, turns a perpetual round; some orders fill in two parts."""

    def __init__(self, site: Site, worker: Worker) -> None:
        self._site = site
        self._worker = worker
        self._chance = Random(20)
        self._held = dict.fromkeys(MARKETS, Decimal(0))

    def trade(self) -> None:
        chance, symbol = self._chance, self._chance.choice(MARKETS)
        held = self._held[symbol]
        wanted = D(chance.randint(1, 60)) / 100
        if held and chance.random() < 0.55:
            share = chance.choice((D("0.25"), D("0.5"), D(1), D(1)))
            moved = -(held * share).quantize(D("0.001"))
            if symbol == PERPETUAL and share == 1 and chance.random() < 0.5:
                moved -= wanted if held > 0 else -wanted
        else:
            short = symbol == PERPETUAL and (held < 0 or (not held and chance.random() < 0.5))
            moved = -wanted if short else wanted
        self._held[symbol] = held + moved
        self._fill(symbol, moved, in_two=chance.random() < 0.3)

    def _fill(self, symbol: str, moved: Decimal, *, in_two: bool) -> None:
        side, qty = (Side.BUY if moved > 0 else Side.SELL), abs(moved)
        first = (qty / 3).quantize(D("0.001")) if in_two else qty
        order = f"{symbol} {self._site.trades}"
        for part in (first, qty - first):
            if part:
                self._site.trades += 1
                self._site.store([leader_trade(self._site.trades, side, part, order=order, symbol=symbol)])
                self._worker.drain()


@pytest.fixture(scope="module")
def copied(db: Database) -> Site:
    """A brand whose followers have copied a leader's trades, each on terms of their own."""
    site = open_site(db, followers=len(CROWD))
    site.leverage[PERPETUAL] = 5
    with db.tenant(site.tenant_id) as session:
        for subscription, terms in zip(site.subscriptions, CROWD, strict=True):
            lines = [line for line in LINES if len(terms.limits)]
            store_limits(session, LimitOwner(Scope.SUBSCRIPTION, subscription), lines, "test")
    for subscription, terms in zip(site.subscriptions, CROWD, strict=True):
        site.act(
            "UPDATE subscription SET allocation = :allocation, sizing_mode = :mode, sizing_value = :value, "
            "size_policy = :policy, leverage_max = :leverage WHERE id = :id",
            id=subscription,
            allocation=terms.allocation,
            mode=str(terms.sizing_mode),
            value=terms.sizing_value,
            policy=str(terms.size_policy),
            leverage=terms.leverage_max,
        )
    leader = Leader(site, Worker(site, "one", _around(site)))
    for _ in range(TRADES):
        leader.trade()
    return site


@pytest.mark.parametrize("follower", range(len(CROWD)))
def test_quantities_and_refusals_are_those_of_real_copies(copied: Site, follower: int) -> None:
    now = utc_now()
    past = _past(copied, since=now - timedelta(minutes=30), until=now + timedelta(seconds=5))
    replayed = replay(past, CROWD[follower])
    told = [(one.signal_id, one.leg, str(one.side), one.qty, one.denial and str(one.denial)) for one in replayed.copies]
    assert len(told) >= TRADES
    assert sorted(told) == sorted(_copies(copied, follower))


def _copies(site: Site, follower: int) -> list[Any]:
    rows = site.rows(
        "SELECT signal_id, leg, side, qty, reason FROM copy WHERE subscription_id = :id ORDER BY signal_id, leg",
        id=site.subscriptions[follower],
    )
    return [tuple(row) for row in rows]


def test_the_followers_differ_in_what_was_refused(copied: Site) -> None:
    """So that the agreement is about something: every scene that the crowd was made for has come up."""
    reasons = {row[0] for row in copied.rows("SELECT DISTINCT coalesce(reason, bound) FROM copy")}
    assert reasons >= {
        *("below_notional_min", "below_qty_min", "carried", "minimum_rounded_up", "allocation_spent"),
        *("instrument_unmapped", "order_already_copied", "risk_limit", "step", "nothing_to_reduce"),
    }


def test_books_and_money_come_out_the_same(copied: Site) -> None:
    now = utc_now()
    past = _past(copied, since=now - timedelta(minutes=30), until=now + timedelta(seconds=5))
    for terms, subscription in zip(CROWD, copied.subscriptions, strict=True):
        (row,) = copied.rows(
            "SELECT coalesce(sum(cash), 0), coalesce(sum(qty), 0) FROM book WHERE subscription_id = :id",
            id=subscription,
        )
        # Every price is the same one, so that equity is cash and the sum of what is held at it.
        assert replay(past, terms).end == terms.allocation + row[0] + row[1] * PX


def _around(site: Site) -> Around:
    """Offer what the exchange does not list, too; every order is filled at the leader's price."""
    around = Around(site.exchange, slippage_bps_max=0)
    around.markets = frozenset(MARKETS)
    around.marks = dict.fromkeys(MARKETS, PX)
    return around


def _past(site: Site, **moments: Any) -> Past:
    with site.db.tenant(site.tenant_id) as session:
        signals = read_signals(session, site.leader.strategy_id, **moments)
    terms = _around(site).terms(site.tenant_id, SHARD)
    limits = {symbol: terms.limits(symbol, strategy_live=True) for symbol in MARKETS}
    assert {signal.position_side for signal in signals} == {PositionSide.NET}
    return Past(signals=signals, instruments=INSTRUMENTS, limits=limits, **moments)
