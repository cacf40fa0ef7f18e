"""Redis or PostgreSQL dies while orders are on the wire; no role is restarted by us."""

from __future__ import annotations

import shutil
import time

from copydesk.stack import wait_until
from simulation_desk import Desk

RTT_MS = 150


def test_redis_killed_and_restarted_empty_during_trading_doubles_and_loses_nothing(desk: Desk) -> None:
    seq = desk.exchange.now()
    redis = desk.stack.redis
    assert redis is not None
    desk.exchange.rtt(RTT_MS)
    desk.north.buy(0.5)
    desk.await_orders(desk.north, seq, 20)
    redis.kill()
    shutil.rmtree(desk.stack.var.redis)
    desk.north.buy(0.5)
    desk.exchange.rtt(0)
    desk.await_orders(desk.north, seq, 80)

    desk.stack.heal()
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=3, healing="Redis killed, its data removed, started again")
    desk.north.buy(0.5)
    desk.await_verdict(desk.north, seq, orders=4)
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=5)
    assert not desk.roles.ended(), desk.where()


def test_postgres_killed_and_restarted_during_trading_doubles_and_loses_nothing(desk: Desk) -> None:
    seq = desk.exchange.now()
    postgres = desk.stack.postgres
    assert postgres is not None
    desk.exchange.rtt(RTT_MS)
    desk.north.buy(0.5)
    desk.await_orders(desk.north, seq, 20)
    postgres.kill()
    desk.exchange.rtt(0)
    desk.north.buy(0.5)
    desk.await_orders(desk.north, seq, 40)

    desk.stack.heal()
    desk.await_verdict(desk.north, seq, orders=2, healing="PostgreSQL killed and started again")
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=3)
    assert not desk.roles.ended(), desk.where()


def test_both_servers_away_for_seconds_double_and_lose_nothing(desk: Desk) -> None:
    seq = desk.exchange.now()
    assert desk.stack.redis is not None and desk.stack.postgres is not None
    desk.exchange.rtt(RTT_MS)
    desk.north.buy()
    desk.await_orders(desk.north, seq, 20)
    desk.stack.redis.kill()
    desk.stack.postgres.kill()
    desk.north.sell_all()
    desk.exchange.rtt(0)

    desk.await_orders(desk.north, seq, 40)
    # Long enough that every role has asked for something in vain: the listener looks for new leaders every 2 s.
    asked_at = time.monotonic() + 2.5
    wait_until(lambda: time.monotonic() > asked_at, patience_s=5)
    desk.stack.heal()
    desk.await_verdict(desk.north, seq, orders=2, healing="PostgreSQL and Redis away for 2.5 s")
    assert not desk.roles.ended(), desk.where()
