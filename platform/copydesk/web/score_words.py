"""The parts of a score and the gates before it, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.analytics.score import PARTS, Gate, Gates, Part
from copydesk.web.figure_words import told
from copydesk.web.format import figure, money, pct

PART_NAMES: Mapping[str, LazyString] = {
    Part.RISK_ADJUSTED: lazy_gettext("Return for the risk taken"),
    Part.FOLLOWERS: lazy_gettext("Followers’ result"),
    Part.DRAWDOWN: lazy_gettext("Control of drawdown"),
    Part.LENGTH: lazy_gettext("Length of record"),
    Part.OWN_STAKE: lazy_gettext("Own stake"),
    Part.FIDELITY: lazy_gettext("Copies that succeed"),
    Part.POPULARITY: lazy_gettext("Number of followers"),
}
# Each with the two ends of its line, %(worst)s for 0 points and %(best)s for 100.
PART_SENTENCES: Mapping[str, LazyString] = {
    Part.RISK_ADJUSTED: lazy_gettext(
        "Sortino ratio: return over the downs on the way. %(worst)s or less gives 0 points, %(best)s or more 100."
    ),
    Part.FOLLOWERS: lazy_gettext(
        "What the middle follower earned on their own money, after fees. %(worst)s or less gives 0 points, "
        "%(best)s or more 100."
    ),
    Part.DRAWDOWN: lazy_gettext(
        "Deepest fall so far, open losses included. %(worst)s or more gives 0 points, %(best)s or less 100."
    ),
    Part.LENGTH: lazy_gettext("Days of record. %(worst)s days give 0 points, %(best)s days or more 100."),
    Part.OWN_STAKE: lazy_gettext(
        "The trader’s own money in the strategy. %(worst)s gives 0 points, %(best)s or more 100."
    ),
    Part.FIDELITY: lazy_gettext(
        "Share of due copies that were done. %(worst)s or less gives 0 points, %(best)s gives 100."
    ),
    Part.POPULARITY: lazy_gettext("How many people copy it. %(worst)s gives 0 points, %(best)s or more 100."),
}
# Why a strategy has no place.
GATE_SENTENCES: Mapping[str, LazyString] = {
    Gate.RECORD_TOO_SHORT: lazy_gettext("The record is shorter than %(days_min)s days."),
    Gate.TOO_FEW_CLOSED: lazy_gettext("Fewer than %(closed_min)s positions were closed."),
    Gate.DRAWDOWN_TOO_DEEP: lazy_gettext("It once fell more than %(drawdown_max)s from its peak."),
    Gate.RISK_TOO_HIGH: lazy_gettext("Its risk is above %(risk_max)s of 10."),
}
# The same bounds as a rule for everybody.
GATE_RULES: Mapping[str, LazyString] = {
    Gate.RECORD_TOO_SHORT: lazy_gettext("At least %(days_min)s days of record"),
    Gate.TOO_FEW_CLOSED: lazy_gettext("At least %(closed_min)s closed positions"),
    Gate.DRAWDOWN_TOO_DEEP: lazy_gettext("Never more than %(drawdown_max)s below its peak"),
    Gate.RISK_TOO_HIGH: lazy_gettext("Risk at most %(risk_max)s of 10"),
}
_RATIOS = frozenset({Part.FOLLOWERS, Part.DRAWDOWN, Part.FIDELITY})


def part_name(part: str) -> str:
    """Name a part of the score."""
    return str(PART_NAMES.get(part, part))


def part_sentence(part: str, currency: str) -> str:
    """Say what a part looks at, and what of it gives no points and all points."""
    line = PARTS[Part(part)]
    return str(PART_SENTENCES[part]) % {
        "worst": _end(part, line.worst, currency),
        "best": _end(part, line.best, currency),
    }


def gate_sentence(gate: str, gates: Gates) -> str:
    """Say why a strategy has no place, with the bound that holds at this brand."""
    return str(GATE_SENTENCES[gate]) % bounds_of(gates)


def bounds_of(gates: Gates) -> dict[str, str]:
    """Write the bounds of a brand's gates, by their names in the sentences."""
    return {
        "days_min": figure(told(gates.days_min), "#,##0.#"),
        "closed_min": figure(told(gates.closed_min), "#,##0"),
        "drawdown_max": pct(told(gates.drawdown_max), signed=False, digits=0),
        "risk_max": figure(told(gates.risk_max), "#,##0"),
    }


def _end(part: str, value: float, currency: str) -> str:
    number = Decimal(str(value))
    if part in _RATIOS:
        return pct(number, signed=part == Part.FOLLOWERS, digits=0)
    return money(number, currency) if part == Part.OWN_STAKE else figure(number, "#,##0.#")
