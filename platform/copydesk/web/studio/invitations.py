"""Invitations to a private strategy: one link for one person, shown once; taken back at any time."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode

from flask import Response, request

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused
from copydesk.studio.inviting import INVITE_LASTS, LABEL_MAX, invite_one, links_of, take_link_back
from copydesk.studio.model import OwnStrategy, StudioAct
from copydesk.studio.terms import Terms, terms_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import HOME, mine, studio
from copydesk.web.studio.one import frame
from copydesk.web.studio.studio_words import refused_words
from copydesk.web.visitor import current_actor

_PURPOSE = "strategy invitation"
_FORM_BYTES, _FORM_CHARS = 24, 32


@studio.get("/<slug>/invitations")
@needs(Permission.STRATEGIES_OWN)
def invitations(slug: str) -> str:
    return _page(slug, typed_before().get("label", ""), {})


@studio.post("/<slug>/invitations")
@needs(Permission.STRATEGIES_OWN)
@keeps("label")
def invite(slug: str) -> str | tuple[str, int]:
    """Make a link and show it: this once, for only its hash is stored. The same form sent twice makes the same one."""
    label = request.form.get("label", "").replace("\0", "")
    try:
        with transaction() as session:
            own, _ = _private(session, slug)
            actor, drawn = current_actor(), _token(own)
            token = invite_one(session, own.id, label, actor=actor, at=current_time(), token=drawn)
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


def _token(own: OwnStrategy) -> str:
    """Return the secret of the link that this form makes, "" for one that does not say which form it is."""
    form = request.form.get("form", "")
    if len(form) != _FORM_CHARS:
        return ""
    key = runtime().signing_key(_PURPOSE, current_site().tenant.slug)
    told = hmac.digest(key, f"{own.id} {own_id()} {form}".encode(), "sha256")
    return urlsafe_b64encode(told).decode().rstrip("=")


def _origin() -> str:
    return runtime().site_url(request.host.partition(":")[0])


def _page(slug: str, label: str, errors: dict[str, str], *, link: str = "") -> str:
    now = current_time()
    with transaction() as session:
        own, terms = _private(session, slug)
        links = [(one, one.over(now)) for one in links_of(session, own.id)]
        shown = frame(session, own, terms, "/invitations")
    return render(
        "studio/invitations.html",
        **shown,
        links=links,
        link=link,
        form=secrets.token_urlsafe(_FORM_BYTES),
        days=INVITE_LASTS.days,
        label=label,
        label_max=LABEL_MAX,
        errors=errors,
    )
