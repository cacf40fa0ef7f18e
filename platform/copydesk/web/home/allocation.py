"""Change how much of the account one subscription may use: typed, shown with its consequences, then stored."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import ZERO, InvalidInput, NotFound, Refused, decimal_text
from copydesk.performance.flows import record_allocations
from copydesk.replication.begin import promised_to_copies
from copydesk.replication.own_copying import OwnCopying
from copydesk.replication.reallocating import AllocationPreview, change_allocation, preview_allocation
from copydesk.wallets import balances_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, transaction
from copydesk.web.clock import current_time
from copydesk.web.copying.asked import number_of
from copydesk.web.format import money
from copydesk.web.home.blueprint import ground, home, note, own
from copydesk.web.limit_sentences import limit_sentence
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.risk.prices import PricesOnce, current_prices

_CENT = Decimal("0.01")
_AMOUNT_MAX = Decimal(1_000_000_000)
_PATH = "/copying/<int:subscription_id>/allocation"


@dataclass(frozen=True)
class Typed:
    """What was typed: as text for the form, and as an amount where it is one; `error` says why it cannot be taken."""

    text: str
    amount: Decimal | None
    error: str = ""


@home.get(_PATH)
@needs(Permission.SUBSCRIPTIONS_OWN)
def allocation_page(subscription_id: int) -> str:
    return _form(_running(subscription_id), Typed(typed_before().get("amount", ""), None))


@home.post(_PATH)
@needs(Permission.SUBSCRIPTIONS_OWN)
@keeps("amount")
def allocation_sent(subscription_id: int) -> Response | str | tuple[str, int]:
    """Show what another amount means; with the confirmation, store it."""
    copying = _running(subscription_id)
    typed, confirmed = _typed(copying), request.form.get("confirmed") == "yes"
    if confirmed and typed.amount == copying.allocation:
        return _changed(copying)  # The confirmation came a second time.
    if typed.amount is None or typed.error:
        return _form(copying, typed), UNPROCESSABLE
    try:
        with transaction() as session:
            found = preview_allocation(session, ground(), copying.id, typed.amount, PricesOnce(current_prices()).one)
        if found.acting or found.equity_after <= 0:
            return _form(copying, Typed(typed.text, None, _too_little(found))), UNPROCESSABLE
        if not confirmed:
            return _review(copying, typed, found)
        _store(copying, typed.amount)
    except (InvalidInput, Refused) as no:
        return _form(copying, Typed(typed.text, None, _refused(no))), UNPROCESSABLE
    return _changed(copying)


def _changed(copying: OwnCopying) -> Response:
    return go(f"/copying/{copying.id}?told=allocated")


def _store(copying: OwnCopying, amount: Decimal) -> None:
    """Store an allocation, and the payment that it is: figures tell it from a gain by that."""
    now = current_time()
    with transaction() as session:
        own(session, copying.id)
        record_allocations(session, [copying.id], now=now)
        changed = change_allocation(session, ground(), copying.id, amount)
        record_allocations(session, [copying.id], now=now)
        sides = {"before": {"allocation": str(changed.before)}, "after": {"allocation": str(changed.after)}}
        note(session, "copying.allocation_changed", f"subscription:{copying.id}", **sides)


def _running(subscription_id: int) -> OwnCopying:
    with transaction() as session:
        copying = own(session, subscription_id)
    if copying.ended_at is not None or copying.end_mode is not None:
        raise NotFound("This subscription is ending or has ended.")
    return copying


def _typed(copying: OwnCopying) -> Typed:
    text = request.form.get("amount", "").strip()[:40]
    amount = number_of(text) if text else None
    currency = ground().currency
    if amount is None or not amount.is_finite():
        return Typed(text, None, gettext("Enter an amount in %(currency)s, for example 500.", currency=currency))
    if not _CENT <= amount <= _AMOUNT_MAX:
        most = money(_AMOUNT_MAX, currency)
        return Typed(text, None, gettext("Enter an amount from 0.01 to %(most)s.", most=most))
    amount = amount.quantize(_CENT)
    if amount == copying.allocation:
        return Typed(text, amount, gettext("That is what it may use already."))
    return Typed(text, amount)


def _too_little(found: AllocationPreview) -> str:
    if found.equity_after <= 0:
        return str(gettext("So much cannot be taken out: losses so far are larger than what would be left."))
    limit = limit_sentence(found.acting[0].limit)
    return str(gettext("With this amount a limit would act at once: %(limit)s Choose a larger amount.", limit=limit))


def _refused(no: InvalidInput | Refused) -> str:
    if no.code == "allocation_min":
        return str(gettext("The trader asks for a larger amount. Enter more."))
    if no.code.startswith("limit_"):
        return str(gettext("More than your limits or this site's allow for this account."))
    return str(gettext("That is not possible in this state. Look at the subscription's page."))


def _form(copying: OwnCopying, typed: Typed) -> str:
    currency = ground().currency
    with transaction() as session:
        balances = balances_of(session, [copying.account_id]).get(copying.account_id, [])
        promised = promised_to_copies(session, [copying.account_id]).get(copying.account_id, ZERO)
    held = [one for one in balances if one.currency == currency]
    return render(
        "home/allocation.html",
        copying=copying,
        currency=currency,
        free=sum((one.free for one in held), ZERO),
        seen_at=max((one.at for one in held), default=None),
        promised=promised,
        typed=typed.text if typed.error else typed.text or decimal_text(copying.allocation),
        errors={"amount": typed.error} if typed.error else {},
    )


def _review(copying: OwnCopying, typed: Typed, found: AllocationPreview) -> str:
    return render(
        "home/allocation_review.html", copying=copying, found=found, currency=ground().currency, typed=typed.text
    )
