"""The life of a stop, as a table. Pure.

A stop goes one way: it warns, blocks opens, fires, closes. It never fires twice in a turn and never comes back by
itself; a new turn begins when a person re-arms it. An act is known by subscription and turn, which storage holds
unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from copydesk.risk.model import Action


class StopState(StrEnum):
    """Where a stop is. `firing`: the act is stored; `closing`: every close was sent; `flagged`: a person must look."""

    ARMED = "armed"
    WARNED = "warned"
    SOFT = "soft"
    FIRING = "firing"
    CLOSING = "closing"
    CLOSED = "closed"
    FLAGGED = "flagged"


class StopEvent(StrEnum):
    """What can happen to a stop. `refilled`: an execution that was on its way filled a book that had been flat."""

    WARN = "warn"
    BLOCK = "block"
    FIRE = "fire"
    SENT = "sent"
    FLAT = "flat"
    REFILLED = "refilled"
    GIVEN_UP = "given_up"
    REARM = "rearm"


_S, _E = StopState, StopEvent
NEXT: Mapping[StopState, Mapping[StopEvent, StopState]] = {
    _S.ARMED: {_E.WARN: _S.WARNED, _E.BLOCK: _S.SOFT, _E.FIRE: _S.FIRING},
    _S.WARNED: {_E.BLOCK: _S.SOFT, _E.FIRE: _S.FIRING, _E.REARM: _S.ARMED},
    _S.SOFT: {_E.FIRE: _S.FIRING, _E.REARM: _S.ARMED},
    _S.FIRING: {_E.SENT: _S.CLOSING, _E.FLAT: _S.CLOSED, _E.GIVEN_UP: _S.FLAGGED},
    _S.CLOSING: {_E.FLAT: _S.CLOSED, _E.GIVEN_UP: _S.FLAGGED},
    _S.CLOSED: {_E.REFILLED: _S.CLOSING, _E.REARM: _S.ARMED},
    _S.FLAGGED: {_E.FLAT: _S.CLOSED, _E.REARM: _S.ARMED},
}
OPENS_ALLOWED = frozenset({_S.ARMED, _S.WARNED})
FIRED = frozenset({_S.FIRING, _S.CLOSING, _S.CLOSED, _S.FLAGGED})

# What a broken limit does to a stop; `shrink` is about one order and never about what is held.
EVENT_OF: Mapping[Action, StopEvent] = {
    Action.WARN: _E.WARN,
    Action.BLOCK_OPENS: _E.BLOCK,
    Action.CLOSE: _E.FIRE,
    Action.CLOSE_AND_DISARM: _E.FIRE,
}


class Stop(NamedTuple):
    """A stop of one holder: where it is, and in which turn; the turn rises whenever a person re-arms it."""

    state: StopState = StopState.ARMED
    turn: int = 1


def after(stop: Stop, event: StopEvent) -> Stop | None:
    """Return the stop after an event, or None where that changes nothing: such as a second breach while it closes.

    Re-arming is `rearmed`, because it needs a person.
    """
    assert event is not StopEvent.REARM, "only a person re-arms"
    following = NEXT[stop.state].get(event)
    return None if following is None else stop._replace(state=following)


def rearmed(stop: Stop, *, by: str) -> Stop | None:
    """Return the stop as a person armed it again, in its next turn, or None while it is armed, firing or closing."""
    assert by, "re-arming names the person"
    following = NEXT[stop.state].get(StopEvent.REARM)
    return None if following is None else Stop(following, stop.turn + 1)


def still_ahead(state: StopState, action: Action) -> bool:
    """Tell whether an action would still change a stop: a warned one is not warned again, a fired one is past all."""
    return EVENT_OF.get(action) in NEXT[state]
