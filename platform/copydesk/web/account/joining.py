"""Registration, the link that confirms an address, and invitations. Known addresses get the same answer as new ones."""

from __future__ import annotations

from typing import Any

from flask import make_response
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from copydesk.identity import User
from copydesk.identity.access import Permission
from copydesk.identity.addresses import plain_email
from copydesk.identity.invitations import accept_invite, invite_of
from copydesk.identity.legal import Via
from copydesk.identity.model import OWN_CHOICE, Role
from copydesk.identity.registration import (
    LinkOver,
    NewPerson,
    count_asking,
    register,
    verification_owner,
    verify_email,
)
from copydesk.identity.settings import REGISTRATION
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import NotPermitted, Unavailable
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.account.account_words import role_words
from copydesk.web.account.asking import current_visit, form_again, wait_again
from copydesk.web.account.blueprint import account
from copydesk.web.account.forms import (
    found,
    name_error,
    new_account_form,
    password_error,
    terms_for,
    typed,
    typed_secret,
)
from copydesk.web.account.links import link_over
from copydesk.web.asking import go
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.legal.asking import NOTHING_ASKED, agreement, agreement_error, asked_texts
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import may_carry_secrets

_REGISTER, _VERIFY, _INVITED = "account/register.html", "account/verify.html", "account/invited.html"


@account.get("/register")
@needs(Permission.VISIT)
def register_page() -> Response | str:
    if _mode() != "open":
        return make_response(render("account/not_open.html", mode=_mode()), 403)
    return render(_REGISTER, errors={}, asked=asked_texts(), **_typed("", "", Role.FOLLOWER.value))


@account.post("/register")
@needs(Permission.VISIT)
def register_form() -> Response:
    """Open an account and send the link that confirms its address."""
    if _mode() != "open":
        raise NotPermitted(gettext("Nobody can register here without an invitation."))
    asked = asked_texts()
    values = {"asked": asked, **_typed(typed("email"), typed("display_name"), typed("role"))}
    try:
        count_asking(current_visit())
    except TooManyTries as error:
        return wait_again(_REGISTER, error, **values)
    form, errors = new_account_form()
    if unticked := agreement_error(asked):
        errors["legal"] = unticked
    if not may_carry_secrets():
        errors[""] = gettext("Open this page with https to register: here others can read along.")
    if errors:
        return form_again(_REGISTER, errors, **values)
    agreed = agreement(asked, Via.REGISTRATION)
    new = NewPerson(plain_email(form.email), form.display_name, Role(form.role), form.password, agreed)
    try:
        register(current_visit(), new)
    except Unavailable as error:
        return wait_again(_REGISTER, error, **values)
    return go("/account/register/sent")


@account.get("/register/sent")
@needs(Permission.VISIT)
def register_sent() -> str:
    return render("account/sent.html", what="verify")


@account.get("/verify/<token>")
@needs(Permission.VISIT)
def verify_page(token: str) -> Response | str:
    """Ask for one more press of a button: programs that look into mails open every link there."""
    try:
        owner = verification_owner(brand_session(), token, at=current_time())
    except LinkOver:
        return link_over("verify")
    return render(_VERIFY, errors={}, **_verifying(token, owner))


@account.post("/verify/<token>")
@needs(Permission.VISIT)
def verify_form(token: str) -> Response:
    """Confirm the address; whoever shares it with another registration chooses the password here."""
    password = typed_secret("password")
    try:
        owner = verification_owner(brand_session(), token, at=current_time())
        values = _verifying(token, owner)
        if values["choose"]:
            count_asking(current_visit())
            if error := password_error(password, owner.role, known=(owner.email, owner.display_name)):
                return form_again(_VERIFY, {"password": error}, **values)
        verify_email(current_visit(), token, password if values["choose"] else "")
    except LinkOver:
        return link_over("verify")
    except (TooManyTries, Unavailable) as busy:
        return wait_again(_VERIFY, busy, **values)
    return go("/account/sign-in?told=confirmed")


@account.get("/invited/<token>")
@needs(Permission.VISIT)
def invited_page(token: str) -> Response | str:
    try:
        invite = invite_of(brand_session(), token, at=current_time())
    except LinkOver:
        return link_over("invite")
    return render(_INVITED, errors={}, **_invited(token, invite.email, invite.role, ""))


@account.post("/invited/<token>")
@needs(Permission.VISIT)
def invited_form(token: str) -> Response:
    """Open the account that the invitation is for."""
    name, password = typed("display_name"), typed_secret("password")
    try:
        invite = invite_of(brand_session(), token, at=current_time())
        values = _invited(token, invite.email, invite.role, name)
        count_asking(current_visit())
        errors = found(
            {
                "display_name": name_error(name),
                "password": password_error(password, invite.role, known=(invite.email, name)),
                "legal": agreement_error(values["asked"]),
                "": "" if may_carry_secrets() else gettext("Open this page with https: here others can read along."),
            }
        )
        if errors:
            return form_again(_INVITED, errors, **values)
        agreed = agreement(values["asked"], Via.INVITATION)
        accept_invite(current_visit(), token, display_name=name, password=password, accepted=agreed)
    except LinkOver:
        return link_over("invite")
    except (TooManyTries, Unavailable) as error:
        return wait_again(_INVITED, error, **values)
    return go("/account/sign-in?told=joined")


def _mode() -> str:
    return setting_value(current_site().tenant, REGISTRATION, str)


def _typed(email: str, display_name: str, role: str) -> dict[str, Any]:
    length_min = terms_for(role).length_min
    return {"email": email, "display_name": display_name, "role": role, "length_min": length_min}


def _verifying(token: str, owner: User) -> dict[str, Any]:
    return {
        "token": token,
        "name": owner.display_name,
        "role": role_words(Role(owner.role)),
        "choose": owner.password_hash is None,
        "length_min": terms_for(owner.role).length_min,
    }


def _invited(token: str, email: str, role: Role, display_name: str) -> dict[str, Any]:
    asked = asked_texts() if role in OWN_CHOICE else NOTHING_ASKED
    return {"token": token, "asked": asked, **_typed(email, display_name, role.value)}
