"""Proves that a change was asked for on a page of ours: a token in the form that only we could write for this browser.

A signed double submit: the token is an HMAC over the session's cookie, or over a cookie of its own for a visitor
without a session, so that it dies with the session and is worth nothing in another browser. The sum is masked afresh
in every page, because a compressed answer tells what repeats in it. Besides stands the check of where a form came
from (`web.headers`). Sources: OWASP Cross-Site Request Forgery Prevention (signed double-submit cookie); BREACH (2013).
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from time import monotonic

from flask import Flask, Response, current_app, g, request
from flask_babel import gettext  # type: ignore[import-untyped]
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from copydesk.kernel import NotPermitted
from copydesk.web.cookies import read_cookie, set_cookie
from copydesk.web.port import Runtime
from copydesk.web.site import current_site

FIELD, HEADER = "csrf_token", "X-CSRF-Token"
SESSION_COOKIE, VISITOR_COOKIE = "session", "csrf"
PURPOSE = "csrf"
CODE = "form_too_old"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SUM_BYTES = sha256().digest_size
_VISITOR_BYTES = 16
_KEY_AGE_S = 60.0


class FormKeys:
    """The keys that forms, or another purpose, are signed with: one for each brand, read anew once a minute."""

    def __init__(self, runtime: Runtime, purpose: str = PURPOSE) -> None:
        self._runtime = runtime
        self._purpose = purpose
        self._held: dict[str, tuple[bytes, float]] = {}

    def key(self, slug: str, *, fresh: bool = False) -> bytes:
        """Return a brand's key; raises SQLAlchemyError where none is held and the database does not answer."""
        held = self._held.get(slug)
        if held is None or fresh or monotonic() - held[1] > _KEY_AGE_S:
            try:
                self._held[slug] = held = (self._runtime.signing_key(self._purpose, slug), monotonic())
            except SQLAlchemyError:
                if held is None:
                    raise
        return held[0]


def csrf_token() -> str:
    """Return a token for a form or a script of this page, "" where the database cannot give the key just now."""
    try:
        proof = _sum(_keys().key(current_site().tenant.slug), _binding())
    except SQLAlchemyError:
        return ""
    mask = secrets.token_bytes(_SUM_BYTES)
    return urlsafe_b64encode(mask + _mixed(mask, proof)).decode()


def csrf_field() -> Markup:
    """Return the hidden field that every form with `method="post"` carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, csrf_token())


def bind_forms(session_token: str) -> None:
    """Tie the forms of this answer to the session that it begins or renews; call it where the cookie is set."""
    g.csrf_binding = session_token


def init_csrf(app: Flask, runtime: Runtime) -> None:
    """Refuse every change without a token, and give visitors the cookie that theirs is tied to."""
    app.extensions["copydesk_form_keys"] = FormKeys(runtime)

    @app.before_request
    def _own_forms_only() -> None:
        if request.method in _SAFE_METHODS or request.routing_exception is not None:
            return
        if not _proved(request.headers.get(HEADER) or request.form.get(FIELD, "")):
            raise NotPermitted(gettext("This form is too old. Load the page again."), code=CODE)

    @app.after_request
    def _leave_cookie(response: Response) -> Response:
        if visitor := g.get("csrf_visitor"):
            set_cookie(response, VISITOR_COOKIE, visitor)
        return response


def _proved(token: str) -> bool:
    """Tell whether the token is of this browser; a key that another process turned is read before a no."""
    brought = read_cookie(SESSION_COOKIE) or read_cookie(VISITOR_COOKIE)
    told = _opened(token)
    if not brought or told is None:
        return False
    slug = current_site().tenant.slug
    return any(hmac.compare_digest(_sum(_keys().key(slug, fresh=fresh), brought), told) for fresh in (False, True))


def _binding() -> str:
    """Return what this browser's forms are tied to; a visitor who has nothing yet gets a cookie with this answer."""
    if "csrf_binding" not in g:
        g.csrf_binding = read_cookie(SESSION_COOKIE) or read_cookie(VISITOR_COOKIE)
        if not g.csrf_binding:
            g.csrf_binding = g.csrf_visitor = secrets.token_urlsafe(_VISITOR_BYTES)
    return str(g.csrf_binding)


def _sum(key: bytes, binding: str) -> bytes:
    return hmac.digest(key, b"copydesk form\0" + binding.encode(), "sha256")


def _opened(token: str) -> bytes | None:
    """Take the mask off; None where the text is no token."""
    try:
        masked = urlsafe_b64decode(token.encode("ascii"))
    except ValueError:
        return None
    if len(masked) != 2 * _SUM_BYTES:
        return None
    return _mixed(masked[:_SUM_BYTES], masked[_SUM_BYTES:])


def _mixed(mask: bytes, text: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(mask, text, strict=True))


def _keys() -> FormKeys:
    keys = current_app.extensions["copydesk_form_keys"]
    assert isinstance(keys, FormKeys)
    return keys
