"""Who may see which page of the risk desk: whoever holds a signed link, and who is signed in with the permission.

A link (`web.grants`) is looked at first; without one the gate of every other page holds (`web.access`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, g, make_response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.replication import follower_of
from copydesk.web.access import Need, admit
from copydesk.web.asking import runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.grants import PURPOSE, Grant, page_grant, stream_token
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

COOKIE = "risk_pass"
_COOKIE_PATH = "/risk"
_STREAM_LASTS = timedelta(hours=8)

F = TypeVar("F", bound=Callable[..., Any])


def needs(permission: Permission) -> Callable[[F], F]:
    """Show a page only to who may see it; the page's own `subscription_id` is what `risk:own` must be about."""

    def declare(view: F) -> F:
        @wraps(view)
        def guarded(**values: Any) -> Any:
            number = values.get("subscription_id")
            grant = current_grant()
            if grant is None or not grant.allows(permission, number):
                if current_visitor().user_id is None:
                    return refusal()
                answer = _admit_visitor(permission, number)
                if answer is not None:
                    return answer
                grant = _visitors_grant(number)
            g.risk_grant = grant
            return view(**values)

        guarded.needs = permission  # type: ignore[attr-defined]
        guarded.need = Need(permission)  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare


def current_grant() -> Grant | None:
    """Return what the visitor's link granted, None where that is nothing, or is over."""
    return granted(request.cookies.get(COOKIE, ""))


def _admit_visitor(permission: Permission, subscription_id: int | None) -> Response | None:
    """Let in who reads the brand's risk, and a follower to their own; another's does not exist for them."""
    if permission is not Permission.RISK_OWN or Permission.RISK_READ in current_visitor().permissions:
        return admit(Need(Permission.RISK_READ))
    answer = admit(Need(permission))
    if answer is None and not _is_own(subscription_id):
        raise NotFound("There is no such subscription.")
    return answer


def _is_own(subscription_id: int | None) -> bool:
    if subscription_id is None or subscription_id >= 2**63:
        return False
    with transaction() as session:
        return follower_of(session, subscription_id) == current_visitor().user_id


def _visitors_grant(subscription_id: int | None) -> Grant:
    """Write down what a signed-in visitor may hear live from this page, for as long as a link would last."""
    until = (current_time() + _STREAM_LASTS).replace(microsecond=0)
    slug = current_site().tenant.slug
    if Permission.RISK_READ in current_visitor().permissions:
        return Grant(slug, Permission.RISK_READ, until)
    return Grant(slug, Permission.RISK_OWN, until, subscription_id)


def granted(token: str) -> Grant | None:
    """Return what a token grants in the request's brand now."""
    key = _key() if token else None
    return None if key is None else page_grant(key, token, tenant=current_site().tenant.slug, now=current_time())


def remember(response: Response, token: str, grant: Grant) -> Response:
    """Leave the token with the visitor's browser until it ends; no script can read it, no other site send it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=max(int((grant.until - current_time()).total_seconds()), 0),
        path=_COOKIE_PATH,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def live_url() -> str:
    """Return where the visitor's pages hear of new acts; the token in it opens nothing else."""
    grant = g.get("risk_grant")
    assert isinstance(grant, Grant), "a page was rendered for nobody"
    key = runtime().signing_key(PURPOSE, current_site().tenant.slug)
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
    return runtime().link_key(PURPOSE, current_site().tenant.slug)
