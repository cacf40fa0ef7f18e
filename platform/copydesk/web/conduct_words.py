"""What is told of a trader's behavior, in the visitor's language; the values come with the act."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.risk.habits import Sentence
from copydesk.web.format import figure

_S = Sentence
CONDUCT: Mapping[str, LazyString] = {
    _S.LEVERAGE_CHANGED: lazy_gettext("The last %(recent)s trades used %(now)s× leverage, where %(usual)s× is usual."),
    _S.SIZE_CHANGED: lazy_gettext(
        "The last %(recent)s trades were %(times)s times as large, against equity, as usual."
    ),
    _S.HOLDING_CHANGED: lazy_gettext("The last %(recent)s trades were held %(times)s times as long as usual."),
    _S.ADDS_WHILE_LOSING: lazy_gettext(
        "A losing position was made larger %(steps)s times in a row, each time by more: the last addition was "
        "%(times)s times the first. This happened in %(trades)s of %(of)s trades."
    ),
    _S.GROWS_AFTER_LOSSES: lazy_gettext(
        "After %(steps)s losses in a row each next trade was larger: %(times)s times the first in the end."
    ),
    _S.STOPS_MISSING: lazy_gettext("%(missing)s of %(trades)s positions had no resting stop."),
    _S.LOSSES_LEFT_OPEN: lazy_gettext(
        "A position was left open at a loss of %(worst)s, %(times)s times a usual win of %(win)s."
    ),
}


def conduct_words(facts: Mapping[str, object]) -> str | None:
    """Say what was seen of a trader; None where an act is about nothing of that kind."""
    sentence = CONDUCT.get(str(facts.get("sentence", "")))
    return None if sentence is None else str(sentence) % {name: _shown(value) for name, value in facts.items()}


def _shown(value: object) -> str:
    try:
        return figure(Decimal(str(value)), "#,##0.##")
    except InvalidOperation:
        return str(value)
