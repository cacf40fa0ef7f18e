"""What a replay of a strategy's past says, in the visitor's language: plain sentences, and what it cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask_babel import format_date, format_timedelta, gettext, ngettext  # type: ignore[import-untyped]

from copydesk.web.format import figure, money, pct, share, signed_money
from copydesk.web.limit_sentences import limit_sentence
from copydesk.web.words import exchange_name, words
from copydesk.whatif import CopyTerms, LimitAct, Result

_ALMOST_ALL = Decimal("0.95")


@dataclass(frozen=True)
class Told:
    """What is known of the replay beside its result: asked days, the exchange, and whether anything was measured."""

    days: int
    venue: str
    terms: CopyTerms
    perpetual: bool


def summary(result: Result) -> list[str]:
    """Say how it would have gone, from the amount to the worst day."""
    return list(_summary(result))


def _summary(result: Result) -> Iterator[str]:
    amount = money(result.allocation, result.currency)
    if result.copied_ratio is None:
        yield gettext("The trader opened nothing in this time, so there was nothing to copy.")
        return
    yield ngettext(
        "With %(amount)s, %(ratio)s of the trader's opening orders of the last %(num)s day would have been copied.",
        "With %(amount)s, %(ratio)s of the trader's opening orders of the last %(num)s days would have been copied.",
        max(round((result.until - result.since).total_seconds() / 86_400), 1),
        amount=amount,
        ratio=pct(result.copied_ratio, signed=False),
    )
    if result.copied:
        yield gettext(
            "%(amount)s would have become %(end)s: %(gain)s after the exchange's fees and the profit share.",
            amount=amount,
            end=money(result.kept, result.currency),
            gain=signed_money(result.gain_kept, result.currency),
        )
        yield gettext(
            "On the way it would have stood %(fall)s below its highest value.",
            fall=pct(result.fall_ratio_max, signed=False),
        )
    if result.worst_day is not None:
        yield gettext(
            "The worst day was %(day)s: %(change)s.",
            day=day_words(result.worst_day.day),
            change=signed_money(result.worst_day.change, result.currency),
        )


def enough_words(result: Result) -> str:
    """Say from which amount on almost all orders are large enough; nothing where the amount has no say in it."""
    if not result.amounts:
        return ""
    ratio = share(_ALMOST_ALL)
    if result.enough is None:
        sentence = gettext(
            "No amount would have copied %(ratio)s of the orders: too many are in pairs that are not offered.",
            ratio=ratio,
        )
    elif result.enough <= result.allocation:
        sentence = gettext("Your amount is large enough for at least %(ratio)s of the orders.", ratio=ratio)
    else:
        amount = money(result.enough, result.currency)
        sentence = gettext(
            "From %(amount)s on, at least %(ratio)s of the orders are large enough for the exchange.",
            amount=amount,
            ratio=ratio,
        )
    return str(sentence)


def caveats(result: Result, told: Told) -> list[str]:
    """Say what the numbers rest on, and what a past does not tell."""
    return list(_caveats(result, told))


def _caveats(result: Result, told: Told) -> Iterator[str]:
    terms, exchange = told.terms, exchange_name(told.venue)
    yield gettext("This is the past. What comes may be worse.")
    if (result.until - result.since).days < told.days - 1:
        yield gettext("The record is shorter than you asked for: %(days)s.", days=record_words(result))
    if terms.slippage_bps:
        yield gettext(
            "Each copy counts as %(bps)s worse than the trader's own trade, which is the median of real copies.",
            bps=figure(terms.slippage_bps, "#,##0.0", unit="bps"),
        )
    else:
        yield gettext("Each copy counts at the trader's own price: real copies were no worse, or none was made yet.")
    yield gettext(
        "Fees are those that %(exchange)s takes of a new account: %(spot)s on spot, %(perpetual)s on perpetuals. "
        "Smallest orders are those of today.",
        exchange=exchange,
        spot=share(terms.fees.spot),
        perpetual=share(terms.fees.perpetual),
    )
    yield gettext("Your account would have held this amount and nothing else, from the first trade on.")
    yield gettext("Prices are known once a minute at best. A limit may have been reached in between.")
    if told.perpetual:
        yield gettext("Funding of perpetuals and a forced closing by the exchange before the last cent are left out.")
    if result.held:
        yield ngettext(
            "%(num)s market is still held at the end. It counts at its last price.",
            "%(num)s markets are still held at the end. They count at their last prices.",
            len(result.held),
        )
    if result.unjudged:
        yield ngettext(
            "%(num)s limit needs what the past does not tell, and is passed over.",
            "%(num)s limits need what the past does not tell, and are passed over.",
            len(result.unjudged),
        )


def skipped_rows(result: Result) -> list[tuple[str, int, Decimal]]:
    """Say why orders were not copied, with the newest one's numbers: words, how many, and their share of all."""
    return [
        (words(skipped.reason, skipped.facts), skipped.orders, Decimal(skipped.orders) / result.opens)
        for skipped in result.skipped
    ]


def act_words(act: LimitAct) -> str:
    """Say which limit was reached, and what it does."""
    return limit_sentence(act.scoped.limit)


def record_words(result: Result) -> str:
    """Say how long the time is that was replayed: "90 days", "5 hours", "12 minutes"."""
    replayed = result.until - result.since
    seconds = replayed.total_seconds()
    days, hours = round(seconds / 86_400), int(seconds // 3_600)
    if not hours:
        return str(format_timedelta(replayed, granularity="minute"))
    if hours >= 24:
        return str(ngettext("%(num)s day", "%(num)s days", max(days, 1)))
    return str(ngettext("%(num)s hour", "%(num)s hours", hours))


def day_words(day: date) -> str:
    """Write a day of the brand's calendar."""
    return str(format_date(day, "medium"))


def is_almost_all(ratio: Decimal) -> bool:
    """Tell whether a share of orders is as good as all."""
    return ratio >= _ALMOST_ALL
