"""The blueprints of the studio and of invitations that followers open, and what their pages all work with."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.db import TenantSession
from copydesk.studio.model import OwnStrategy, StudioAct
from copydesk.studio.store import own_strategy
from copydesk.web.asking import own_id
from copydesk.web.headers import leave_no_copy, leave_no_trace
from copydesk.web.site import current_site

HOME = "/studio"

studio = Blueprint("studio", __name__, url_prefix=HOME)
studio.after_request(leave_no_copy)
invitation = Blueprint("invitation", __name__, url_prefix="/invitation")
invitation.after_request(leave_no_trace)


def mine(session: TenantSession, slug: str) -> OwnStrategy:
    """Return one of the visitor's strategies; raises `NotFound` for another's as for none."""
    return own_strategy(session, own_id(), slug)


def offered_places() -> set[tuple[str, str]]:
    """Return where this brand's accounts live, as venue and environment."""
    return {(place.venue, str(place.environment)) for place in current_site().tenant.config.exchanges}


def tabs_of(own: OwnStrategy, here: str, *, private: bool) -> list[tuple[str, str, bool]]:
    """Return the pages of one strategy: address, words, whether it is this one."""
    root = f"{HOME}/{own.slug}"
    pages = [("", gettext("Overview"))]
    if own.published:
        pages.append(("/signals", gettext("Signals")))
    if own.allows(StudioAct.ANNOUNCE):
        pages.append(("/announcements", gettext("Announcements")))
    if private and own.allows(StudioAct.INVITE):
        pages.append(("/invitations", gettext("Invitations")))
    if any(own.allows(act) for act in (StudioAct.PAUSE, StudioAct.RESUME, StudioAct.CLOSE)):
        pages.append(("/manage", gettext("Pause or close")))
    return [(f"{root}{path}", str(words), path == here) for path, words in pages]
