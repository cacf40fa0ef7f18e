"""Remarks on a way of trading in the visitor's language: two words for a card, a sentence with what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.analytics.flags import Flag
from copydesk.web.figure_words import told
from copydesk.web.format import NOTHING, figure, isolated, pct

LABELS: Mapping[str, LazyString] = {
    Flag.MARTINGALE: lazy_gettext("adds to losing positions"),
    Flag.NO_STOP: lazy_gettext("no stops"),
    Flag.WINS_TOO_GOOD: lazy_gettext("small wins, large losses"),
    Flag.SIZE_OUTLIER: lazy_gettext("one oversized position"),
    Flag.LEVERAGE_JUMP: lazy_gettext("leverage jumped"),
    Flag.HIDDEN_LOSS: lazy_gettext("open loss"),
    Flag.ONE_INSTRUMENT: lazy_gettext("one market only"),
    Flag.RESET: lazy_gettext("began anew"),
}
SENTENCES: Mapping[str, LazyString] = {
    Flag.MARTINGALE: lazy_gettext(
        "In %(share)s of closed positions the trader added to a loss, by up to %(size_up)s the first order. "
        "It works until the market does not turn back; then it costs most of the account."
    ),
    Flag.NO_STOP: lazy_gettext(
        "Only %(stops)s of positions had a stop order, and one loss cost %(loss)s of the account."
    ),
    Flag.WINS_TOO_GOOD: lazy_gettext(
        "%(wins)s of positions win, but an average loss costs %(times)s an average win. A few losses in a row undo "
        "many wins."
    ),
    Flag.SIZE_OUTLIER: lazy_gettext("One position was %(times)s as large as usual."),
    Flag.LEVERAGE_JUMP: lazy_gettext("Leverage in the last week reached %(now)s; before that the most was %(before)s."),
    Flag.HIDDEN_LOSS: lazy_gettext(
        "Open positions lose %(share)s of the account now, more than any closed position ever lost. Figures of "
        "closed positions alone do not show it."
    ),
    Flag.ONE_INSTRUMENT: lazy_gettext("%(share)s of what is traded is in one market."),
    Flag.RESET: lazy_gettext(
        "Accounts lost or strategies closed before by this trader: %(restarts)s. The lifetime record shows them."
    ),
}
# From when on each is said; the bounds are `copydesk.analytics.flags.BOUNDS`.
RULES: Mapping[str, LazyString] = {
    Flag.MARTINGALE: lazy_gettext(
        "In a tenth of closed positions or more, a loss was added to by 1.5 times the first order or more."
    ),
    Flag.NO_STOP: lazy_gettext(
        "Fewer than half of positions had a stop order, and one loss cost a tenth of the account or more."
    ),
    Flag.WINS_TOO_GOOD: lazy_gettext("85 of 100 positions win or more, and a loss costs three wins or more."),
    Flag.SIZE_OUTLIER: lazy_gettext("One position turned over five times the usual or more."),
    Flag.LEVERAGE_JUMP: lazy_gettext("Leverage in the last week was twice the most before it, or more."),
    Flag.HIDDEN_LOSS: lazy_gettext(
        "Open positions lose a twentieth of the account or more, and more than any closed position ever did."
    ),
    Flag.ONE_INSTRUMENT: lazy_gettext("Four fifths of all turnover or more is in one market."),
    Flag.RESET: lazy_gettext("All was lost once, or the trader began anew with another strategy."),
}
_RATIOS = frozenset({"share", "stops", "loss", "wins"})
_COUNTS = frozenset({"restarts"})


def flag_label(flag: str) -> str:
    """Return the two or three words of a flag that stand on a card."""
    return str(LABELS[flag]) if flag in LABELS else gettext("unusual trading")


def flag_sentence(flag: str, shown: Mapping[str, object]) -> str:
    """Say what was seen, with the figures that showed it; the label alone where one of them is missing."""
    known = {name: _written(name, told(value)) for name, value in shown.items()}
    try:
        return str(SENTENCES[flag]) % known
    except KeyError:
        return flag_label(flag)


def _written(name: str, value: Decimal | None) -> str:
    if value is None:
        return NOTHING
    if name in _RATIOS:
        return pct(value, signed=False, digits=0)
    return figure(value, "#,##0") if name in _COUNTS else isolated(f"{figure(value, '#,##0.#')}×")
