"""Words of a follower's pages: states with their marks, outcomes, stops in two words, what was just done."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.replication.own_receipts import Outcome
from copydesk.risk.model import Action, Limit, Measure, Window
from copydesk.trading import EndMode, SubscriptionState

_S = SubscriptionState

TONES: Mapping[SubscriptionState, str] = {
    _S.SYNCED: "ok",
    _S.CATCHING_UP: "busy",
    _S.OUT_OF_SYNC: "warn",
    _S.PAUSED: "warn",
    _S.DISARMED: "bad",
    _S.LIQUIDATED: "bad",
    _S.ENDING: "busy",
    _S.ENDED: "plain",
}
OUTCOME_TONES: Mapping[Outcome, str] = {
    Outcome.COPIED: "ok",
    Outcome.PARTIAL: "warn",
    Outcome.SKIPPED: "warn",
    Outcome.FAILED: "bad",
    Outcome.WAITING: "busy",
}
_OUTCOMES: Mapping[Outcome, LazyString] = {
    Outcome.COPIED: lazy_gettext("Copied"),
    Outcome.PARTIAL: lazy_gettext("Partly copied"),
    Outcome.SKIPPED: lazy_gettext("Skipped"),
    Outcome.FAILED: lazy_gettext("Sent, not filled"),
    Outcome.WAITING: lazy_gettext("On its way"),
}
_SHORT: Mapping[tuple[Measure, Window], LazyString] = {
    (Measure.LOSS, Window.DAY): lazy_gettext("Loss of the day"),
    (Measure.LOSS, Window.WEEK): lazy_gettext("Loss of the week"),
    (Measure.LOSS, Window.MONTH): lazy_gettext("Loss of the month"),
    (Measure.LOSS, Window.START): lazy_gettext("Loss since the start"),
    (Measure.PROFIT, Window.DAY): lazy_gettext("Gain of the day"),
    (Measure.PROFIT, Window.WEEK): lazy_gettext("Gain of the week"),
    (Measure.PROFIT, Window.MONTH): lazy_gettext("Gain of the month"),
    (Measure.PROFIT, Window.START): lazy_gettext("Gain since the start"),
}
_DOES: Mapping[Action, LazyString] = {
    Action.BLOCK_OPENS: lazy_gettext("opens nothing more"),
    Action.SHRINK: lazy_gettext("makes orders smaller"),
    Action.CLOSE: lazy_gettext("closes everything"),
    Action.CLOSE_AND_DISARM: lazy_gettext("closes everything and stops"),
    Action.WARN: lazy_gettext("tells you"),
}
_LEAVES: Mapping[EndMode, LazyString] = {
    EndMode.CLOSE_NOW: lazy_gettext("All positions are being closed at the market."),
    EndMode.MANAGE_UNTIL_EXIT: lazy_gettext("Positions are closed when the trader closes them; then it ends."),
    EndMode.HAND_OVER: lazy_gettext("Positions stay yours: nothing of them is closed here."),
}
_DONE: Mapping[str, tuple[LazyString, LazyString]] = {
    "paused": (lazy_gettext("Copying is paused"), lazy_gettext("Nothing new is opened until you resume it.")),
    "resumed": (lazy_gettext("Copying goes on"), lazy_gettext("It opens again from the trader's next trade on.")),
    "ending": (
        lazy_gettext("Copying ends"),
        lazy_gettext("This is stored, and done at once; while the engine is away, as soon as it is back."),
    ),
    "allocated": (lazy_gettext("The allocation is changed"), lazy_gettext("It holds from the next order on.")),
    "limited": (lazy_gettext("The limits are changed"), lazy_gettext("They hold from now on.")),
    "attached": (
        lazy_gettext("The market is attached again"),
        lazy_gettext("It is copied from the trader's next trade on."),
    ),
    "all-stopped": (
        lazy_gettext("Everything is stopped"),
        lazy_gettext(
            "Nothing new is opened, and every copied position is closed at once; while the engine is away, as soon as "
            "it is back."
        ),
    ),
    "all-paused": (
        lazy_gettext("Everything is paused"),
        lazy_gettext("Nothing new is opened; what is open is closed when the trader closes it."),
    ),
}


def outcome_words(outcome: Outcome) -> str:
    """Name what became of a signal."""
    return str(_OUTCOMES[outcome])


def stop_name(limit: Limit) -> str:
    """Name what a limit measures in two or three words."""
    if limit.measure is Measure.DRAWDOWN:
        return str(gettext("Drawdown"))
    return str(_SHORT.get((limit.measure, limit.window), limit.measure))


def stop_does(limit: Limit) -> str:
    """Say in a few words what happens at a limit."""
    return str(_DOES[limit.action])


def leaving_words(mode: EndMode | None) -> str:
    """Say what becomes of the positions of a subscription that ends."""
    return str(_LEAVES[mode]) if mode is not None else ""


def done_words(told: str | None) -> tuple[str, str] | None:
    """Say what was just done, by the word that the address carries; None for any other word."""
    if told is None or told not in _DONE:
        return None
    title, words = _DONE[told]
    return str(title), str(words)
