"""Signing in and out. Every failed sign-in gets the same answer: nobody learns here who has an account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from copydesk.audit import Act
from copydesk.guests import is_guest
from copydesk.identity import EndReason
from copydesk.identity.access import Permission
from copydesk.identity.sessions import end_session
from copydesk.identity.settings import REGISTRATION
from copydesk.identity.signing_in import Admitted, EmailUnconfirmed, SignInRefused, sign_in
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import Unavailable
from copydesk.tenancy import setting_value
from copydesk.web.access import SECOND_STEP, SIGN_IN, needs
from copydesk.web.account.asking import current_visit, form_again, own_session, wait_again
from copydesk.web.account.blueprint import account
from copydesk.web.account.forms import found, typed, typed_secret
from copydesk.web.asking import go, own_id
from copydesk.web.cookies import read_cookie
from copydesk.web.csrf import SESSION_COOKIE
from copydesk.web.headers import clear_site_data
from copydesk.web.landing import landing_of
from copydesk.web.page import render
from copydesk.web.redirects import safe_next
from copydesk.web.site import current_site, keep_locale
from copydesk.web.visitor import current_visitor, forget_session, may_carry_secrets, remember_session

_PAGE = "account/sign_in.html"


@account.get("/sign-in")
@needs(Permission.VISIT)
def sign_in_page() -> Response | str:
    if current_visitor().signed_in and not is_guest(current_visitor()):
        return go(_next() or landing_of(current_visitor().role))
    return render(_PAGE, errors={}, **_values(""))


@account.post("/sign-in")
@needs(Permission.VISIT)
def sign_in_form() -> Response:
    """Begin a session; the second factor, where there is one, is asked for on the page that follows."""
    email, password = typed("email"), typed_secret("password")
    values = _values(email)
    errors = found(
        {
            "email": "" if email else gettext("Enter your e-mail address."),
            "password": "" if password else gettext("Enter your password."),
            "": ""
            if may_carry_secrets()
            else gettext("Open this page with https to sign in: here others can read along."),
        }
    )
    if errors:
        return form_again(_PAGE, errors, **values)
    try:
        admitted = sign_in(current_visit(), email, password, replaces=read_cookie(SESSION_COOKIE))
    except SignInRefused:
        return form_again(_PAGE, {"": gettext("E-mail address or password is wrong.")}, **values)
    except EmailUnconfirmed:
        told = gettext("Your e-mail address is not confirmed yet: open the link that we have just sent you.")
        return form_again(_PAGE, {"": told}, **values)
    except (TooManyTries, Unavailable) as error:
        return wait_again(_PAGE, error, **values)
    response = go(_after(admitted))
    remember_session(response, admitted.token)
    if admitted.locale in current_site().tenant.config.locales:
        keep_locale(response, admitted.locale)
    return response


@account.post("/sign-out")
@needs(Permission.VISIT)
def sign_out() -> Response:
    """End this session, also one that has not passed its second factor; whoever is out already just stays out."""
    visit = current_visit()
    if current_visitor().user_id is not None:
        with visit.transaction() as session:
            end_session(session, own_id(), own_session(), reason=EndReason.SIGNED_OUT, at=visit.at)
            after = {"why": EndReason.SIGNED_OUT.value}
            visit.note(session, Act("session.ended", f"session:{own_session()}", after=after))
    response = go(SIGN_IN)
    forget_session(response)
    return clear_site_data(response)


def _after(admitted: Admitted) -> str:
    """Return where a sign-in goes on; who has to set a second factor up first is sent there by the page they want."""
    wanted = _next()
    if admitted.factor_needed:
        return f"{SECOND_STEP}?{urlencode({'next': wanted})}" if wanted else SECOND_STEP
    return wanted or landing_of(admitted.role)


def _values(email: str) -> dict[str, Any]:
    return {
        "email": email,
        "next": _next(),
        "registration": setting_value(current_site().tenant, REGISTRATION, str),
        "safe": may_carry_secrets(),
        "told": _told(request.args.get("told", "")),
    }


def _next() -> str:
    """Return which page was asked for, "" where none was."""
    return safe_next(request.values.get("next"), "")


def _told(word: str) -> str:
    """Return what just happened, for who was sent here by it."""
    match word:
        case "confirmed":
            return str(gettext("Your e-mail address is confirmed. You can sign in now."))
        case "reset":
            return str(gettext("Your new password is set, and you are signed out everywhere. Sign in with it."))
        case "joined":
            return str(gettext("Your account is ready. Sign in with the password that you have just chosen."))
        case "ended":
            return str(gettext("Your session has ended. Sign in, and you come back to where you were."))
        case "closed":
            return str(gettext("Your account is closed and your keys are destroyed."))
        case _:
            return ""
