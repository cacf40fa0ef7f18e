"""One absurd tick and frozen feeds close nobody, the risk role says that it doubts, and a real gap still fires."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt
import pytest
from copydesk.stack import wait_until
from simulation_desk import Desk
from sqlalchemy import text
from stop_desk import (
    FALLEN,
    FOLLOWERS,
    HELD,
    SCRIPT,
    acts,
    armed,
    await_acts,
    await_flat,
    closes,
    held,
    invest,
    next_turn,
    pin,
    told_px,
)

__all__ = ["SCRIPT"]

FEED = {"venue": "binance", "market": "perp", "symbol": "BTCUSDT"}
# What the role has thought about for so long has had its chance to fire.
_WATCHED_ON = text("SELECT at > CAST(:since AS timestamptz) + interval '2 seconds' FROM risk_watch")
_NOW = text("SELECT clock_timestamp()")
_DOUBTS = text("SELECT doubts FROM risk_watch")


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    with armed(desk) as client:
        yield client


def harm(desk: Desk, **fault: Any) -> None:
    desk.exchange.control.call("POST", "faults", {**FEED, **fault})


def hits(desk: Desk) -> int:
    return sum(fault["hits"] for fault in desk.exchange.control.call("GET", "faults")["faults"])


def await_doubt(desk: Desk) -> None:
    """Wait until the role has told of a price in doubt."""
    told = wait_until(lambda: desk.scalar(desk.north, _DOUBTS) > 0, patience_s=15, poll_s=0.02)
    assert told, f"no price is in doubt; {desk.where()}"


def await_trust(desk: Desk) -> None:
    """Wait until the role doubts no price any more, so that the next doubt is a new one."""
    told = wait_until(lambda: desk.scalar(desk.north, _DOUBTS) == 0, patience_s=15, poll_s=0.02)
    assert told, f"a price is still in doubt; {desk.where()}"


def status(desk: Desk) -> str:
    """Return what `copydesk risk status` says."""
    script = Path(sysconfig.get_path("scripts")) / "copydesk"
    words = [script, "risk", "status", "--tenant", "north"]
    done = subprocess.run(words, env=dict(desk.roles.environment), capture_output=True, text=True, check=True)
    return done.stdout


def await_thought_over(desk: Desk) -> None:
    since = desk.scalar(desk.north, _NOW)
    over = wait_until(lambda: desk.scalar(desk.north, _WATCHED_ON, since=since), patience_s=15, poll_s=0.05)
    assert over, f"nobody watches; {desk.where()}"


def test_prices_that_are_not_true_close_nobody_and_a_gap_afterwards_everybody(desk: Desk, leader: ccxt.binance) -> None:
    invest(desk, leader)
    turn, before, positions = next_turn(desk), desk.exchange.now(), held(desk)

    harm(desk, harm="misprint", percent=-60, times=1)
    assert wait_until(lambda: hits(desk) >= 2, patience_s=10, poll_s=0.02), "neither mark nor ticker was absurd"
    await_thought_over(desk)
    desk.exchange.heal()

    # The market falls for a while, behind a feed that goes on telling the old price, or the old message.
    for how in ("still", "repeat"):
        await_trust(desk)
        harm(desk, harm="freeze", how=how)
        pin(desk, FALLEN)
        await_doubt(desk)
        await_thought_over(desk)
        assert "1 prices in doubt" in status(desk), how
        pin(desk, HELD)
        desk.exchange.heal()

    assert acts(desk, turn) == {}
    assert closes(desk, before) == 0
    assert held(desk) == positions

    assert wait_until(lambda: told_px(desk) == HELD, patience_s=10), desk.where()
    await_flat(desk, "stops after prices that were not true")
    await_acts(desk, turn)
    assert closes(desk, before) == FOLLOWERS
