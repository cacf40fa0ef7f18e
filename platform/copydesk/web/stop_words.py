"""Says of a stop at the exchange what it did, and of a position that has none why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.kernel import ZERO
from copydesk.replication import EXCHANGE_STOP
from copydesk.risk.protection import ProtectiveState
from copydesk.trading import OrderStatus
from copydesk.web.format import base, figure, pair, px

_P = ProtectiveState
_NONE_YET = lazy_gettext("none placed yet")
BARE: Mapping[ProtectiveState, LazyString] = {
    _P.PLACING: lazy_gettext("one was sent, and the exchange has not confirmed it yet"),
    _P.RESTING: lazy_gettext("one rests"),
    _P.CANCELING: lazy_gettext("the last one is being canceled"),
    _P.FILLED: lazy_gettext("the last one has acted"),
    _P.CANCELED: lazy_gettext("the last one was canceled"),
    _P.REFUSED: lazy_gettext("it was not taken"),
    _P.ABSENT: lazy_gettext("the exchange has none any more"),
}
_QTY = "#,##0.########"


def bare_words(state: ProtectiveState | None) -> str:
    """Say why no stop rests, by how the last one stands; None where there never was one."""
    return str(_NONE_YET if state is None else BARE[state])


def told_words(reason: str | None) -> str:
    """Return what the exchange itself said; nothing where that is only a state, which has words of ours."""
    return "" if reason is None or reason in frozenset(OrderStatus) else reason


def exchange_stop_words(facts: Mapping[str, object]) -> str | None:
    """Say what a stop at the exchange did; None where an act is none of these."""
    if facts.get("kind") != EXCHANGE_STOP:
        return None
    try:
        symbol = str(facts["symbol"])
        closed, paid, trigger = (Decimal(str(facts[name])) for name in ("closed", "px", "trigger"))
    except (KeyError, InvalidOperation):
        return None
    told = {"qty": figure(closed, _QTY, unit=base(symbol)), "pair": pair(symbol), "trigger": px(trigger)}
    if paid == ZERO:
        return str(
            gettext(
                "The stop at the exchange closed %(qty)s of %(pair)s (it lay at %(trigger)s). Copying was paused: "
                "resume it to go on.",
                **told,
            )
        )
    return str(
        gettext(
            "The stop at the exchange closed %(qty)s of %(pair)s at %(px)s (it lay at %(trigger)s). Copying was "
            "paused: resume it to go on.",
            px=px(paid),
            **told,
        )
    )
