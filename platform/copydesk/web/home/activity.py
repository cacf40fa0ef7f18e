"""Each signal of the strategies that somebody copies, with its receipt: copied, partly, skipped and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.replication.evidence import explanation_of
from copydesk.replication.explain import Explanation
from copydesk.replication.own_copying import own_accounts, own_named
from copydesk.replication.own_receipts import (
    Outcome,
    ReceiptPage,
    own_receipts,
    own_subscriptions_of,
    read_cursor,
)
from copydesk.web.access import needs
from copydesk.web.asking import own_id, row_number, transaction
from copydesk.web.clock import current_time
from copydesk.web.explanation import Section, told
from copydesk.web.home.blueprint import home
from copydesk.web.home.home_words import OUTCOME_TONES, outcome_words
from copydesk.web.home.outages import outages
from copydesk.web.page import render

PATH = "/activity"
_HIGHEST = 2**63 - 1


@dataclass(frozen=True)
class Filter:
    """What the list is narrowed to."""

    subscription: int | None = None
    outcome: Outcome | None = None

    def address(self, path: str = PATH, **more: object) -> str:
        """Return the address of the list with these filters, and more in it."""
        kept = {"subscription": self.subscription, "outcome": self.outcome and str(self.outcome), **more}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class OwnSignal:
    """One signal for one subscription of one's own: the trader's move, and every order of it in sections."""

    explanation: Explanation
    sections: Sequence[Section]


@home.get(PATH)
@needs(Permission.SUBSCRIPTIONS_OWN)
def activity() -> str:
    asked, before = _filter(), read_cursor(request.args.get("before", ""))
    with transaction() as session:
        offered = own_named(session, own_id(), subscription_id=asked.subscription)
        page = own_receipts(session, own_id(), subscription_id=asked.subscription, outcome=asked.outcome, before=before)
        away = outages(session, own_accounts(session, own_id()), current_time())
    return render(
        "home/activity.html",
        outages=away,
        **_values(page, asked, begun=before is not None),
        offered=offered,
        outcomes=_outcomes(asked),
        now_path=asked.address(f"{PATH}/now"),
    )


@home.get(f"{PATH}/now")
@needs(Permission.SUBSCRIPTIONS_OWN)
def activity_now() -> str:
    """Give the page its newest receipts, without the page around them."""
    asked = _filter()
    with transaction() as session:
        page = own_receipts(session, own_id(), subscription_id=asked.subscription, outcome=asked.outcome)
    return render("home/activity_now.html", **_values(page, asked, begun=False))


@home.get(f"{PATH}/<int:signal_id>")
@needs(Permission.SUBSCRIPTIONS_OWN)
def receipt(signal_id: int) -> str:
    """Show everything that is stored of one signal for one's own subscriptions; anybody else's does not exist."""
    if signal_id > _HIGHEST:
        raise NotFound("There is no such receipt.")
    with transaction() as session:
        mine = own_subscriptions_of(session, own_id(), signal_id)
        found = [explanation_of(session, number, signal_id) for number in mine]
    if not found:
        raise NotFound("There is no such receipt.")
    return render(
        "home/receipt.html",
        signal_id=signal_id,
        move=found[0].move,
        whole=found[0].whole,
        # The trader's side is told once, above; what it says of the trader's account is not the follower's.
        found=[OwnSignal(one, told(one)[1:]) for one in found],
    )


def _values(page: ReceiptPage, asked: Filter, *, begun: bool) -> dict[str, object]:
    return {
        "page": page,
        "asked": asked,
        "older": asked.address(before=str(page.older)) if page.older else "",
        "newest": asked.address() if begun else "",
        "outcome_words": outcome_words,
        "outcome_tones": OUTCOME_TONES,
    }


def _outcomes(asked: Filter) -> list[tuple[str, str, bool]]:
    every = (Filter(asked.subscription).address(), gettext("All"), asked.outcome is None)
    return [
        every,
        *((Filter(asked.subscription, one).address(), outcome_words(one), one is asked.outcome) for one in Outcome),
    ]


def _filter() -> Filter:
    """Read the filters; what is none, or nobody's, narrows nothing or finds nothing."""
    number, outcome = request.args.get("subscription", ""), request.args.get("outcome", "")
    return Filter(row_number(number), Outcome(outcome) if outcome in set(Outcome) else None)
