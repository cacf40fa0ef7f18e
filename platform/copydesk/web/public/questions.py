"""What people ask before they copy, answered on a strategy's page in plain words and with its own figures."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import ZERO
from copydesk.performance.page import StrategyStanding
from copydesk.replication import LEVERAGE_MAX, SIGNAL_AGE_MS_MAX, SLIPPAGE_BPS_MAX
from copydesk.studio.terms import Terms
from copydesk.tenancy import Tenant, setting_value
from copydesk.web.figure_words import told
from copydesk.web.format import bps, figure, money, ms, pct, share

_BPS = 10_000
_MS = 1_000


class Answered(NamedTuple):
    """A question and the sentences that answer it."""

    question: str
    answers: tuple[str, ...]


def questions_of(page: StrategyStanding, terms: Terms, tenant: Tenant) -> tuple[Answered, ...]:
    """Answer everything, the questions about money first."""
    found = {
        gettext("What does it cost?"): _cost(page, terms, tenant),
        gettext("What is the least I can begin with?"): _least(page, terms, tenant),
        gettext("How much can I lose?"): _loss(page, tenant),
        gettext("How near do copies come to the trader?"): _nearness(page),
        gettext("Who holds my money?"): _holder(),
        gettext("What happens when I stop?"): _stopping(),
        gettext("What if the exchange or this site does not answer?"): _outage(tenant),
        gettext("What if the trader stops?"): _trader_stops(),
    }
    return tuple(Answered(str(question), tuple(map(str, answers))) for question, answers in found.items())


def _cost(page: StrategyStanding, terms: Terms, tenant: Tenant) -> Iterator[str]:
    yield gettext(
        "%(share)s of what copying earns you; without a gain you pay nothing. Beginning and stopping cost nothing.",
        share=share(terms.profit_share),
    )
    if page.row.perpetual:
        yield gettext("Your exchange takes its fee for each order, and charges or pays the funding of perpetuals.")
    else:
        yield gettext("Your exchange takes its fee for each order.")
    worse = Decimal(setting_value(tenant, SLIPPAGE_BPS_MAX, int)) / _BPS
    yield gettext(
        "An order that opens pays at most %(worse)s more than the trader did, or is left out.", worse=share(worse)
    )


def _least(page: StrategyStanding, terms: Terms, tenant: Tenant) -> Iterator[str]:
    currency, usual = tenant.config.currency, page.row.min_allocation
    if terms.min_allocation:
        yield gettext("The trader asks for at least %(amount)s.", amount=money(terms.min_allocation, currency))
    else:
        yield gettext("The trader asks for no least amount.")
    if usual:
        yield gettext(
            "From about %(amount)s on, a usual order is large enough for the exchange. With less, more orders are "
            "skipped, and you are told each time.",
            amount=money(usual, currency),
        )


def _loss(page: StrategyStanding, tenant: Tenant) -> Iterator[str]:
    fallen = page.row.drawdown_max_ratio
    if fallen:
        yield gettext(
            "The deepest fall so far was %(fall)s. The next one can be deeper.", fall=pct(abs(fallen), signed=False)
        )
    else:
        yield gettext("The record is too young to tell how deep it falls. Count on losing all that you give it.")
    yield gettext("You choose at which loss everything is closed.")
    yield gettext("A stop sells at the market’s price. Where prices jump, the loss can be larger.")
    if page.row.perpetual:
        most = setting_value(tenant, LEVERAGE_MAX, int)
        yield gettext("Perpetuals are traded with leverage of at most %(leverage)s×.", leverage=most)


def _nearness(page: StrategyStanding) -> Iterator[str]:
    row, difference = page.row, told(page.truth.tracking_difference)
    if row.success_ratio is None:
        yield gettext("Nothing was copied yet, so nobody can tell.")
    else:
        done = pct(row.success_ratio, signed=False)
        yield gettext("Of what was to be copied of late, %(share)s was.", share=done)
    if row.slippage_bps_p50 is not None and row.latency_ms_p50 is not None:
        yield gettext(
            "Copies were executed %(time)s after the trader’s order, %(slippage)s from the trader’s price, both in the "
            "middle. Plus is worse for you.",
            time=ms(row.latency_ms_p50),
            slippage=bps(row.slippage_bps_p50),
        )
    if difference is not None:
        yield gettext(
            "The middle follower’s return is %(points)s percentage points from the trader’s over the same time.",
            points=figure(difference * 100, "#,##0.0", signed=True),
        )


def _holder() -> Iterator[str]:
    yield gettext("Your money stays on your account at the exchange. We hold a key that trades, and nothing else.")


def _stopping() -> Iterator[str]:
    yield gettext(
        "You can pause or stop at any time, with one tap. You then choose what becomes of what is open: it is closed "
        "at once, it is closed when the trader closes it, or it stays in your account as your own."
    )


def _outage(tenant: Tenant) -> Iterator[str]:
    age = max(Decimal(setting_value(tenant, SIGNAL_AGE_MS_MAX, int)) / _MS, ZERO)
    yield gettext(
        "What the trader opened more than %(seconds)s seconds ago is not opened any more. What the trader closed is "
        "closed as soon as it can be.",
        seconds=figure(age, "#,##0.#"),
    )
    yield gettext("Stops are watched apart from copying, over connections of their own.")
    yield gettext("While the exchange itself is away no order reaches it: not ours, not yours, and not a stop.")


def _trader_stops() -> Iterator[str]:
    yield gettext(
        "Nothing new is opened then. What you hold is closed when the trader closes it, or by you at any time."
    )
