"""Brings people back: to the page whose form was not taken because they had to sign in or confirm first.

What they had typed waits in their own browser, signed, for a quarter of an hour. It is given back once, on the same
page and to the same person; only fields that a view names are kept, never a secret. Bringing it back does nothing: the
form is looked over and sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.sessions import former_owner
from copydesk.web.clock import current_time
from copydesk.web.cookies import drop_cookie, read_cookie, set_cookie
from copydesk.web.csrf import SESSION_COOKIE, FormKeys
from copydesk.web.database import brand_session
from copydesk.web.port import Runtime
from copydesk.web.redirects import safe_next
from copydesk.web.site import current_site, site_or_none
from copydesk.web.visitor import current_visitor

PURPOSE = "typed"
_COOKIE, _LASTS = "typed", timedelta(minutes=15)
_SALT = "copydesk typed"
_EXTENSION = "copydesk_typed_keys"
# A browser takes cookies of 4,096 bytes; what is longer is not kept, and the page says so.
_CHARS_MAX = 3_500

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class WayOn:
    """Where somebody goes on whose form was not taken. `kept`: what they typed is there again."""

    href: str
    kept: bool


def keeps(*names: str) -> Callable[[F], F]:
    """Have these fields of a view's form given back by the page at the same address. Stands below `needs`."""

    def declare(view: F) -> F:
        view.keeps = names  # type: ignore[attr-defined]
        return view

    return declare


def way_on(led_to: str) -> WayOn:
    """Say where a form's sender goes on: by `led_to`, "" for straight back, to the page that the form was on."""
    page = page_of_form()
    kept = bool(page) and _keep(page)
    if not led_to:
        return WayOn(page or "/", kept)
    return WayOn(f"{led_to}?{urlencode({'next': page})}" if page else led_to, kept)


def page_of_form() -> str:
    """Return the address of the page that asks, "" where it cannot be told.

    A form that is given back stands at its own address; of others the browser names the page.
    """
    told = _page_told()
    if told and (told.partition("?")[0] == request.path or not _kept_names()) and _is_shown(told):
        return told
    return request.path if _is_shown(request.path) else ""


def page_around() -> str:
    """Return the address of the page that a part of it is fetched for, "" where the script did not say."""
    return _local(request.headers.get("HX-Current-URL", ""))


def typed_before() -> Mapping[str, str]:
    """Return what this visitor typed into this page's form before they were sent to sign in; given once."""
    held = read_cookie(_COOKIE)
    if not held:
        return {}
    g.typed = ""
    try:
        told = _signer().loads(held)
    except BadData:
        return {}
    at = datetime.fromtimestamp(told["at"], UTC)
    mine = told["user"] == current_visitor().user_id and told["path"] == request.path
    if not mine or not at <= current_time() <= at + _LASTS:
        return {}
    g.given_back = True
    return dict(told["fields"])


def given_back() -> bool:
    """Tell whether this page has a form with what was typed before."""
    return bool(g.get("given_back"))


def init_returning(app: Flask, runtime: Runtime) -> None:
    """Hold the keys that what was typed is signed with, and leave it with the browser that typed it."""
    app.extensions[_EXTENSION] = FormKeys(runtime, PURPOSE)

    @app.after_request
    def _leave_typed(response: Response) -> Response:
        typed = g.get("typed")
        if typed:
            set_cookie(response, _COOKIE, typed, age_s=int(_LASTS.total_seconds()))
        elif typed is not None:
            drop_cookie(response, _COOKIE)
        return response


def _keep(page: str) -> bool:
    """Keep what was typed, where the form is one whose fields are; tell whether it will be there again."""
    if page.partition("?")[0] != request.path:
        return False
    fields = {name: request.form[name] for name in _kept_names() if name in request.form}
    try:
        owner = _owner() if fields else None
        if owner is None:
            return False
        told = {"user": owner, "path": request.path, "at": int(current_time().timestamp()), "fields": fields}
        signed = _signer().dumps(told)
    except SQLAlchemyError:
        return False
    if len(signed) > _CHARS_MAX:
        return False
    g.typed = str(signed)
    return True


def _kept_names() -> tuple[str, ...]:
    view = current_app.view_functions.get(request.endpoint or "")
    return tuple(getattr(view, "keeps", ()))


def _owner() -> int | None:
    """Return whose session this was, also where it is over; None where nobody can tell."""
    if site_or_none() is None:
        return None
    token = read_cookie(SESSION_COOKIE)
    return current_visitor().user_id or (former_owner(brand_session(), token) if token else None)


def _page_told() -> str:
    """Return the page of ours that the browser says the form was on, "" where it says none."""
    return page_around() or _local(request.referrer or "")


def _local(address: str) -> str:
    """Return path and query of an address of this very host, "" for any other."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.netloc != request.host:
        return ""
    return safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path, "")


def _is_shown(address: str) -> bool:
    """Tell whether there is a page at an address that a browser can be led to."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and adapter.test(address.partition("?")[0], method="GET")


def _signer() -> URLSafeSerializer:
    keys = current_app.extensions[_EXTENSION]
    assert isinstance(keys, FormKeys)
    key = keys.key(current_site().tenant.slug)
    return URLSafeSerializer(key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})
