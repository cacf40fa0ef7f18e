"""Stops fire by themselves, whatever else is down, and close everything once; the exchange's journal is the truth.

`copydesk bench gap` does the same with hundreds of followers, and measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import ccxt
import pytest
from copydesk.venues.budgets import begin_anew
from simulation_desk import Desk
from stop_desk import FOLLOWERS, SCRIPT, armed, await_acts, await_flat, closes, invest, next_turn

__all__ = ["SCRIPT"]


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    with armed(desk) as client:
        yield client


def nothing(desk: Desk) -> list[str]:
    """Break nothing; each of these returns the roles that have to be started again."""
    return []


def without_redis(desk: Desk) -> list[str]:
    desk.stack.redis.kill()
    return []


def without_postgres(desk: Desk) -> list[str]:
    desk.stack.postgres.kill()
    return []


def without_replicator(desk: Desk) -> list[str]:
    return killed(desk, "replicator")


def without_workers(desk: Desk) -> list[str]:
    """Kill whoever takes jobs from the queue, and who would put them there again."""
    return killed(desk, "replicator", "relay")


def killed(desk: Desk, *names: str) -> list[str]:
    for name in names:
        desk.roles.kill(name)
    return list(names)


BROKEN = [without_postgres, nothing, without_replicator, without_workers, without_redis]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: str(one.__name__))
def test_a_gap_through_everybodys_stop_closes_everybody_once(
    desk: Desk, leader: ccxt.binance, broken: Callable[[Desk], list[str]]
) -> None:
    invest(desk, leader)
    turn = next_turn(desk)
    before = desk.exchange.now()
    away = broken(desk)
    await_flat(desk, f"stops {broken.__name__}")
    if "Redis" in desk.stack.heal():
        begin_anew(desk.stack.redis_url)
    for role in away:
        desk.roles.start(role)
    await_acts(desk, turn)
    assert closes(desk, before) == FOLLOWERS
    assert desk.exchange.position(desk.north.leader) == 8
