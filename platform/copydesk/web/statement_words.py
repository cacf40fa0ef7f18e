"""The words of statements in the visitor's language, for paper, files and pages alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

import flask_babel  # type: ignore[import-untyped]
from babel.dates import format_datetime
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.statements import Period, PeriodKind
from copydesk.web import format as figures
from copydesk.web.words import exchange_name, state_words, words

_LABELS: dict[str, LazyString] = {
    "title": lazy_gettext("Statement"),
    "span": lazy_gettext("%(first)s to %(last)s"),
    "for": lazy_gettext("For"),
    "email": lazy_gettext("E-mail"),
    "number": lazy_gettext("Account number"),
    "made": lazy_gettext("Made on"),
    "zone": lazy_gettext("Times are those of %(zone)s. The period begins and ends at midnight UTC."),
    "unfinished": lazy_gettext("The period is still running: these figures change until it is over."),
    "none": lazy_gettext("Nothing was copied or traded in this period."),
    "not_tax": lazy_gettext(
        "This is not a tax document. It says what was traded and copied here, and nothing of what else the exchange "
        "account did."
    ),
    "page": lazy_gettext("Page %(page)s of %(pages)s"),
    "copying": lazy_gettext("%(strategy)s by %(trader)s, copied"),
    "led": lazy_gettext("Strategy %(strategy)s"),
    "account": lazy_gettext("%(account)s at %(exchange)s"),
    "opening": lazy_gettext("Worth at the beginning"),
    "flow": lazy_gettext("Added and taken off"),
    "realized": lazy_gettext("Realized by closing positions"),
    "unrealized": lazy_gettext("Change in the value of open positions"),
    "fees": lazy_gettext("Trading fees"),
    "funding": lazy_gettext("Funding"),
    "net": lazy_gettext("Net result"),
    "closing": lazy_gettext("Worth at the end"),
    "apart": lazy_gettext("In %(currency)s besides, not converted"),
    "money_weighted": lazy_gettext("Money-weighted return"),
    "time_weighted": lazy_gettext("Time-weighted return"),
    "fall": lazy_gettext("Deepest fall"),
    "closed": lazy_gettext("Closed positions"),
    "held": lazy_gettext("Open at the end"),
    "copies": lazy_gettext("Copies and what came of them"),
    "months": lazy_gettext("Return by month"),
    "followers": lazy_gettext("Followers, all together"),
    "followers_before": lazy_gettext("At the beginning"),
    "followers_joined": lazy_gettext("Joined"),
    "followers_left": lazy_gettext("Left"),
    "followers_after": lazy_gettext("At the end"),
    "allocation": lazy_gettext("Allocated"),
    "followers_net": lazy_gettext("What they earned"),
    "in_profit": lazy_gettext("In profit"),
    "in_profit_of": lazy_gettext("%(won)s of %(counted)s"),
    "earned": lazy_gettext("Your earnings from followers"),
    "not_settled": lazy_gettext("Not settled by this version"),
    "more": lazy_gettext("Earlier ones, %(count)s of them, are in the CSV file."),
    "long": lazy_gettext("Long"),
    "short": lazy_gettext("Short"),
    "buy": lazy_gettext("Buy"),
    "sell": lazy_gettext("Sell"),
    "column_market": lazy_gettext("Market"),
    "column_side": lazy_gettext("Side"),
    "column_qty": lazy_gettext("Quantity"),
    "column_entry": lazy_gettext("Entry"),
    "column_exit": lazy_gettext("Exit"),
    "column_closed_at": lazy_gettext("Closed"),
    "column_result": lazy_gettext("Result after fees"),
    "column_cost": lazy_gettext("Cost"),
    "column_price": lazy_gettext("Price"),
    "column_floating": lazy_gettext("Open result"),
    "column_time": lazy_gettext("Time"),
    "column_average": lazy_gettext("Average price"),
    "column_outcome": lazy_gettext("Outcome"),
    "column_month": lazy_gettext("Month"),
    "column_return": lazy_gettext("Return"),
}
LABELS = frozenset(_LABELS)
_RATIO_DIGITS = 2


class PageWords:
    """`statements.Words` in the language and time zone of the current context."""

    def label(self, name: str, values: Mapping[str, str] | None = None) -> str:
        said = str(_LABELS[name])
        return said % values if values else said

    def money(self, value: Decimal | None, currency: str = "", *, signed: bool = False) -> str:
        return figures.signed_money(value, currency) if signed else figures.money(value, currency)

    def qty(self, value: Decimal | None) -> str:
        return figures.qty(value)

    def px(self, value: Decimal | None) -> str:
        return figures.px(value)

    def ratio(self, value: Decimal | None) -> str:
        return figures.pct(value, digits=_RATIO_DIGITS)

    def count(self, value: int) -> str:
        return figures.figure(Decimal(value), "#,##0")

    def moment(self, value: datetime) -> str:
        return figures.exact(value)

    def day(self, value: date) -> str:
        return str(flask_babel.format_date(value, "long", rebase=False))

    def state(self, value: str) -> str:
        return state_words(value)

    def reason(self, value: str, facts: Mapping[str, str] | None) -> str:
        return words(value, facts)

    def exchange(self, value: str) -> str:
        return exchange_name(value)


def period_words(period: Period) -> str:
    """Name a period: "February 2026", "1st quarter 2026", "2026", or its two days."""
    locale = flask_babel.get_locale()
    match period.kind:
        case PeriodKind.YEAR:
            return f"{period.since.year}"
        case PeriodKind.QUARTER:
            return str(format_datetime(period.since, "QQQQ y", locale=locale))
        case PeriodKind.MONTH:
            return str(format_datetime(period.since, "LLLL y", locale=locale))
        case _:
            said = {"first": PageWords().day(period.first), "last": PageWords().day(period.last)}
            return str(_LABELS["span"]) % said
