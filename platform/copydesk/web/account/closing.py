"""Closing one's account: what ends, what goes, what stays and why; password and factor once more."""

from __future__ import annotations

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.identity.closing import LastOwner, close_account
from copydesk.identity.recovery import PasswordWrong
from copydesk.identity.throttle import TooManyTries
from copydesk.identity.visit import Visit
from copydesk.kernel import Unavailable
from copydesk.keys import changed, publish_to
from copydesk.keys.revoke import destroy_keys
from copydesk.keys.store import keys_of
from copydesk.notices.leaving import forget_reader
from copydesk.web.account.asking import current_visit, form_again, wait_again
from copydesk.web.account.blueprint import account
from copydesk.web.account.forms import found, typed_secret
from copydesk.web.asking import go, own_id, runtime
from copydesk.web.database import brand_session
from copydesk.web.factors.freshness import needs_fresh
from copydesk.web.headers import clear_site_data
from copydesk.web.page import render
from copydesk.web.visitor import forget_session

_PAGE = "account/close.html"


@account.get("/close")
@needs_fresh(Permission.ACCOUNT_OWN, holds=True, agreed=False, guests=False)
def close_page() -> str:
    return render(_PAGE, errors={}, keys=_keys(), understood=False)


@account.post("/close")
@needs_fresh(Permission.ACCOUNT_OWN, holds=True, agreed=False, guests=False)
def close_form() -> Response:
    """Destroy the keys, erase what is personal, and sign out everywhere."""
    password, understood = typed_secret("password"), "understood" in request.form
    values = {"keys": _keys(), "understood": understood}
    errors = found(
        {
            "password": "" if password else gettext("Enter your password."),
            "understood": "" if understood else gettext("Tick the box: open positions are yours to close."),
        }
    )
    if errors:
        return form_again(_PAGE, errors, **values)
    visit, gone = current_visit(), list[int]()
    try:
        close_account(visit, own_id(), password, lambda session: _destroy(visit, session, gone))
    except PasswordWrong:
        return form_again(_PAGE, {"password": gettext("This is not your password.")}, **values)
    except LastOwner:
        return form_again(_PAGE, {"": gettext("You are the only owner: make somebody else an owner first.")}, **values)
    except (TooManyTries, Unavailable) as error:
        return wait_again(_PAGE, error, **values)
    _announce(visit, gone)
    response = go("/account/sign-in?told=closed")
    forget_session(response)
    return clear_site_data(response)


def _destroy(visit: Visit, session: TenantSession, gone: list[int]) -> None:
    """Destroy keys, and forget what they were told, where, and what they watched."""
    destroyed = destroy_keys(session, own_id(), actor=visit.actor, at=visit.at)
    gone.extend(one.account_id for one in destroyed)
    forget_reader(session, own_id())


def _announce(visit: Visit, gone: list[int]) -> None:
    """Have whoever holds an opened key drop it now rather than at their next look."""
    if gone:
        publish_to(runtime().redis_url, changed(visit.tenant_id, gone))


def _keys() -> int:
    """Count the exchange keys that would be destroyed."""
    return len(keys_of(brand_session(), own_id()))
