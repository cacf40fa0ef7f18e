"""Says what risk did, how it ended, and what a subscription's state means for its owner now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.risk.acts import ActState
from copydesk.risk.switch_rules import Reach
from copydesk.trading import SubscriptionState
from copydesk.web.format import begun, pair
from copydesk.web.reason_words import STATE_REASONS
from copydesk.web.words import exchange_name, words

_A, _S = ActState, SubscriptionState

_STATES: Mapping[ActState, tuple[LazyString, str]] = {
    _A.WARNED: (lazy_gettext("Warned"), "plain"),
    _A.BLOCKED: (lazy_gettext("No more opens"), "warn"),
    _A.FIRING: (lazy_gettext("Closing"), "busy"),
    _A.CLOSING: (lazy_gettext("Closing"), "busy"),
    _A.CLOSED: (lazy_gettext("Closed"), "ok"),
    _A.FLAGGED: (lazy_gettext("Not all closed"), "bad"),
}
_ENDS: Mapping[ActState, LazyString] = {
    _A.WARNED: lazy_gettext("You were told. Nothing else was done."),
    _A.BLOCKED: lazy_gettext("Nothing new was opened from then on."),
    _A.FIRING: lazy_gettext("Everything that was copied is being closed."),
    _A.CLOSING: lazy_gettext("Everything that was copied is being closed."),
    _A.CLOSED: lazy_gettext("Everything that was copied was closed."),
    _A.FLAGGED: lazy_gettext("Not everything could be closed: look at your positions at the exchange."),
}
_STRATEGY_ENDS: Mapping[ActState, LazyString] = {
    _A.WARNED: lazy_gettext("Nothing was done: it is only told."),
    _A.BLOCKED: lazy_gettext("The strategy is suspended: nothing new is opened for any of its followers."),
    _A.CLOSED: lazy_gettext("The strategy was suspended, and goes on since."),
}


class Note(NamedTuple):
    """What a state means: a title, a sentence with what can be done, and how serious it is."""

    title: str
    text: str
    tone: str


_RESUME = lazy_gettext("To go on, resume copying.")
_STOPPED = frozenset({_S.PAUSED, _S.DISARMED, _S.OUT_OF_SYNC})
_MEANINGS: Mapping[SubscriptionState, tuple[LazyString, LazyString, LazyString, str]] = {
    _S.SYNCED: (
        lazy_gettext("Copying runs"),
        lazy_gettext("What the trader opens is copied, within the limits below."),
        lazy_gettext("You need do nothing."),
        "ok",
    ),
    _S.CATCHING_UP: (
        lazy_gettext("Copying runs"),
        lazy_gettext("Your positions are just being brought in line with the trader's."),
        lazy_gettext("You need do nothing."),
        "ok",
    ),
    _S.PAUSED: (
        lazy_gettext("Nothing new is opened"),
        lazy_gettext("What is open is still closed when the trader closes it."),
        _RESUME,
        "warn",
    ),
    _S.DISARMED: (
        lazy_gettext("Copying has stopped"),
        lazy_gettext("What was copied is closed, and nothing new is opened."),
        _RESUME,
        "bad",
    ),
    _S.OUT_OF_SYNC: (
        lazy_gettext("Out of sync"),
        lazy_gettext("Your account does not hold what it was to hold, so nothing new is opened."),
        _RESUME,
        "warn",
    ),
    _S.LIQUIDATED: (
        lazy_gettext("Closed by the exchange"),
        lazy_gettext("The exchange closed a position by force, and nothing new is opened."),
        _RESUME,
        "bad",
    ),
    _S.ENDING: (
        lazy_gettext("Copying ends"),
        lazy_gettext("Nothing new is opened; what is open is closed as you chose."),
        lazy_gettext("You need do nothing."),
        "busy",
    ),
}

_REACHES: Mapping[Reach, LazyString] = {
    Reach.ALL: lazy_gettext("Every brand"),
    Reach.TENANT: lazy_gettext("The whole brand"),
    Reach.EXCHANGE: lazy_gettext("Exchange %(subject)s"),
    Reach.INSTRUMENT: lazy_gettext("Market %(subject)s"),
    Reach.STRATEGY: lazy_gettext("Strategy %(subject)s"),
}


def act_state(state: ActState) -> tuple[str, str]:
    """Name how far an act has come, and how serious that is."""
    label, tone = _STATES[state]
    return str(label), tone


def act_end(scope: str, state: ActState) -> str:
    """Say how an act ended, to the owner of a subscription that it reached; one of a position says that itself."""
    if scope == "position":
        return ""
    ends = _STRATEGY_ENDS if scope == "strategy" and state in _STRATEGY_ENDS else _ENDS
    return str(ends[state])


def standing_note(state: SubscriptionState, reason: str | None, newest: ActState | None = None) -> Note:
    """Say what a subscription's state means now, and what its owner can do; `newest` is how far its last stop is."""
    title, text, then, tone = _MEANINGS[state]
    unfinished = state in _STOPPED and newest in (ActState.FIRING, ActState.CLOSING, ActState.FLAGGED)
    if newest is not None and unfinished:
        text = _ENDS[newest]
        then = _RESUME if newest is ActState.FLAGGED else lazy_gettext("You can resume copying once that is done.")
    why = STATE_REASONS.get(reason or "")
    told = [] if why is None else [_sentence(str(why))]
    # A reason says itself what became of positions, but for a pause, which leaves them.
    if unfinished:
        told = [str(text)]
    elif not told or state is SubscriptionState.PAUSED:
        told.append(str(text))
    return Note(str(title), " ".join([*told, str(then)]), tone)


def drift_words(reason: str | None) -> str:
    """Say why a subscription does not hold what it was to hold."""
    if not reason:
        return str(gettext("No reason was stored."))
    return _sentence(str(STATE_REASONS[reason])) if reason in STATE_REASONS else words(reason)


def who_words(scope: str, number: int) -> str:
    """Name whose act or limit it is."""
    if scope == "account":
        return str(gettext("Account %(number)s", number=number))
    if scope == "strategy":
        return str(gettext("Strategy %(subject)s", subject=number))
    return str(gettext("Subscription %(number)s", number=number))


def reach_words(reach: Reach, subject: str) -> str:
    """Name what a kill switch is about."""
    shown = place_words(subject) if reach is Reach.EXCHANGE else pair(subject)
    return str(_REACHES[reach]) % {"subject": shown}


def place_words(place: str) -> str:
    """Name an exchange's environment ("binance-lab"); only one that is not the real one is said to be so."""
    venue, _, environment = place.rpartition("-")
    if environment == "live":
        return exchange_name(venue)
    return str(gettext("%(exchange)s (simulated)", exchange=exchange_name(venue)))


def _sentence(words: str) -> str:
    return f"{begun(words)}."
