"""Invitations to a private strategy: one link for one person, shown once; taken back at any time."""

from __future__ import annotations

from flask import Response, current_app, request

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused
from copydesk.studio.inviting import INVITE_LASTS, LABEL_MAX, invite_one, links_of, take_link_back
from copydesk.studio.model import OwnStrategy, StudioAct
from copydesk.studio.terms import Terms, terms_of
from copydesk.web.access import needs
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import HOME, UNPROCESSABLE, go, mine, studio, transaction
from copydesk.web.studio.one import frame
from copydesk.web.studio.studio_words import refused_words
from copydesk.web.visitor import current_actor


@studio.get("/<slug>/invitations")
@needs(Permission.STRATEGIES_OWN)
def invitations(slug: str) -> str:
    return _page(slug, "", {})


@studio.post("/<slug>/invitations")
@needs(Permission.STRATEGIES_OWN)
def invite(slug: str) -> str | tuple[str, int]:
    """Make a link and show it: this once, for only its hash is stored. Sent twice, there are two."""
    label = request.form.get("label", "").replace("\0", "")
    try:
        with transaction() as session:
            own, _ = _private(session, slug)
            token = invite_one(session, own.id, label, actor=current_actor(), at=current_time())
    except Refused as refusal:
        if refusal.code not in {"label", "invites_full"}:
            raise
        field = "label" if refusal.code == "label" else ""
        return _page(slug, label, {field: refused_words(refusal)}), UNPROCESSABLE
    return _page(slug, "", {}, link=f"{_origin()}/invitation/{token}")


@studio.post("/<slug>/invitations/<int:invite_id>/revoke")
@needs(Permission.STRATEGIES_OWN)
def revoke(slug: str, invite_id: int) -> Response:
    with transaction() as session:
        own, _ = _private(session, slug)
        take_link_back(session, own.id, min(invite_id, 2**63 - 1), actor=current_actor(), at=current_time())
    return go(f"{HOME}/{slug}/invitations")


def _private(session: TenantSession, slug: str) -> tuple[OwnStrategy, Terms]:
    own = mine(session, slug)
    terms = terms_of(session, own.id, current_site().tenant)
    if not (terms.private and own.allows(StudioAct.INVITE)):
        raise NotFound("Only a private strategy has invitations.")
    return own, terms


def _origin() -> str:
    return str(current_app.extensions["copydesk_runtime"].site_url(request.host.partition(":")[0]))


def _page(slug: str, label: str, errors: dict[str, str], *, link: str = "") -> str:
    now = current_time()
    with transaction() as session:
        own, terms = _private(session, slug)
        links = [(one, one.over(now)) for one in links_of(session, own.id)]
    return render(
        "studio/invitations.html",
        **frame(own, terms, "/invitations"),
        links=links,
        link=link,
        days=INVITE_LASTS.days,
        label=label,
        label_max=LABEL_MAX,
        errors=errors,
    )
