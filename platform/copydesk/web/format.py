"""Numbers, durations and moments in the visitor's language: sign, unit and digits always alike.

Quantities and money arrive as `Decimal`. Digits are Latin in every language, as on the exchanges. In a right-to-left
page each figure is wrapped in Unicode isolates (UAX #9), so that its sign and unit stay where they belong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import flask_babel  # type: ignore[import-untyped]
from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol
from markupsafe import Markup

from copydesk.trading import quote_currency

NOTHING = "–"
NBSP = "\u00a0"
_ISOLATE, _POP = "\u2066", "\u2069"
_MINUS = "\u2212"
_DIGITS_MAX = 8
_SMALL_RATIO = Decimal("0.01")
_BPS_DIGITS = 1
_PERCENT = "%"
_DOTTED_CAPITAL = frozenset({"tr", "az"})
# Here a space stands before the sign, as in scientific writing; elsewhere the language's own custom holds (CLDR).
_SPACED_PERCENT = frozenset({"en", "ar"})


def money(value: Decimal | None, currency: str = "") -> str:
    """Write an amount with two decimals and its currency: "412.50 USDT", "€412.50" where the currency has a sign."""
    return figure(value, "#,##0.00", unit=currency)


def signed_money(value: Decimal | None, currency: str = "") -> str:
    """Write a gain or loss with its sign: "+412.50 USDT"."""
    return figure(value, "#,##0.00", unit=currency, signed=True)


def qty(value: Decimal | None, unit: str = "") -> str:
    """Write a quantity exactly, up to eight decimals."""
    return figure(value, "#,##0.########", unit=unit)


def px(value: Decimal | None) -> str:
    """Write a price with up to eight significant digits; an average price has no end otherwise."""
    if value is None:
        return NOTHING
    decimals = max(_DIGITS_MAX - 1 - value.adjusted(), 2) if value else 2
    return figure(value, "#,##0.00" + "#" * (min(decimals, _DIGITS_MAX) - 2))


def pct(ratio: Decimal | None, signed: bool = True, digits: int = 1) -> str:
    """Write a fraction as a percentage: 0.124 is "+12.4 %", in Turkish "+%12,4".

    Under one percent one digit more tells the sign.
    """
    if ratio and abs(ratio) < _SMALL_RATIO:
        digits += 1
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return figure(None if ratio is None else ratio * 100, pattern, unit=_PERCENT, signed=signed)


def share(ratio: Decimal | None) -> str:
    """Write a share that somebody set, with no more digits than it has: 0.1 is "10 %", 0.125 is "12.5 %"."""
    return figure(None if ratio is None else ratio * 100, "#,##0.##", unit="%")


def bps(value: Decimal | None) -> str:
    """Write a signed price difference in basis points."""
    return figure(value, "#,##0." + "0" * _BPS_DIGITS, unit="bps", signed=True)


def ms(value: int | None) -> str:
    """Write a duration: milliseconds up to ten seconds, seconds beyond."""
    if value is not None and abs(value) >= 10_000:
        return figure(Decimal(value) / 1000, "#,##0.0", unit="s")
    return figure(None if value is None else Decimal(value), "#,##0", unit="ms")


class _Custom(NamedTuple):
    """How a language writes numbers (CLDR), and whether its lines run from right to left."""

    point: str
    group: str
    leftward: bool


def figure(value: Decimal | None, pattern: str, *, unit: str = "", signed: bool = False) -> str:
    """Write a number in the visitor's locale; the sign is + or − only where it says something.

    Of a `pattern` only what stands behind its point counts: a decimal for each 0, and one for each # that is not 0.
    """
    if value is None:
        return NOTHING
    step, least = _decimals(pattern)
    rounded = value.quantize(step, ROUND_HALF_EVEN)
    locale = _locale()
    sign = _MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return _with_unit(_digits(abs(rounded), least, _custom(locale)), unit, sign, locale)


def with_unit(digits: str, unit: str, sign: str = "") -> str:
    """Put a unit where the language has it: "10 %", in Turkish "%10"."""
    return _with_unit(digits, unit, sign, _locale())


def _with_unit(digits: str, unit: str, sign: str, locale: Locale) -> str:
    before, after = _around(unit, locale)
    return _isolated(f"{sign}{before}{digits}{after}", locale)


def _digits(rounded: Decimal, least: int, custom: _Custom) -> str:
    """Write what is rounded and not below zero, in groups of three, with at least so many decimals."""
    whole, _, decimals = f"{rounded:,f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    whole = whole.replace(",", custom.group)
    return f"{whole}{custom.point}{decimals}" if decimals else whole


@lru_cache(maxsize=64)
def _decimals(pattern: str) -> tuple[Decimal, int]:
    """Return to what a pattern rounds, and how many decimals it has at least."""
    decimals = pattern.partition(".")[2]
    return Decimal(1).scaleb(-len(decimals)), decimals.count("0")


@lru_cache(maxsize=64)
def _custom(locale: Locale) -> _Custom:
    return _Custom(get_decimal_symbol(locale), get_group_symbol(locale), locale.text_direction == "rtl")


@lru_cache(maxsize=256)
def _around(unit: str, locale: Locale) -> tuple[str, str]:
    """Return what stands before and after the digits of a unit; a currency with a sign of its own stands by custom."""
    if not unit:
        return "", ""
    if unit == _PERCENT and locale.language not in _SPACED_PERCENT:
        pattern = locale.percent_formats[None]
        return pattern.prefix[0], pattern.suffix[0]
    symbol = get_currency_symbol(unit, locale) if unit.isupper() else unit
    # Codes and signs with letters ("USDT", "US$") are told from a number only by a space.
    if symbol == unit or any(sign.isalpha() for sign in symbol) or locale.text_direction == "rtl":
        return "", f"{NBSP}{unit}"
    pattern = locale.currency_formats["standard"]
    return pattern.prefix[0].replace("¤", symbol), pattern.suffix[0].replace("¤", symbol)


def begun(words: str) -> str:
    """Begin a sentence with a capital letter; in Turkish and Azerbaijani that of "i" keeps its dot."""
    dotted = words.startswith("i") and _locale().language in _DOTTED_CAPITAL
    return f"{'İ' if dotted else words[:1].upper()}{words[1:]}"


def isolated(text: str) -> str:
    """Keep a left-to-right figure in one piece inside a right-to-left page."""
    return _isolated(text, _locale())


def _isolated(text: str, locale: Locale) -> str:
    return f"{_ISOLATE}{text}{_POP}" if _custom(locale).leftward else text


def ago_filter(now: Callable[[], datetime]) -> Callable[[datetime | None], Markup | str]:
    """Build the filter that writes how long ago a moment was, with the exact time on hover."""

    def ago(moment: datetime | None) -> Markup | str:
        if moment is None:
            return NOTHING
        passed = max(now() - moment, timedelta(seconds=1))  # Of nothing at all it would say "in 0 seconds".
        words = format_timedelta(-passed, locale=_locale(), add_direction=True, threshold=1.2)
        machine = moment.astimezone(UTC).isoformat(timespec="milliseconds")
        return Markup('<time datetime="%s" title="%s">%s</time>') % (machine, exact(moment), words)

    return ago


def exact(moment: datetime) -> str:
    """Write a moment in the reader's time zone, to the second."""
    return _exact(moment, flask_babel.get_timezone(), _locale())


@lru_cache(maxsize=4096)
def _exact(moment: datetime, zone: tzinfo, locale: Locale) -> str:
    """Remember what the same trades, shown over and over, were written as: that takes longer than all else of a row."""
    return str(format_datetime(moment, "medium", tzinfo=zone, locale=locale))


def date(moment: datetime) -> str:
    """Write a day in the reader's time zone."""
    return str(flask_babel.format_date(moment.astimezone(flask_babel.get_timezone()).date(), "medium"))


def pair(symbol: str) -> str:
    """Return what is traded for what, without the settlement currency that marks a perpetual."""
    return symbol.partition(":")[0]


def base(symbol: str) -> str:
    """Return what is traded, without what it is priced in."""
    return symbol.partition("/")[0]


def _locale() -> Locale:
    return flask_babel.get_locale() or Locale("en")


def filters(now: Callable[[], datetime]) -> dict[str, Callable[..., Any]]:
    """Return every formatting filter by its template name."""
    plain = {
        f.__name__: f for f in (money, signed_money, qty, px, pct, share, bps, ms, exact, date, isolated, pair, base)
    }
    return {**plain, "quote": quote_currency, "ago": ago_filter(now)}
