"""Values of the operator's view: a brand's plan, a month's usage, and how much of what was promised was kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import InvalidInput

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class Plan(NamedTuple):
    """How many followers and strategies a brand may have; None for as many as come."""

    followers_max: int | None = None
    strategies_max: int | None = None


class Month(NamedTuple):
    """A month of the calendar, in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime) -> Month:
        return cls(at.astimezone(UTC).year, at.astimezone(UTC).month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read "2026-11"; raises InvalidInput."""
        found = _MONTH.fullmatch(text)
        if found is None:
            raise InvalidInput(f"month: expected a month such as 2026-11, found {text!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def begins(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def next(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> Month:
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"


@dataclass(frozen=True)
class Usage:
    """What a brand used in a month: people whose accounts traded, strategies that were copied, orders sent.

    `notional` is what was bought and sold by copies, by quote currency.
    """

    followers: int = 0
    strategies: int = 0
    copies: int = 0
    notional: Mapping[str, Decimal] = field(default_factory=dict)


class UsageLine(NamedTuple):
    """One line of a month's statement: a brand's usage in one currency; one without trades has one line as well."""

    tenant: str
    month: Month
    followers: int
    strategies: int
    copies: int
    currency: str
    notional: Decimal

    @classmethod
    def lines(cls, tenant: str, month: Month, usage: Usage) -> list[UsageLine]:
        """Put a brand's usage into lines, one for each currency in alphabetical order."""
        counts = tenant, month, usage.followers, usage.strategies, usage.copies
        traded = sorted(usage.notional.items()) or [("", Decimal(0))]
        return [cls(*counts, currency, notional) for currency, notional in traded]


class Duty(NamedTuple):
    """How many copies of a month were due to be sent, and how many of them were too late or never went out."""

    due: int = 0
    late: int = 0


class Budget(NamedTuple):
    """A month's error budget: how much may go wrong, and how much of that is left; below 0 it is overdrawn."""

    duty: Duty
    target_ratio: Decimal

    @property
    def in_time_ratio(self) -> Decimal | None:
        """Return the share of copies that were in time; None where none was due."""
        due, late = self.duty
        return None if not due else 1 - Decimal(late) / due

    @property
    def left_ratio(self) -> Decimal:
        """Return what is left of the budget: 1 is all of it."""
        due, late = self.duty
        allowed = due * (1 - self.target_ratio)
        return Decimal(1) if not late else 1 - late / allowed
