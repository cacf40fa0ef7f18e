"""What renderers need from outside: the words of one language, and what a brand looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Look:
    """A brand on paper. `logo` is a PNG; `color` is "#rrggbb", dark enough for white paper."""

    name: str
    color: str
    logo: bytes | None = None
    rtl: bool = False
    lang: str = "en"


class Words(Protocol):
    """Say everything that stands on paper, in one language.

    `label` takes a name out of `paper.LABELS`; figures come as they are read, with unit and sign.
    """

    def label(self, name: str, values: Mapping[str, str] | None = None) -> str: ...

    def money(self, value: Decimal | None, currency: str = "", *, signed: bool = False) -> str: ...

    def qty(self, value: Decimal | None) -> str: ...

    def px(self, value: Decimal | None) -> str: ...

    def ratio(self, value: Decimal | None) -> str: ...

    def count(self, value: int) -> str: ...

    def moment(self, value: datetime) -> str: ...

    def day(self, value: date) -> str: ...

    def state(self, value: str) -> str: ...

    def reason(self, value: str, facts: Mapping[str, str] | None) -> str: ...

    def exchange(self, value: str) -> str: ...
