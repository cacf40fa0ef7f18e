"""Reads what is asked of the API; what is not understood is refused with its name, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from flask import request

from copydesk.kernel import InvalidInput
from copydesk.performance.board import Filters, Market, Sort
from copydesk.performance.page import COMPARED_MAX

LIMIT, LIMIT_MAX = 25, 100
DAYS, DAYS_MAX = 90, 3_650
_TEXT_MAX = 100
_CURSOR_MAX = 20_000
_WHOLE_MAX = 1_000_000

E = TypeVar("E", bound=StrEnum)
V = TypeVar("V")


def filters() -> Filters:
    """Read the leaderboard's filters."""
    return Filters(
        market=_one_of("market", Market, Market.ANY),
        exchange=_text("exchange") or None,
        risk_max=_value("risk_max", _whole(1, 10)),
        drawdown_max=_value("drawdown_max", _number(Decimal(1))),
        allocation_max=_value("allocation_max", _number(Decimal(10) ** 15)),
        style=_text("style") or None,
        age_days_min=_value("age_days_min", _whole(0, _WHOLE_MAX)),
        text=_text("text") or None,
    )


def sort() -> Sort:
    return _one_of("sort", Sort, Sort.SCORE)


def limit() -> int:
    return _value("limit", _whole(1, LIMIT_MAX)) or LIMIT


def cursor() -> str | None:
    """Return the cursor as it was given; whether it is one, the leaderboard knows."""
    return _text("after", _CURSOR_MAX) or None


def days() -> int | None:
    """Return of how many days a curve is wanted; None for all."""
    if request.args.get("days") == "all":
        return None
    return _value("days", _whole(1, DAYS_MAX)) or DAYS


def slugs() -> list[str]:
    """Return the slugs of a comparison, each once."""
    given = [part.strip() for part in _text("strategies", 1_000).split(",")]
    found = list(dict.fromkeys(part for part in given if part))
    if not 1 <= len(found) <= COMPARED_MAX:
        raise InvalidInput(f"strategies: expected 1 to {COMPARED_MAX} slugs with commas between them.")
    return found


def _text(name: str, length_max: int = _TEXT_MAX) -> str:
    given = request.args.get(name, "")
    if len(given) > length_max or "\0" in given:
        raise InvalidInput(f"{name}: expected at most {length_max} characters.")
    return given


def _one_of(name: str, kinds: type[E], default: E) -> E:
    given = request.args.get(name)
    if given is None:
        return default
    if given not in set(kinds):
        raise InvalidInput(f"{name}: expected one of {', '.join(kinds)}.")
    return kinds(given)


def _value(name: str, read: Callable[[str, str], V]) -> V | None:
    given = request.args.get(name)
    return None if given is None else read(name, given)


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    def read(name: str, given: str) -> int:
        known = given.isascii() and given.isdecimal() and len(given) <= len(str(most))
        if not known or not least <= int(given) <= most:
            raise InvalidInput(f"{name}: expected a whole number from {least} to {most}.")
        return int(given)

    return read


def _number(most: Decimal) -> Callable[[str, str], Decimal]:
    def read(name: str, given: str) -> Decimal:
        try:
            value = Decimal(given[:_TEXT_MAX])
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not 0 <= value <= most:
            raise InvalidInput(f"{name}: expected a number from 0 to {most:f}.")
        return value

    return read
