"""A desk with a limit on every follower, and a leader whose perpetual everybody copies: what tests of stops share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import ccxt
from copydesk.marks import Marks
from copydesk.replication import resume
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import Script
from sqlalchemy import text

# Few: each asks the exchange for the fees of its fills, of which a minute allows some hundred.
FOLLOWERS = 10
SCRIPT = Script(north=FOLLOWERS, south=1, perpetuals=True, limits=("drawdown > 5 % of equity -> close_and_disarm",))
SYMBOL = "BTC/USDT:USDT"
HELD, FALLEN = Decimal(100_000), Decimal(80_000)

BOOKED = text("SELECT count(*) FROM book WHERE qty <> 0")
_STOPPED = text("SELECT count(*) FROM subscription WHERE state = 'disarmed' AND state_reason = 'risk_stop'")
_OUT = text("SELECT count(*) FROM subscription WHERE state IN ('paused', 'disarmed')")
_RUNNING = text("SELECT count(*) FROM subscription WHERE state IN ('synced', 'catching_up')")
_IDS = text("SELECT id FROM subscription WHERE state <> 'ended' ORDER BY id")
_ACTS = text("SELECT state, count(*) FROM risk_act WHERE (facts ->> 'turn')::int = :turn GROUP BY state")
_KNOWN = text("SELECT w.copy_id = (SELECT max(id) FROM copy) AND at > now() - interval '2 seconds' FROM risk_watch w")
_TURN = text("SELECT coalesce(max((facts ->> 'turn')::int), 0) FROM risk_act")


@contextmanager
def armed(desk: Desk) -> Iterator[ccxt.binance]:
    """Yield the leader's client, with every follower armed and nobody holding anything."""
    pin(desk, HELD)
    client = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    client.load_markets()
    with desk.session(desk.north) as session:
        for number in session.execute(_IDS).scalars() if desk.scalar(desk.north, _OUT) else ():
            resume(session, number)
    running = wait_until(lambda: desk.scalar(desk.north, _RUNNING) == len(desk.north.ratios), patience_s=10)
    assert running, desk.where()
    assert wait_until(lambda: told_px(desk) == HELD, patience_s=10), "the price of the test before is still public"
    yield client
    pin(desk, HELD)
    qty = desk.exchange.position(desk.north.leader)
    if qty:
        client.create_order(SYMBOL, "market", "sell" if qty > 0 else "buy", abs(float(qty)))
    desk.await_calm()
    client.session.close()


def pin(desk: Desk, px: Decimal) -> None:
    desk.exchange.pin("BTCUSDT", px)


def told_px(desk: Desk) -> Decimal:
    """Return what the public feed says of the price, in whole hundreds."""
    px = Marks(desk.runtime.redis).fresh("binance-lab", [SYMBOL])[SYMBOL].px
    return round(px or Decimal(0), -2)


def invest(desk: Desk, leader: ccxt.binance, side: str = "buy") -> None:
    """Let the leader open a position, everybody copy it, and the risk role learn of it."""
    leader.create_order(SYMBOL, "market", side, 8)
    assert wait_until(lambda: all(held(desk).values()), patience_s=30, poll_s=0.05), (held(desk), desk.where())
    desk.await_calm()
    known = wait_until(lambda: desk.scalar(desk.north, _KNOWN), patience_s=10, poll_s=0.05)
    assert known, f"the risk role has not seen the books; {desk.where()}"


def held(desk: Desk) -> dict[str, Decimal]:
    return {name: desk.exchange.position(name) for name in desk.north.ratios}


def next_turn(desk: Desk) -> int:
    """Return the turn in which the next stops fire."""
    return int(desk.scalar(desk.north, _TURN)) + 1


def await_flat(desk: Desk, what: str) -> None:
    """Let the price fall through every stop, and wait until nobody holds anything at the exchange."""
    began = time.monotonic()
    pin(desk, FALLEN)
    flat = wait_until(lambda: not any(held(desk).values()), patience_s=30, poll_s=0.02)
    desk.heal_s[what] = time.monotonic() - began
    assert flat, (held(desk), desk.where())


def await_acts(desk: Desk, turn: int) -> None:
    """Wait until every stop of this turn is stored as closed, and books agree with the exchange."""
    done = wait_until(lambda: acts(desk, turn) == {"closed": FOLLOWERS}, patience_s=40, poll_s=0.1)
    assert done, (acts(desk, turn), desk.where())
    assert wait_until(lambda: desk.scalar(desk.north, BOOKED) == 0, patience_s=20, poll_s=0.1), desk.where()
    assert desk.scalar(desk.north, _STOPPED) == FOLLOWERS


def acts(desk: Desk, turn: int) -> dict[str, int]:
    with desk.session(desk.north) as session:
        return dict(session.execute(_ACTS, {"turn": turn}).all())


def closes(desk: Desk, after_seq: int) -> int:
    """Count the orders that followers' accounts have sent since, taken or refused, as the exchange saw them."""
    return len(
        [
            one
            for one in desk.exchange.records()
            if one["seq"] > after_seq
            and one["kind"] == "order"
            and one["change"] in ("NEW", "REJECTED")
            and one["account"] in desk.north.ratios
        ]
    )
