"""Keeping a demo account: the form, the link out of the mail that makes it so, and ending it instead."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.guests import is_guest
from copydesk.guests.ending import end_now
from copydesk.guests.keeping import EmailTaken, Keeping, ask_to_keep, keep, keep_owner, may_keep
from copydesk.identity import Role
from copydesk.identity.access import Permission
from copydesk.identity.addresses import plain_email
from copydesk.identity.legal import Via
from copydesk.identity.registration import LinkOver, count_asking
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import Unavailable
from copydesk.web.access import SIGN_IN, needs
from copydesk.web.account.asking import current_visit, form_again, wait_again
from copydesk.web.account.forms import email_error, found, password_error, terms_for, typed, typed_secret
from copydesk.web.account.links import link_over
from copydesk.web.asking import go, own_id
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.guests.blueprint import ACCOUNT, KEEP, LIVE, guests
from copydesk.web.headers import clear_site_data
from copydesk.web.legal.asking import FIELD, agreement, agreement_error, asked_texts
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor, forget_session, may_carry_secrets

_PAGE, _LINK = "guests/keep.html", "guests/kept.html"


@guests.get(KEEP)
@needs(Permission.ACCOUNT_OWN, agreed=False)
def keep_page() -> Response | str:
    """Show the form; who has an address and a password already needs none of it."""
    if not is_guest(current_visitor()):
        return go(ACCOUNT)
    return render(_PAGE, errors={}, **_values(""))


@guests.post(KEEP)
@needs(Permission.ACCOUNT_OWN, agreed=False)
def keep_form() -> Response:
    """Send the link that makes the guest somebody."""
    visitor = current_visitor()
    if not is_guest(visitor):
        return go(ACCOUNT)
    email, password = typed("email"), typed_secret("password")
    values = _values(email)
    errors = found(
        {
            "email": email_error(email),
            "password": password_error(password, Role.FOLLOWER, known=(email, visitor.display_name)),
            FIELD: agreement_error(values["asked"]),
            "": "" if may_carry_secrets() else gettext("Open this page with https: here others can read along."),
        }
    )
    if errors:
        return form_again(_PAGE, errors, **values)
    try:
        count_asking(current_visit())
        agreed = agreement(values["asked"], Via.REGISTRATION)
        ask_to_keep(current_visit(), own_id(), Keeping(plain_email(email), password, agreed))
    except (TooManyTries, Unavailable) as error:
        return wait_again(_PAGE, error, **values)
    return go(f"{KEEP}/sent")


@guests.get(f"{KEEP}/sent")
@needs(Permission.VISIT)
def keep_sent() -> str:
    return render("account/sent.html", what="verify")


@guests.get(f"{KEEP}/<token>")
@needs(Permission.VISIT)
def link_page(token: str) -> Response | str:
    """Ask for one more press of a button: programs that look into mails open every link there."""
    try:
        kept = keep_owner(brand_session(), token, at=current_time())
    except LinkOver:
        return link_over("verify")
    return render(_LINK, errors={}, token=token, kept=kept)


@guests.post(f"{KEEP}/<token>")
@needs(Permission.VISIT)
def link_form(token: str) -> Response:
    """Make the guest somebody, and have them sign in."""
    try:
        kept = keep_owner(brand_session(), token, at=current_time())
        keep(current_visit(), token)
    except LinkOver:
        return link_over("verify")
    except EmailTaken:
        told = gettext("This address has an account already. Sign in there; the demo account stays as it is.")
        return form_again(_LINK, {"": str(told)}, 409, token=token, kept=kept)
    return go(f"{SIGN_IN}?{urlencode({'told': 'confirmed', 'next': LIVE})}")


@guests.post("/guest/end")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def end_demo() -> Response:
    """End the demo account at once: what it copies is closed, then all of it is erased."""
    if not is_guest(current_visitor()):
        return go(ACCOUNT)
    end_now(current_visit(), own_id())
    response = go("/")
    forget_session(response)
    return clear_site_data(response)


def _values(email: str) -> dict[str, Any]:
    return {
        "email": email,
        "asked": asked_texts(),
        "length_min": terms_for(Role.FOLLOWER).length_min,
        "possible": may_keep(current_site().tenant),
        "until": current_visitor().guest_until,
        "sent_here": "next" in request.args,
    }
