"""Who may see which page of the risk desk: the one place that says what grants a permission.

Today a signed link does (`web.grants`). Pages only declare what they need.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, current_app, make_response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.web.grants import PURPOSE, Grant, Permission, page_grant, stream_token
from copydesk.web.page import render
from copydesk.web.port import Runtime
from copydesk.web.site import current_site

COOKIE = "risk_pass"
_COOKIE_PATH = "/risk"

F = TypeVar("F", bound=Callable[..., Any])


def needs(permission: Permission) -> Callable[[F], F]:
    """Show a page only to who may see it; the page's own `subscription_id` is what `risk:own` must be about."""

    def declare(view: F) -> F:
        @wraps(view)
        def guarded(**values: Any) -> Any:
            grant = current_grant()
            if grant is None or not grant.allows(permission, values.get("subscription_id")):
                return refusal()
            return view(**values)

        guarded.needs = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare


def current_grant() -> Grant | None:
    """Return what the visitor was granted, None where that is nothing, or is over."""
    return granted(request.cookies.get(COOKIE, ""))


def granted(token: str) -> Grant | None:
    """Return what a token grants in the request's brand now."""
    key = _key() if token else None
    return None if key is None else page_grant(key, token, tenant=current_site().tenant.slug, now=_now())


def remember(response: Response, token: str, grant: Grant) -> Response:
    """Leave the token with the visitor's browser until it ends; no script can read it, no other site send it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(int((grant.until - _now()).total_seconds()), 0),
        path=_COOKIE_PATH,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def live_url() -> str:
    """Return where the visitor's pages hear of new acts; the token in it opens nothing else."""
    key, grant = _key(), current_grant()
    assert key is not None and grant is not None, "a page was rendered for nobody"
    return f"{current_site().live_origin}/live/risk?token={stream_token(key, grant)}"


def refusal() -> Response:
    """Say in one sentence how to get in, and nothing else.

    A visit that another site's page began comes without the cookie, which only visits of our own carry; asked to come
    again by itself, the browser brings it.
    """
    told = gettext(
        "This page opens with a link that is valid for some hours: ask whoever runs %(brand)s for a new one.",
        brand=current_site().tenant.config.brand.name,
    )
    response = make_response(render("refused.html", message=told), HTTPStatus.FORBIDDEN)
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/risk/enter":
        response.headers["Refresh"] = "0"
    return response


def _key() -> bytes | None:
    runtime: Runtime = current_app.extensions["copydesk_runtime"]
    return runtime.link_key(PURPOSE, current_site().tenant.slug)


def _now() -> datetime:
    now: datetime = current_app.extensions["copydesk_clock"].now()
    return now
