"""What a trader announces of a strategy: written, listed, taken back within the hour."""

from __future__ import annotations

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.kernel import Refused
from copydesk.studio.announcing import BODY_MAX, announce, announcements_of, take_back
from copydesk.studio.crowd import crowd_of
from copydesk.studio.model import OwnStrategy, StudioAct
from copydesk.studio.terms import terms_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import HOME, mine, studio
from copydesk.web.studio.one import frame
from copydesk.web.studio.studio_words import refused_words
from copydesk.web.visitor import current_actor

_SHOWN = 100


@studio.get("/<slug>/announcements")
@needs(Permission.STRATEGIES_OWN)
def announcements(slug: str) -> str:
    return _page(slug, typed_before().get("body", ""), {})


@studio.post("/<slug>/announcements")
@needs(Permission.STRATEGIES_OWN)
@keeps("body")
def publish(slug: str) -> Response | tuple[str, int]:
    body = request.form.get("body", "").replace("\0", "").replace("\r\n", "\n")
    try:
        with transaction() as session:
            own = _announcing(mine(session, slug))
            announce(session, own.id, body, at=current_time(), actor=current_actor())
    except Refused as refusal:
        if refusal.code not in {"body", "wrong_state"}:
            raise
        field = "body" if refusal.code == "body" else ""
        return _page(slug, body, {field: refused_words(refusal)}), UNPROCESSABLE
    return go(f"{HOME}/{slug}/announcements")


@studio.post("/<slug>/announcements/<int:announcement_id>/delete")
@needs(Permission.STRATEGIES_OWN)
def delete(slug: str, announcement_id: int) -> Response | tuple[str, int]:
    try:
        with transaction() as session:
            own = mine(session, slug)
            take_back(session, own.id, min(announcement_id, 2**63 - 1), at=current_time(), actor=current_actor())
    except Refused as refusal:
        if refusal.code != "announcement_stands":
            raise
        return _page(slug, "", {"": refused_words(refusal)}), UNPROCESSABLE
    return go(f"{HOME}/{slug}/announcements")


def _announcing(own: OwnStrategy) -> OwnStrategy:
    if not own.allows(StudioAct.ANNOUNCE):
        raise Refused(f"The strategy is {own.status}: nobody would read it.", code="wrong_state")
    return own


def _page(slug: str, body: str, errors: dict[str, str]) -> str:
    now = current_time()
    with transaction() as session:
        own = mine(session, slug)
        terms = terms_of(session, own.id, current_site().tenant)
        said, crowd = announcements_of(session, own.id, most=_SHOWN), crowd_of(session, own.id)
        shown = frame(session, own, terms, "/announcements")
    return render(
        "studio/announcements.html",
        **shown,
        said=[(one, one.deletable(now)) for one in said],
        readers=crowd.copying + crowd.watching,
        may=own.allows(StudioAct.ANNOUNCE),
        body=body,
        body_max=BODY_MAX,
        errors=errors,
    )
