"""Faults of our own processes: killed, frozen, started again."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from copydesk.faults.strike import Strike

REPLICATORS = ("replicator", "replicator-2")
_HOLDER = text("SELECT holder FROM shard_lease ORDER BY expires_at DESC LIMIT 1")


def kill_sender(strike: Strike) -> Iterator[None]:
    """Kill the replicator that owns a lane of the brand, wherever it is in its work."""
    strike.stage.roles.kill(_sender(strike))
    yield


def kill_both(strike: Strike) -> Iterator[None]:
    """Kill every replicator at once, so that nobody is left to take over."""
    for name in REPLICATORS:
        strike.stage.roles.kill(name)
    yield


def kill_again(strike: Strike) -> Iterator[None]:
    """Kill the replicator that owns a lane, and the one that has taken over a moment later."""
    strike.stage.roles.kill(_sender(strike))
    yield
    strike.stage.roles.kill(_sender(strike))


def freeze_sender(strike: Strike) -> Iterator[None]:
    """Freeze the replicator that owns a lane for longer than its lease, so that it wakes up replaced."""
    strike.stage.roles.freeze(_sender(strike))
    yield
    strike.stage.roles.thaw_all()


def kill_listener(strike: Strike) -> Iterator[None]:
    """Kill whoever hears of the leaders."""
    strike.stage.roles.kill("listener")
    yield


def freeze_listener(strike: Strike) -> Iterator[None]:
    """Let the listener stand still while its streams go on."""
    strike.stage.roles.freeze("listener")
    yield
    strike.stage.roles.thaw_all()


def kill_relay(strike: Strike) -> Iterator[None]:
    """Kill whoever wakes lanes again."""
    strike.stage.roles.kill("relay")
    yield


def kill_everything(strike: Strike) -> Iterator[None]:
    """Kill every role at once, as a power cut would that spares the servers."""
    for name in ("listener", "relay", *REPLICATORS):
        strike.stage.roles.kill(name)
    yield


def _sender(strike: Strike) -> str:
    holder = str(strike.stage.scalar(strike.cast, _HOLDER))
    owners = (name for name in REPLICATORS if f":{strike.stage.roles.pid(name)}:" in holder)
    return next(owners, strike.rng.choice(REPLICATORS))
