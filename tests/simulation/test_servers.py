"""Redis or PostgreSQL dies while orders are on the wire; no role is restarted by us."""

from __future__ import annotations

import shutil

from copydesk.stack import wait_until
from simulation_desk import Desk

FOLLOWERS = {"north": 40, "south": 5}
RTT_MS = 150


def start_again(desk: Desk) -> None:
    """Heal the servers as `copydesk up` does: a server whose last children still end is tried again."""
    desk.stack.heal()


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

    start_again(desk)
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

    start_again(desk)
    desk.await_verdict(desk.north, seq, orders=2, healing="PostgreSQL killed and started again")
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=3)
    assert not desk.roles.ended(), desk.where()


def test_both_servers_killed_at_once_double_and_lose_nothing(desk: Desk) -> None:
    seq = desk.exchange.now()
    assert desk.stack.redis is not None and desk.stack.postgres is not None
    desk.exchange.rtt(RTT_MS)
    desk.north.buy()
    desk.await_orders(desk.north, seq, 20)
    desk.stack.redis.kill()
    desk.stack.postgres.kill()
    desk.north.sell_all()
    desk.exchange.rtt(0)

    assert wait_until(lambda: len(desk.glance(desk.north, seq)) >= 40, patience_s=5), desk.where()
    start_again(desk)
    desk.await_verdict(desk.north, seq, orders=2, healing="PostgreSQL and Redis killed together")
    assert not desk.roles.ended(), desk.where()
