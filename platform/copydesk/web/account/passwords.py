"""A new password: by a link for who forgot it, or by who knows the old one."""

from __future__ import annotations

from typing import Any

from flask import make_response
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from copydesk.identity import User
from copydesk.identity.access import Permission
from copydesk.identity.recovery import PasswordWrong, ask_reset, change_password, reset_owner, reset_password
from copydesk.identity.registration import LinkOver, count_asking
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import InvalidInput, Unavailable
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit, form_again, own_session, wait_again
from copydesk.web.account.blueprint import account
from copydesk.web.account.forms import email_error, found, password_error, terms_for, typed, typed_secret
from copydesk.web.account.links import link_over
from copydesk.web.asking import go, own_id
from copydesk.web.clock import current_time
from copydesk.web.csrf import bind_forms
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.visitor import current_visitor, may_carry_secrets, remember_session

_FORGOT, _RESET, _CHANGE = "account/forgot.html", "account/reset.html", "account/password.html"


@account.get("/forgot")
@needs(Permission.VISIT)
def forgot_page() -> str:
    return render(_FORGOT, errors={}, email="")


@account.post("/forgot")
@needs(Permission.VISIT)
def forgot_form() -> Response:
    """Send a link to whoever has the address; the answer is the same where nobody does."""
    email = typed("email")
    if error := email_error(email):
        return form_again(_FORGOT, {"email": error}, email=email)
    try:
        ask_reset(current_visit(), email)
    except TooManyTries as wait:
        return wait_again(_FORGOT, wait, email=email)
    return go("/account/forgot/sent")


@account.get("/forgot/sent")
@needs(Permission.VISIT)
def forgot_sent() -> str:
    return render("account/sent.html", what="reset")


@account.get("/reset/<token>")
@needs(Permission.VISIT)
def reset_page(token: str) -> Response | str:
    try:
        owner = reset_owner(brand_session(), token, at=current_time())
    except LinkOver:
        return link_over("reset")
    return render(_RESET, errors={}, token=token, length_min=terms_for(owner.role).length_min)


@account.post("/reset/<token>")
@needs(Permission.VISIT)
def reset_form(token: str) -> Response:
    """Set the password; the second factor is asked for at the next sign-in as ever."""
    password = typed_secret("password")
    try:
        owner = reset_owner(brand_session(), token, at=current_time())
        values: dict[str, Any] = {"token": token, "length_min": terms_for(owner.role).length_min}
        count_asking(current_visit())
        errors = found({"password": _error_for(owner, password), "": _unsafe()})
        if errors:
            return form_again(_RESET, errors, **values)
        reset_password(current_visit(), token, password)
    except LinkOver:
        return link_over("reset")
    except (TooManyTries, Unavailable) as busy:
        return wait_again(_RESET, busy, **values)
    return go("/account/sign-in?told=reset")


@account.get("/password")
@needs(Permission.ACCOUNT_OWN, guests=False)
def password_page() -> str:
    return render(_CHANGE, errors={}, done=False, length_min=_length_min())


@account.post("/password")
@needs(Permission.ACCOUNT_OWN, guests=False)
def password_form() -> Response:
    """Change the password and sign out everywhere else."""
    old, new = typed_secret("old"), typed_secret("new")
    visitor = current_visitor()
    known = (visitor.email, visitor.display_name)
    errors = found(
        {
            "old": "" if old else gettext("Enter the password that you have now."),
            "new": password_error(new, str(visitor.role), known=known),
            "": _unsafe(),
        }
    )
    if errors:
        return _change_again(errors)
    try:
        token = change_password(current_visit(), own_id(), old=old, new=new, keep=own_session())
    except PasswordWrong:
        return _change_again({"old": gettext("This is not your password.")})
    except InvalidInput:
        return _change_again({"new": gettext("Choose another password than the one that you have now.")})
    except (TooManyTries, Unavailable) as error:
        return wait_again(_CHANGE, error, done=False, length_min=_length_min())
    bind_forms(token)
    response = make_response(render(_CHANGE, errors={}, done=True, length_min=_length_min()))
    remember_session(response, token)
    return response


def _change_again(errors: dict[str, str]) -> Response:
    return form_again(_CHANGE, errors, done=False, length_min=_length_min())


def _length_min() -> int:
    return terms_for(str(current_visitor().role)).length_min


def _error_for(owner: User, password: str) -> str:
    return password_error(password, owner.role, known=(owner.email, owner.display_name))


def _unsafe() -> str:
    return "" if may_carry_secrets() else str(gettext("Open this page with https: here others can read along."))
