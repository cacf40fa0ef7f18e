"""What the views of an account share: the visit that use cases work with, who is signed in, and answers to forms."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, g, make_response
from flask_babel import gettext, ngettext  # type: ignore[import-untyped]

from copydesk.identity.throttle import TooManyTries
from copydesk.identity.visit import Visit
from copydesk.kernel import Unavailable
from copydesk.web.asking import UNPROCESSABLE, runtime
from copydesk.web.clock import current_time
from copydesk.web.database import whole_database
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_actor, current_origin, current_visitor

# Short waits are easier to count in seconds.
_IN_SECONDS_BELOW = 120

Errors = Mapping[str, str]


def current_visit() -> Visit:
    """Return this request as use cases see it."""
    return Visit(
        db=whole_database(),
        tenant=current_site().tenant,
        tenant_id=g.tenant_id,
        hashing=runtime().hashing,
        seal=runtime().identity_vault,
        actor=current_actor(),
        origin=current_origin(),
        locale=current_site().locale,
        at=current_time(),
    )


def own_session() -> int:
    """Return the session that asks."""
    session_id = current_visitor().session_id
    assert session_id is not None, "a page of an account was shown without a session"
    return session_id


def form_again(template: str, errors: Errors, status: int = UNPROCESSABLE, **values: Any) -> Response:
    """Show a form once more with what was typed and what is wrong with it."""
    return make_response(render(template, errors=errors, **values), status)


def wait_again(template: str, error: TooManyTries | Unavailable, **values: Any) -> Response:
    """Show a form once more to somebody who has to wait: after too many tries, or while too many others try."""
    if isinstance(error, TooManyTries):
        wait_s, status, told = error.wait_s, HTTPStatus.TOO_MANY_REQUESTS, _wait_sentence(error.wait_s)
    else:
        wait_s, status = round(error.retry_after_s), HTTPStatus.SERVICE_UNAVAILABLE
        told = gettext("Many people sign in at this moment. Try again in a few seconds.")
    response = form_again(template, {"": told}, status, **values)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _wait_sentence(wait_s: int) -> str:
    if wait_s < _IN_SECONDS_BELOW:
        told = ngettext("Wait %(num)s second.", "Wait %(num)s seconds.", wait_s)
    else:
        told = ngettext("Wait %(num)s minute.", "Wait %(num)s minutes.", -(-wait_s // 60))
    return f"{gettext('There were too many tries.')} {told}"
