"""A brand that its operator has suspended: strangers find that the site is paused, everybody else what they need.

Who has signed in still sees what they hold, stops and closes; staff see everything. Nothing is opened: that is the
replicator's and the signer's business, and does not depend on any page.
"""

from __future__ import annotations

from flask import Flask, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity import Role
from copydesk.kernel import Unavailable
from copydesk.notifications import Kind
from copydesk.tenancy import Tenant, TenantStatus
from copydesk.web.site import site_or_none
from copydesk.web.visitor import current_visitor

_RETRY_AFTER_S = 3600
_STAFF = frozenset({Role.STAFF, Role.OPERATOR})
# Nothing new begins; every other page of these blueprints is about what somebody has already.
_BEGINNINGS = frozenset(
    {
        *("guests.begin", "guests.begin_page"),
        *("account.register_form", "account.register_page", "account.register_sent"),
        *("account.invited_form", "account.invited_page"),
    }
)
_PUBLIC = frozenset({"public", "api"})
# What any page of the brand needs, and the language in which it is read.
_PARTS = frozenset(
    f"public.{name}"
    for name in (
        *("brand_file", "theme_file", "theme_bundle", "favicon", "icon", "touch_icon", "card", "manifest"),
        *("language", "security_txt"),
    )
)
# Letters that can wait: all others tell of somebody's account, keys or sign-ins.
_WAITING = frozenset({Kind.INVITED, Kind.VERIFY_EMAIL, Kind.ALREADY_REGISTERED})


class SitePaused(Unavailable):
    """The brand is suspended; why, is between its operator and its owner."""

    def __init__(self) -> None:
        super().__init__("the brand is suspended", retry_after_s=_RETRY_AFTER_S)


def init_suspended(app: Flask) -> None:
    """Answer 503 where a suspended brand's public pages or registration are asked for, but not to its staff."""

    @app.before_request
    def _paused() -> None:
        site = site_or_none()
        if site is None or site.tenant.status is not TenantStatus.SUSPENDED:
            return
        public = request.blueprint in _PUBLIC and request.endpoint not in _PARTS
        if (public or request.endpoint in _BEGINNINGS) and not _is_staff():
            raise SitePaused


def paused_words() -> tuple[str, str]:
    """Return title and sentence of the page that says so."""
    return (
        gettext("This site is paused"),
        gettext("Nothing is copied at the moment. If you have an account, sign in: you can still see and close."),
    )


def may_leave(tenant: Tenant, kind: Kind) -> bool:
    """Tell whether a letter may leave now: of a suspended brand only those about somebody's own account."""
    return tenant.status is not TenantStatus.SUSPENDED or kind not in _WAITING


def _is_staff() -> bool:
    visitor = current_visitor()
    return visitor.signed_in and visitor.role in _STAFF
