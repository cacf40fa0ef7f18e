"""Pausing a strategy, letting it go on, closing it for good: each with what it means before it is done."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import Refused
from copydesk.studio import running
from copydesk.studio.model import Status
from copydesk.studio.terms import terms_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import HOME, mine, studio
from copydesk.web.studio.one import frame
from copydesk.web.studio.studio_words import refused_words
from copydesk.web.visitor import current_actor


@studio.get("/<slug>/manage")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def manage(slug: str) -> str:
    return _page(slug, {})


@studio.post("/<slug>/pause")
@needs(Permission.STRATEGIES_OWN, agreed=False)
def pause(slug: str) -> Response | tuple[str, int]:
    """Open nothing any more for anyone; a row is changed, and the engine follows as soon as it can."""
    return _done(slug, running.pause, Status.PAUSED)


@studio.post("/<slug>/resume")
@needs(Permission.STRATEGIES_OWN)
def resume(slug: str) -> Response | tuple[str, int]:
    return _done(slug, running.go_on, Status.LIVE, Status.PROBATION)


@studio.post("/<slug>/close")
@needs(Permission.STRATEGIES_OWN, fresh=True, agreed=False)
def close(slug: str) -> Response | tuple[str, int]:
    """Close it for good, once the trader says that they mean it."""
    if request.form.get("confirmed") != "yes":
        return _page(slug, {"confirmed": str(gettext("Tick that you know it cannot be undone."))}), UNPROCESSABLE
    return _done(slug, running.close, Status.CLOSED, Status.DECLINED)


def _done(slug: str, act: Callable[..., object], *wanted: Status) -> Response | tuple[str, int]:
    """Do it, and show the strategy; one that is as wanted already is shown too, for a form may come twice."""
    try:
        with transaction() as session:
            act(session, mine(session, slug), actor=current_actor(), at=current_time())
    except Refused as refusal:
        if refusal.code != "wrong_state":
            raise
        with transaction() as session:
            if mine(session, slug).status in wanted:
                return go(f"{HOME}/{slug}")
        return _page(slug, {"": refused_words(refusal)}), UNPROCESSABLE
    return go(f"{HOME}/{slug}")


def _page(slug: str, errors: dict[str, str]) -> str:
    with transaction() as session:
        own = mine(session, slug)
        shown = frame(session, own, terms_of(session, own.id, current_site().tenant), "/manage")
    return render("studio/manage.html", **shown, errors=errors)
