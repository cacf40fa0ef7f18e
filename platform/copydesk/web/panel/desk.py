"""What every page of the panel works with: the settings desk, the brand, who acts and when."""

from __future__ import annotations

from dataclasses import replace

from flask import g, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import InvalidInput
from copydesk.tenancy import Tenant, TenantError
from copydesk.tenancy.revisions import RefusedSettings, Revision, SettingsDesk
from copydesk.web.asking import runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.site import current_site
from copydesk.web.theme_file import installed_themes
from copydesk.web.visitor import current_visitor

REASON_LENGTH_MAX = 300
_DIGITS_MAX = 18


def settings_desk() -> SettingsDesk:
    """Return who checks and stores what a brand's people change."""
    return runtime().settings_desk


def current_brand() -> Tenant:
    """Return the brand as it is now: whoever changes settings sees what was changed a moment ago, by any process."""
    if "panel_followed" not in g:
        g.panel_followed = True
        follow()
    return current_site().tenant


def follow() -> None:
    """Have this process, and this request, go by what was just published, without waiting for its next look."""
    runtime().directory.refresh()
    site = current_site()
    g.site = replace(site, tenant=runtime().directory.by_slug(site.tenant.slug) or site.tenant)


def author_name() -> str:
    """Return how the visitor is called in the history."""
    visitor = current_visitor()
    return visitor.display_name or visitor.email


def asked_reason() -> str:
    """Return the reason that the form gives; raises `InvalidInput` where there is none."""
    reason = " ".join(request.form.get("reason", "").replace("\0", "").split())
    if not 3 <= len(reason) <= REASON_LENGTH_MAX:
        told = gettext(
            "Reason: expected 3 to %(most)s characters, found %(found)s.", most=REASON_LENGTH_MAX, found=len(reason)
        )
        raise InvalidInput(told, code="reason")
    return reason


def asked_revision() -> int | None:
    """Return the revision that the form was made for, None where it does not say."""
    text = request.form.get("revision", "")
    return int(text) if text.isdecimal() and len(text) <= _DIGITS_MAX else None


def waiting() -> tuple[Revision, ...]:
    """Return the proposals that wait for a second person."""
    with transaction() as session:
        return settings_desk().waiting(session)


def theme_names() -> tuple[str, ...]:
    """Return the themes that a brand may choose."""
    return installed_themes(runtime().themes_dir)


def problems(tenant: Tenant) -> list[TenantError]:
    """Return what is wrong with the brand's file and overrides as they are now, whatever still serves."""
    try:
        settings_desk().check(tenant, {})
    except RefusedSettings as refusal:
        return refusal.errors
    return []


__all__ = [
    "REASON_LENGTH_MAX",
    "asked_reason",
    "asked_revision",
    "author_name",
    "current_brand",
    "current_time",
    "follow",
    "problems",
    "settings_desk",
    "theme_names",
    "waiting",
]
