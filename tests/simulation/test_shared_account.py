"""One account copies two leaders who trade against each other: its books cross in one position, and all ends flat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import ccxt
import pytest
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, read_earnings, shard_of, subscribe
from copydesk.stack import wait_until
from copydesk.trading import Environment, SizingMode
from copydesk.vault import Account, NewAccount, add_account
from simulation_desk import Desk
from simulation_exchange import Record
from simulation_stage import Script
from sqlalchemy import select, text

SCRIPT = Script(north=2, south=1, perpetuals=True)
SYMBOL, MARKET = "BTC/USDT:USDT", "BTCUSDT"
FOLLOWER = "north:follower:0"
BEAR = "north:bear"
RATIO = Decimal("0.05")

_BOOKS = text(
    "SELECT b.subscription_id, b.qty FROM book b JOIN subscription s ON s.id = b.subscription_id "
    "JOIN account a ON a.id = s.account_id WHERE b.symbol = :symbol AND a.label = :label"
)
_ENDS = text(
    "SELECT DISTINCT c.leg, c.status FROM copy c JOIN account a ON a.id = c.account_id "
    "WHERE c.symbol = :symbol AND a.label = :label"
)


@dataclass
class Pair:
    """Two leaders' clients, and the two subscriptions of the one account that copies both."""

    desk: Desk
    bull: ccxt.binance
    bear: ccxt.binance
    subscriptions: tuple[int, int]

    def bulls(self, side: str, qty: str) -> None:
        self.bull.create_order(SYMBOL, "market", side, float(qty))

    def bears(self, side: str, qty: str) -> None:
        self.bear.create_order(SYMBOL, "market", side, float(qty))

    def books(self) -> tuple[Decimal, Decimal]:
        with self.desk.session(self.desk.north) as session:
            held = dict(session.execute(_BOOKS, {"symbol": SYMBOL, "label": FOLLOWER}).all())
        long, short = (held.get(one, Decimal(0)) for one in self.subscriptions)
        return long, short

    def hold(self, long: str, short: str) -> None:
        """Wait until the books hold that, and the exchange their sum."""
        wanted = Decimal(long), Decimal(short)
        assert wait_until(lambda: self.books() == wanted, patience_s=30, poll_s=0.05), (self.books(), self.desk.where())
        assert wait_until(self.desk.settled, patience_s=30, poll_s=0.05), self.desk.where()
        assert self.desk.exchange.position(FOLLOWER) == sum(wanted)

    def orders(self, after_seq: int) -> list[Record]:
        """Return every order of the account that reached the exchange, refused ones too."""
        return [
            record
            for record in self.desk.exchange.records()
            if record["kind"] == "order"
            and record["account"] == FOLLOWER
            and record["change"] in ("NEW", "REJECTED")
            and record["seq"] > after_seq
        ]

    def is_flat_and_was_never_refused(self, after_seq: int, *qtys: str) -> None:
        """Fail unless exactly these quantities were ordered, each as large as its leader's move asked for."""
        self.hold("0", "0")
        self.desk.await_reconcile()
        told = self.orders(after_seq)
        assert [record["status"] for record in told if record["change"] == "REJECTED"] == []
        assert sorted(Decimal(record["qty"]) for record in told) == sorted(map(Decimal, qtys))
        assert self.books() == (0, 0)
        assert self.desk.exchange.position(FOLLOWER) == 0
        with self.desk.session(self.desk.north) as session:
            assert set(session.execute(_ENDS, {"symbol": SYMBOL, "label": FOLLOWER})) == {
                ("open", "filled"),
                ("close", "filled"),
            }


@pytest.fixture(scope="module")
def seeded(theater: object) -> dict[int, tuple[str, str, tuple[int, int]]]:
    """Second leaders by desk, for as long as the desk stands."""
    return {}


@pytest.fixture
def pair(desk: Desk, seeded: dict[int, tuple[str, str, tuple[int, int]]]) -> Iterator[Pair]:
    if id(desk) not in seeded:
        seeded[id(desk)] = second_leader(desk)
    key, secret, subscriptions = seeded[id(desk)]
    bull = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    bear = desk.exchange.perpetual_client(key, secret)
    for client in (bull, bear):
        client.load_markets()
    yield Pair(desk, bull, bear, subscriptions)
    for client in (bull, bear):
        client.session.close()


def second_leader(desk: Desk) -> tuple[str, str, tuple[int, int]]:
    """Add a leader whom the first follower copies too; return his key and the follower's two subscriptions."""
    desk.exchange.control.open_account(BEAR, {"USDT": "1000000"})
    key, secret = desk.exchange.with_perpetuals(BEAR, "1000000")
    shard = shard_of("binance", Environment.LAB, 0, 1)
    with desk.session(desk.north) as session:
        user = User(tenant_id=session.tenant_id, email="bear@north.invalid", display_name="Bear", role=Role.TRADER)
        session.add(user)
        session.flush()
        new = NewAccount(user.id, "binance", Environment.LAB, BEAR, shard, key, secret)
        leads = add_account(session, desk.runtime.vault, new)
        strategy = add_strategy(session, NewStrategy(user.id, leads, "bear", "Bear", "Sells and buys."))
        account = session.scalars(select(Account.id).where(Account.label == FOLLOWER)).one()
        terms = NewSubscription(strategy, account, Decimal(90_000), SizingMode.FIXED_RATIO, RATIO)
        bear = subscribe(session, terms)
        bull = session.execute(
            text("SELECT id FROM subscription WHERE account_id = :id AND id <> :bear"), {"id": account, "bear": bear}
        ).scalar_one()

    def watched() -> bool:
        return BEAR in desk.exchange.control.call("GET", "state")["exchanges"]["binance"]["streams"]

    assert wait_until(watched, patience_s=30, poll_s=0.05), desk.where()
    return key, secret, (bull, bear)


def test_opposite_strategies_end_flat_when_the_larger_side_leaves_first(pair: Pair) -> None:
    since = pair.desk.exchange.now()
    pair.bulls("buy", "0.5")
    pair.hold("0.025", "0")
    pair.bears("sell", "0.3")
    pair.hold("0.025", "-0.015")
    pair.bulls("sell", "0.1")
    pair.hold("0.02", "-0.015")
    # Five are left at the exchange, and twenty are sold: fifteen short, which is what the other strategy wants.
    pair.bulls("sell", "0.4")
    pair.hold("0", "-0.015")
    pair.bears("buy", "0.3")
    pair.is_flat_and_was_never_refused(since, "0.025", "0.015", "0.005", "0.020", "0.015")


def test_opposite_strategies_end_flat_when_the_smaller_side_leaves_first(pair: Pair) -> None:
    since = pair.desk.exchange.now()
    pair.bears("sell", "0.3")
    pair.hold("0", "-0.015")
    pair.bulls("buy", "0.5")
    pair.hold("0.025", "-0.015")
    pair.bears("buy", "0.2")
    pair.hold("0.025", "-0.005")
    pair.bears("buy", "0.1")
    pair.hold("0.025", "0")
    pair.bulls("sell", "0.5")
    pair.is_flat_and_was_never_refused(since, "0.015", "0.025", "0.010", "0.005", "0.025")


def test_strategies_that_leave_at_the_same_moment_end_flat(pair: Pair) -> None:
    since = pair.desk.exchange.now()
    pair.bulls("buy", "0.4")
    pair.bears("sell", "0.4")
    pair.hold("0.02", "-0.02")
    pair.bears("buy", "0.4")
    pair.bulls("sell", "0.4")
    pair.is_flat_and_was_never_refused(since, "0.020", "0.020", "0.020", "0.020")


def test_what_two_strategies_earned_is_what_the_account_made(pair: Pair) -> None:
    since = pair.desk.exchange.now()
    with pair.desk.session(pair.desk.north) as session:
        before = read_earnings(session, pair.subscriptions)
    pair.bulls("buy", "0.3")
    pair.bears("sell", "0.5")
    pair.hold("0.015", "-0.025")
    pair.bulls("sell", "0.3")
    pair.bears("buy", "0.5")
    pair.hold("0", "0")
    with pair.desk.session(pair.desk.north) as session:
        after = read_earnings(session, pair.subscriptions)
    made = sum(after[one].net({})["USDT"] - before[one].net({}).get("USDT", 0) for one in pair.subscriptions)
    fills = [
        record
        for record in pair.desk.exchange.records()
        if record["kind"] == "execution" and record["account"] == FOLLOWER and record["seq"] > since
    ]
    money = [
        Decimal(fill["qty"]) * Decimal(fill["px"]) * (-1 if fill["side"] == "buy" else 1) - Decimal(fill["fee"])
        for fill in fills
    ]
    assert len(fills) >= 4
    assert made == sum(money)
