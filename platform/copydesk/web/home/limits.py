"""Change what protects one subscription: its risk profile, and bounds of one's own; never looser than the brand's."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.replication.own_copying import OwnCopying
from copydesk.risk.grammar import text_of
from copydesk.risk.model import Scope
from copydesk.risk.profiles import Profile
from copydesk.risk.service import choose_profile, clear_limit, set_limit
from copydesk.risk.store import LimitOwner, limits_set
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, transaction
from copydesk.web.home.blueprint import ground, home, note, own
from copydesk.web.home.limits_asked import BOUNDS, Asked, Now, asked_of, bound_names, changes, mistakes, now_of, offered
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before

_PATH = "/copying/<int:subscription_id>/limits"


@home.get(_PATH)
@needs(Permission.SUBSCRIPTIONS_OWN)
def limits_page(subscription_id: int) -> str:
    copying, now = _read(subscription_id)
    typed = typed_before()
    return _form(copying, asked_of(typed) if typed else now.asked, {})


@home.post(_PATH)
@needs(Permission.SUBSCRIPTIONS_OWN)
@keeps("profile", *BOUNDS)
def limits_sent(subscription_id: int) -> Response | str | tuple[str, int]:
    """Show what changes; with the confirmation, store it."""
    copying, now = _read(subscription_id)
    asked = asked_of(request.form)
    errors = mistakes(asked)
    if errors:
        return _form(copying, asked, errors), UNPROCESSABLE
    changed, confirmed = changes(now, asked), request.form.get("confirmed") == "yes"
    if not changed and confirmed:
        return go(f"/copying/{copying.id}?told=limited")  # The confirmation came a second time.
    if not changed:
        return _form(copying, asked, {"": gettext("Nothing is changed.")}), UNPROCESSABLE
    try:
        with transaction() as session:
            attempt = session.begin_nested()
            _store(session, copying, now, asked)
            attempt.commit() if confirmed else attempt.rollback()
    except InvalidInput as no:
        return _form(copying, asked, {"": _refused(no)}), UNPROCESSABLE
    if confirmed:
        return go(f"/copying/{copying.id}?told=limited")
    return render("home/limits_review.html", copying=copying, asked=asked, changes=changed)


def _read(subscription_id: int) -> tuple[OwnCopying, Now]:
    with transaction() as session:
        copying = own(session, subscription_id)
        known = limits_set(session, LimitOwner(Scope.SUBSCRIPTION, subscription_id))
    if copying.ended_at is not None:
        raise NotFound("This subscription has ended.")
    return copying, now_of(known)


def _store(session: TenantSession, copying: OwnCopying, now: Now, asked: Asked) -> None:
    """Set what was asked for; the profile comes last, and fills up whatever nobody set by hand."""
    subject, author = LimitOwner(Scope.SUBSCRIPTION, copying.id), f"user:{own_id()}"
    for name, bound in BOUNDS.items():
        if asked.bounds[name] == now.asked.bounds[name]:
            continue
        for one in limits_set(session, subject):
            if bound.measures(one.scoped.limit):
                clear_limit(session, subject, one.line)
        for limit in bound.limits(asked.bounds[name]):
            set_limit(session, ground(), subject, text_of(limit), author=author)
    profile = Profile(asked.profile) if asked.profile else now.profile
    if profile is not None:
        choose_profile(session, ground(), copying.id, profile)
    before = {"profile": now.asked.profile, **now.asked.bounds}
    after = {"profile": str(profile or ""), **asked.bounds}
    note(session, "limit.changed", f"subscription:{copying.id}", before=before, after=after)


def _refused(no: InvalidInput) -> str:
    if no.code == "limit_beyond_master":
        return str(gettext("This site's own limits are stricter than that. Choose a smaller percentage."))
    if no.code.startswith("limit_"):
        return str(gettext("These bounds contradict others that hold here. Choose other percentages."))
    raise Refused(str(no), code=no.code)


def _form(copying: OwnCopying, asked: Asked, errors: dict[str, str]) -> str:
    names = bound_names()
    return render(
        "home/limits.html", copying=copying, asked=asked, offered=offered(ground()), names=names, errors=errors
    )
