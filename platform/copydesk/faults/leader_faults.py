"""Faults of what the leader's stream tells, and trading that is a trial by itself."""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.faults.links import Weather
from copydesk.faults.stage import STREAM
from copydesk.faults.strike import Strike

_OTHER = "ETH/USDT"


def nothing(_strike: Strike) -> Iterator[None]:
    """Do nothing: what the leader does is the trial."""
    yield


def disconnect(strike: Strike) -> Iterator[None]:
    """Cut the leader's stream once."""
    strike.stage.lab.call("POST", "faults", {"harm": "disconnect", "account": strike.cast.leader})
    yield


def streams_down(strike: Strike) -> Iterator[None]:
    """Break every stream, and let nobody connect one for a while."""
    strike.stage.links.harm(STREAM, Weather(refuse=True), cut=True)
    yield
    strike.stage.links.heal()


def mute(strike: Strike) -> Iterator[None]:
    """Keep the leader's stream connected and silent until the desk has found out by itself."""
    strike.rule("mute", account=strike.cast.leader)
    yield


def repeat(strike: Strike) -> Iterator[None]:
    """Send every event twice, and the last fifty once more."""
    strike.rule("duplicate", account=strike.cast.leader)
    yield
    strike.stage.lab.call("POST", "replay", {"account": strike.cast.leader, "count": 50})


def reorder(strike: Strike) -> Iterator[None]:
    """Send every event after the one that follows it."""
    strike.rule("reorder", account=strike.cast.leader)
    yield


def swallow(strike: Strike) -> Iterator[None]:
    """Lose some of the leader's events on a stream that goes on."""
    strike.rule("swallow", account=strike.cast.leader, probability=0.5)
    yield


def other_instrument(strike: Strike) -> Iterator[None]:
    """Trade what the brand does not offer, in between."""
    strike.cast.client.create_order(_OTHER, "market", "buy", 0.5)
    yield
    free = strike.cast.client.fetch_balance({"omitZeroBalances": True})["ETH"]["free"]
    qty = strike.cast.client.amount_to_precision(_OTHER, free)
    strike.cast.client.create_order(_OTHER, "market", "sell", float(qty))


def change_leverage(strike: Strike) -> Iterator[None]:
    """Set another leverage between two trades."""
    strike.cast.client.set_leverage(strike.rng.randint(2, 5), strike.cast.troupe.symbol, {"mgnMode": "cross"})
    yield


def burst(strike: Strike) -> Iterator[None]:
    """Buy and sell again six times without a pause."""
    for _ in range(6):
        strike.cast.trade(strike.cast.troupe.lot)
        strike.cast.trade(-strike.cast.troupe.lot)
    yield


def half_a_file(strike: Strike) -> Iterator[None]:
    """Leave the brand's file half-written for a while."""
    file = strike.stage.tenant_file(strike.cast)
    whole = file.read_text()
    file.write_text(whole[: strike.rng.randint(1, len(whole) - 1)])
    yield
    file.write_text(whole)
