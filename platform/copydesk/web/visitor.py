"""Who asks for this page: found by the session's cookie, once per request.

Flask-Login's `current_user` is the same person. Flask's own signed session holds nothing: what a browser brings is a
random token, and the table behind it says what the token is worth now.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from ipaddress import ip_address

from flask import Flask, Request, Response, g, request
from flask_login import LoginManager, UserMixin  # type: ignore[import-untyped]

from copydesk.audit import Actor, ActorKind
from copydesk.identity import Origin, Visitor
from copydesk.identity.access import permissions_of
from copydesk.identity.access.permissions import EVERYBODY
from copydesk.identity.sessions import find_session, note_seen
from copydesk.identity.settings import session_limits
from copydesk.web.client import client_ip
from copydesk.web.clock import current_time
from copydesk.web.cookies import drop_cookie, read_cookie, set_cookie
from copydesk.web.csrf import SESSION_COOKIE, bind_forms
from copydesk.web.database import brand_session, whole_database
from copydesk.web.site import current_site, site_or_none

_KEY_BYTES = 32
_TOKEN_CHARS_MAX = 128


class SignedIn(UserMixin):  # type: ignore[misc]
    """The visitor as Flask-Login has it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def get_id(self) -> str:
        return str(self.visitor.user_id)


def init_visitors(app: Flask) -> None:
    """Have Flask-Login ask our sessions, and nothing of its own."""
    # Nothing is ever signed with it: Flask-Login only looks whether its own cookies are there.
    app.secret_key = secrets.token_bytes(_KEY_BYTES)
    app.config.update(SESSION_COOKIE_NAME="unused", SESSION_PROTECTION=None)
    login = LoginManager(app)
    login.request_loader(_loaded)


def current_visitor() -> Visitor:
    """Return whoever asks for this page; looked up once per request, and not at all without a cookie."""
    if "visitor" not in g:
        g.visitor = _find() or nobody()
    visitor = g.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def current_actor() -> Actor:
    """Return who acts, for the record of who did what."""
    visitor = current_visitor()
    kind = ActorKind.NOBODY if visitor.user_id is None else ActorKind.USER
    return Actor(kind, visitor.user_id, visitor.session_id, visitor.ip)


def current_origin() -> Origin:
    """Return where this request comes from."""
    return Origin(client_ip(), request.headers.get("User-Agent", ""))


def nobody() -> Visitor:
    """Return the visitor whom nobody knows."""
    return Visitor(
        user_id=None,
        role=None,
        session_id=None,
        email="",
        display_name="",
        ip=client_ip(),
        enrolled=False,
        factor="",
        stepped_up_at=None,
        held_until=None,
        permissions=EVERYBODY,
    )


def remember_session(response: Response, token: str, *, age_s: int | None = None) -> None:
    """Leave a session's token with the browser, until it is closed or for so long; tie this answer's forms to it."""
    set_cookie(response, SESSION_COOKIE, token, age_s=age_s)
    bind_forms(token)
    g.pop("visitor", None)


def forget_session(response: Response) -> None:
    """Have the browser forget its session."""
    drop_cookie(response, SESSION_COOKIE)
    g.pop("visitor", None)


def may_carry_secrets() -> bool:
    """Tell whether a password may travel on this request: over TLS, or inside one machine."""
    host = request.host.rpartition(":")[0] if request.host.rstrip("0123456789").endswith(":") else request.host
    if request.is_secure or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _find() -> Visitor | None:
    token = read_cookie(SESSION_COOKIE)
    if not token or len(token) > _TOKEN_CHARS_MAX or site_or_none() is None:
        return None
    now, limits = current_time(), session_limits(current_site().tenant)
    found = find_session(brand_session(), token, ip=client_ip(), idle=limits.idle, at=now)
    if found is None:
        return None
    visitor = found.visitor
    assert visitor.user_id is not None and visitor.session_id is not None and visitor.role is not None
    if found.seen_late:
        with whole_database().tenant(g.tenant_id) as session:
            note_seen(session, visitor.session_id, at=now)
    return replace(visitor, permissions=permissions_of(brand_session(), visitor.user_id, visitor.role))


def _loaded(_asking: Request) -> SignedIn | None:
    visitor = current_visitor()
    return SignedIn(visitor) if visitor.signed_in else None
