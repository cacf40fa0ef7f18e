"""What a visitor asks of the list of strategies: read from the address, and written into addresses again.

What the address has and nobody could have chosen is left out, as if it had not been asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from flask_babel import gettext, ngettext  # type: ignore[import-untyped]

from copydesk.performance.board import Filters, Market, Sort
from copydesk.web.figure_words import STYLES, style_words
from copydesk.web.format import money, pct
from copydesk.web.words import exchange_name

LIST = "/strategies"
PERIODS = ("30", "90", "all")
PERIOD_DEFAULT = "90"
RISKS = (3, 5, 7, 9)
DRAWDOWNS = (10, 20, 30, 40)
AGES = (30, 90, 180, 365)
_TEXT_LENGTH_MAX = 60
_GROUP = 3
_AMOUNT_MAX = Decimal(1_000_000_000)
_RETURNS = {f"return_{period}": period for period in PERIODS}


@dataclass(frozen=True)
class Asked:
    """Each part as the address has it: empty where it was not asked for."""

    market: str = ""
    exchange: str = ""
    risk: str = ""
    drawdown: str = ""
    amount: str = ""
    style: str = ""
    days: str = ""
    q: str = ""
    sort: str = ""
    period: str = ""

    @property
    def order(self) -> Sort:
        """Return what the list is ordered by; a return is that of the chosen time."""
        if self.sort in _RETURNS or self.sort == "return":
            return Sort(f"return_{self.time}")
        return Sort(self.sort or Sort.SCORE)

    @property
    def time(self) -> str:
        """Return over which time the return is shown."""
        return self.period or _RETURNS.get(self.sort, PERIOD_DEFAULT)

    @property
    def filters(self) -> Filters:
        return Filters(
            market=Market(self.market or Market.ANY),
            exchange=self.exchange or None,
            risk_max=int(self.risk) if self.risk else None,
            drawdown_max=Decimal(self.drawdown) / 100 if self.drawdown else None,
            allocation_max=Decimal(self.amount) if self.amount else None,
            style=self.style or None,
            age_days_min=int(self.days) if self.days else None,
            text=self.q or None,
        )

    def address(self, **changes: str | None) -> str:
        """Return the address of the same list with something else chosen; None takes a choice back."""
        values = {part.name: getattr(self, part.name) for part in fields(self)} | changes
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{LIST}?{query}" if query else LIST

    def chosen(self, currency: str) -> list[tuple[str, str]]:
        """List each filter in words with the address of the list without it."""
        return [(words, self.address(**{name: None})) for name, words in self._words(currency).items()]

    def _words(self, currency: str) -> dict[str, str]:
        known = {
            "q": gettext("“%(text)s”", text=self.q),
            "market": gettext("Perpetuals") if self.market == Market.PERPETUAL else gettext("Spot"),
            "exchange": exchange_name(self.exchange),
            "risk": gettext("risk at most %(risk)s", risk=self.risk),
            "drawdown": gettext("drawdown at most %(ratio)s", ratio=_percent(self.drawdown)),
            "amount": gettext("possible with %(amount)s", amount=money(Decimal(self.amount or 0), currency)),
            "style": style_words(self.style),
            "days": ngettext("at least %(num)s day", "at least %(num)s days", int(self.days or 0)),
        }
        return {name: words for name, words in known.items() if getattr(self, name)}


def asked_of(args: Mapping[str, str], exchanges: tuple[str, ...]) -> Asked:
    """Read what was asked for; `exchanges` are those that the brand has."""
    return Asked(
        market=_one_of(args, "market", (Market.SPOT, Market.PERPETUAL)),
        exchange=_one_of(args, "exchange", exchanges),
        risk=_one_of(args, "risk", map(str, RISKS)),
        drawdown=_one_of(args, "drawdown", map(str, DRAWDOWNS)),
        amount=_amount(args.get("amount", "")),
        style=_one_of(args, "style", STYLES),
        days=_one_of(args, "days", map(str, AGES)),
        q=" ".join(args.get("q", "").replace("\0", "").split())[:_TEXT_LENGTH_MAX],
        sort=_one_of(args, "sort", (*Sort, "return")),
        period=_one_of(args, "period", PERIODS),
    )


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what each field of the filters offers: (value, words)."""
    anything = ("", gettext("any"))
    return {
        "market": [anything, ("spot", gettext("Spot")), ("perpetual", gettext("Perpetuals"))],
        "risk": [anything, *((str(risk), gettext("%(risk)s of 10", risk=risk)) for risk in RISKS)],
        "drawdown": [anything, *((str(most), _percent(str(most))) for most in DRAWDOWNS)],
        "style": [anything, *((style, style_words(style)) for style in STYLES)],
        "days": [anything, *((str(days), ngettext("%(num)s day", "%(num)s days", days)) for days in AGES)],
    }


def sorts(asked: Asked) -> list[tuple[str, str, bool]]:
    """List the orders: (address, words, whether it is this one)."""
    names = {
        Sort.SCORE: gettext("Score"),
        "return": gettext("Return"),
        Sort.DRAWDOWN: gettext("Drawdown"),
        Sort.FOLLOWERS_RESULT: gettext("Followers’ result"),
        Sort.RISK: gettext("Risk"),
        Sort.DAYS: gettext("Length of record"),
    }
    now = "return" if asked.order in _RETURNS else asked.order
    return [(asked.address(sort=str(key), period=asked.time), words, key == now) for key, words in names.items()]


def periods(asked: Asked) -> list[tuple[str, str, bool]]:
    """List over which time the return can be shown: (address, words, whether it is this one)."""
    sort = "return" if asked.order in _RETURNS else asked.sort
    return [(asked.address(period=period, sort=sort), period_words(period), period == asked.time) for period in PERIODS]


def period_words(period: str) -> str:
    """Name a time to look back over."""
    return gettext("all") if period == "all" else str(ngettext("%(num)s day", "%(num)s days", int(period)))


def _one_of(args: Mapping[str, str], name: str, offered: Iterable[str]) -> str:
    value = args.get(name, "")
    return value if value in {str(one) for one in offered} else ""


def _amount(value: str) -> str:
    """Read an amount as people write it: 500, 500.50, 500,50 or 1,000."""
    cents = value.count(",") == 1 and len(value.strip().partition(",")[2]) < _GROUP
    try:
        number = Decimal(value.strip().replace(",", "." if cents else "") or "0")
    except InvalidOperation:
        return ""
    return f"{number.normalize():f}" if number.is_finite() and 0 < number <= _AMOUNT_MAX else ""


def _percent(value: str) -> str:
    return pct(Decimal(value or 0) / 100, signed=False, digits=0)
