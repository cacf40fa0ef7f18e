"""Every figure of a strategy in the visitor's language: its name, how it is counted, and how its value is written.

Figures arrive as the floats of `copydesk.analytics.summary`; what cannot be told is a dash that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from babel.dates import format_timedelta, get_month_names
from flask_babel import get_locale, gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.analytics import FIGURES, Style, Unit
from copydesk.performance.board import BoardRow
from copydesk.web.figure_tips import UPDATES, WORDS
from copydesk.web.format import bps, figure, isolated, money, ms, pct, signed_money

# Nothing larger is a figure that somebody could read.
_LARGEST = Decimal("1e15")
_FEW_DAYS = 10
# Gains and losses carry their sign, other figures do not; those with a color are results, not a bound of one.
_SIGNED = frozenset(
    {
        *(name for name in FIGURES if name.startswith(("return_", "follower_return"))),
        *("money_weighted", "net_result", "tracking_difference", "expectancy", "win_mean", "loss_mean", "floating"),
        "unexplained",
    }
)
_FALLS = frozenset({"drawdown_now", "drawdown_max"})
_MULTIPLES = frozenset({"leverage_now", "leverage_max", "leverage_mean"})

STYLES: Mapping[str, LazyString] = {
    Style.SCALPING: lazy_gettext("Scalping"),
    Style.DAY: lazy_gettext("Day trading"),
    Style.SWING: lazy_gettext("Swing trading"),
    Style.POSITION: lazy_gettext("Position trading"),
}


@dataclass(frozen=True)
class Shown:
    """One figure as a page shows it. `text` is empty where it cannot be told, and `why` says why then.

    `tone` is "up" or "down" where a gain or loss is told, else empty.
    """

    key: str
    name: str
    tip: str
    text: str
    tone: str
    why: str


def told(value: object) -> Decimal | None:
    """Return a figure as an exact number; None for what is no figure: nothing, not a number, beyond all bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() and abs(number) < _LARGEST else None


def shown(key: str, value: object, currency: str) -> Shown:
    """Write one figure of `FIGURES` with its name and explanation."""
    words, number = WORDS[key], told(value)
    tip = f"{words.tip} {UPDATES[FIGURES[key].update]}"
    if number is None:
        return Shown(key, str(words.name), tip, "", "", str(words.missing))
    return Shown(key, str(words.name), tip, written(key, number, currency), _tone(key, number), "")


def written(key: str, number: Decimal, currency: str) -> str:
    """Write a figure's value with sign and unit."""
    signed = key in _SIGNED
    match FIGURES[key].unit:
        case Unit.RATIO:
            return pct(-abs(number) if key in _FALLS else number, signed=signed)
        case Unit.MONEY:
            return signed_money(number, currency) if signed else money(number, currency)
        case Unit.SECONDS:
            return duration(number)
        case Unit.DAYS:
            return figure(number, "#,##0.0" if number < _FEW_DAYS else "#,##0")
        case Unit.COUNT:
            return figure(number, "#,##0")
        case Unit.BPS:
            return bps(number)
        case Unit.MS:
            return ms(int(number))
    digits = figure(number, "#,##0.00")
    return isolated(f"{digits}×") if key in _MULTIPLES else digits


def _tone(key: str, number: Decimal) -> str:
    if key not in _SIGNED or key == "unexplained" or not number:
        return ""
    return "down" if number < 0 else "up"


def duration(seconds: Decimal) -> str:
    """Write how long something takes, in its largest sensible unit."""
    span = timedelta(seconds=float(seconds))
    return str(format_timedelta(span, locale=get_locale() or "en", threshold=1.5))


def tenths(value: object) -> str:
    """Write a number with one decimal: points, scores, lines that began at 100."""
    return figure(told(value), "#,##0.0")


def held_words(opened_at: datetime, closed_at: datetime) -> str:
    """Write how long a position was held; a clock that was set back makes no time below nothing."""
    return duration(Decimal(max((closed_at - opened_at).total_seconds(), 0)))


def returned_over(row: BoardRow, period: str) -> str:
    """Say over which time a return is: of 90 days while the record is younger, its whole length."""
    young = period == "90" and row.record_days < int(period)
    if period == "all" or young:
        return str(gettext("whole record"))
    return str(ngettext("%(num)s day", "%(num)s days", int(period)))


def month_names() -> list[str]:
    """Name the twelve months, January first, as short as the language has them."""
    names = get_month_names("abbreviated", context="stand-alone", locale=get_locale() or "en")
    return [str(names[month]) for month in range(1, 13)]


def style_words(style: str) -> str:
    """Name a style of trading by how long positions are held."""
    return str(STYLES.get(style, style))
