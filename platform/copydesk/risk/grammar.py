"""One line of text is one limit, the same in YAML, panel, API and command line. Pure.

    <measure> <comparison> <threshold> [of <basis>] [per <window>] -> <action>

`parse` reads a line and refuses it with one sentence that names place, expectation and finding; `text_of` writes it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from copydesk.kernel import InvalidInput, decimal_text
from copydesk.risk.measures import MEASURES, NAMES_MAX, UNSPOKEN_BASES, UNSPOKEN_WINDOWS, Comparison, Rule, Telling
from copydesk.risk.model import Action, Basis, Limit, Measure, Threshold, Unit, Window

TAIL_FORM = "<threshold> [of <basis>] [per <window>]"
FORM = f"<measure> <comparison> {TAIL_FORM} -> <action>"
TEXT_LEN_MAX = 8_000
TAIL_LEN_MAX = 200

Word = TypeVar("Word", bound=StrEnum)
_HEAD = re.compile(r"(?P<measure>[^\s<>=]+)\s*(?P<comparison>[<>=]+|in\b)?\s*(?P<rest>.*)", re.DOTALL)
_TAIL = re.compile(
    r"(?P<number>\S*?)\s*(?P<unit>%|×|(?!(?:of|per)\b)[A-Za-z][A-Za-z0-9]*)?"
    r"(?:\s+of\s+(?P<basis>\S+))?(?:\s+per\s+(?P<window>\S+))?",
)
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,11}")
_SYMBOL = re.compile(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9]{1,20}(?::[A-Za-z0-9]{1,20})?")
_UNIT_WORDS = {
    Unit.PERCENT: "a percentage (5 %)",
    Unit.MONEY: "an amount with its currency (500 USDT)",
    Unit.COUNT: "a number without unit",
    Unit.TIMES: "a leverage (5)",
}


class BadLine(InvalidInput):
    """A line that says no limit: what was expected, and what was found."""

    def __init__(self, where: str, *, code: str, expected: str, found: str) -> None:
        place = f"{where}: " if where else ""
        super().__init__(f"{place}expected {expected}, found {found}.", code=f"limit_{code}")
        self.expected = expected
        self.found = found


class _Refusal:
    """Says what was expected and what was found, and where that is."""

    def __init__(self, where: str) -> None:
        self._where = where

    def because(self, code: str, *, expected: str, found: str) -> BadLine:
        shown = found if len(found) <= 60 else found[:57] + "..."
        return BadLine(self._where, code=code, expected=expected, found=shown)


def parse(text: str, *, where: str = "", symbols: Collection[str] | None = None) -> Limit:
    """Read one limit. `where` names the place of the text; `symbols` are the instruments that a list may name.

    Raises InvalidInput, whose code is one of limit_malformed, limit_measure, limit_comparison, limit_unit,
    limit_out_of_bounds, limit_basis, limit_window, limit_action, limit_instrument.
    """
    no = _Refusal(where)
    if len(text) > TEXT_LEN_MAX:
        raise no.because("malformed", expected=f"at most {TEXT_LEN_MAX} characters", found=f"{len(text)}")
    left, arrow, action_word = text.partition("->")
    head = _HEAD.fullmatch(left.strip())
    if not head:
        raise no.because("malformed", expected=FORM, found=_quoted(text))
    measure = _word(head["measure"], Measure, Measure, "measure", no)
    rule = MEASURES[measure]
    if head["comparison"] != rule.comparison:
        found = f'"{head["comparison"]}"' if head["comparison"] else _quoted(head["rest"])
        raise no.because("comparison", expected=f'"{rule.comparison}" after {measure}', found=found)
    if not arrow:
        raise no.because("malformed", expected='"-> <action>" at the end', found=_quoted(text))
    threshold, basis, window = _told(head["rest"].strip(), measure, rule, no, symbols)
    action = _word(action_word.strip(), Action, rule.actions, f"action for {measure}", no, code="action")
    return Limit(measure, threshold, basis, window, action)


def text_of(limit: Limit) -> str:
    """Write a limit as `parse` reads it."""
    rule = MEASURES[limit.measure]
    parts = [str(limit.measure), str(rule.comparison), threshold_text(limit.threshold)]
    if limit.basis not in UNSPOKEN_BASES:
        parts.append(f"of {limit.basis}")
    if limit.window not in UNSPOKEN_WINDOWS:
        parts.append(f"per {limit.window}")
    return " ".join([*parts, "->", str(limit.action)])


def threshold_text(threshold: Threshold) -> str:
    """Write where a limit lies: "5 %", "500 USDT", "10", or the names of a list."""
    if threshold.unit is Unit.NAMES:
        return ", ".join(sorted(threshold.names))
    return value_text(threshold.value, threshold.unit, threshold.currency)


def value_text(value: Decimal, unit: Unit, currency: str = "") -> str:
    """Write a number with its unit."""
    behind = {Unit.PERCENT: " %", Unit.MONEY: f" {currency}".rstrip()}.get(unit, "")
    return decimal_text(value) + behind


def bounds_text(telling: Telling, currency: str = "") -> str:
    """Say from where to where a threshold may lie."""
    kind = "a whole number " if telling.whole else ""
    return f"{kind}from {decimal_text(telling.low)} to {value_text(telling.high, telling.unit, currency)}"


def fits(telling: Telling, value: Decimal) -> bool:
    """Tell whether a threshold is within the platform's bounds."""
    return telling.low <= value <= telling.high and not (telling.whole and value % 1)


def _told(
    rest: str, measure: Measure, rule: Rule, no: _Refusal, symbols: Collection[str] | None
) -> tuple[Threshold, Basis, Window]:
    if rule.comparison is Comparison.IN:
        return Threshold(unit=Unit.NAMES, names=_names(rest, no, symbols)), rule.tellings[0].bases[0], rule.windows[0]
    tail = _TAIL.fullmatch(rest) if len(rest) <= TAIL_LEN_MAX else None
    if not tail:
        raise no.because("malformed", expected=f"{TAIL_FORM} after {measure} {rule.comparison}", found=_quoted(rest))
    if not _NUMBER.fullmatch(tail["number"]):
        found = _quoted(tail["number"] or rest)
        raise no.because("malformed", expected=f"a number after {measure} {rule.comparison}", found=found)
    threshold, telling = _threshold(tail["number"], tail["unit"] or "", measure, rule, no)
    if not fits(telling, threshold.value):
        bounds = bounds_text(telling, threshold.currency)
        raise no.because("out_of_bounds", expected=f"{measure} {bounds}", found=threshold_text(threshold))
    return threshold, _basis(tail["basis"], telling, measure, no), _window(tail["window"], rule, measure, no)


def _threshold(number: str, word: str, measure: Measure, rule: Rule, no: _Refusal) -> tuple[Threshold, Telling]:
    if word == "%":
        unit = Unit.PERCENT
    elif word in ("", "x", "×"):
        unit = Unit.TIMES if rule.telling(Unit.TIMES) else Unit.COUNT
    else:
        unit = Unit.MONEY
    telling = rule.telling(unit)
    money = unit is Unit.MONEY
    if not telling or (word in ("x", "×") and unit is Unit.COUNT) or (money and not _CURRENCY.fullmatch(word)):
        ways = " or ".join(_UNIT_WORDS[way.unit] for way in rule.tellings)
        raise no.because("unit", expected=f"{ways} for {measure}", found=_quoted(f"{number} {word}".rstrip()))
    return Threshold(Decimal(number), unit, word if money else ""), telling


def _basis(word: str | None, telling: Telling, measure: Measure, no: _Refusal) -> Basis:
    if word is not None:
        return _word(word, Basis, telling.bases, f"basis for {measure}", no, code="basis")
    first = telling.bases[0]
    if first not in UNSPOKEN_BASES and telling.unit is Unit.PERCENT:
        ways = " or ".join(f'"of {basis}"' for basis in telling.bases)
        raise no.because("basis", expected=f"{ways} after the percentage of {measure}", found="no basis")
    return first


def _window(word: str | None, rule: Rule, measure: Measure, no: _Refusal) -> Window:
    spoken = [window for window in rule.windows if window not in UNSPOKEN_WINDOWS]
    if word is not None:
        if not spoken:
            raise no.because("window", expected=f"no window for {measure}", found=f'"per {word}"')
        return _word(word, Window, spoken, f"window for {measure}", no, code="window")
    if rule.windows[0] not in UNSPOKEN_WINDOWS:
        raise no.because("window", expected=f'"per {spoken[0]}" for {measure}', found="no window")
    return rule.windows[0]


def _names(rest: str, no: _Refusal, symbols: Collection[str] | None) -> frozenset[str]:
    names = [name.strip() for name in rest.split(",")]
    for name in names:
        if not _SYMBOL.fullmatch(name):
            raise no.because(
                "instrument", expected="instruments such as BTC/USDT, separated by commas", found=_quoted(name)
            )
        if symbols is not None and name not in symbols:
            raise no.because("instrument", expected=f"a known instrument{_hint(name, symbols)}", found=_quoted(name))
    if len(names) > NAMES_MAX:
        raise no.because("out_of_bounds", expected=f"at most {NAMES_MAX} instruments", found=str(len(names)))
    return frozenset(names)


def _word(
    word: str, kind: type[Word], allowed: Iterable[Word], what: str, no: _Refusal, *, code: str = "measure"
) -> Word:
    ways = [str(way) for way in allowed]
    if word in ways:
        return kind(word)
    choice = f"one of {', '.join(ways)} as {what}" if len(ways) <= 8 else f"a known {what}"
    raise no.because(code, expected=choice + _hint(word, ways), found=_quoted(word))


def _hint(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word.lower(), {each.lower(): each for each in known}, n=1)
    return f" (did you mean {next(each for each in known if each.lower() == near[0])}?)" if near else ""


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text}"' if text else "nothing"
