"""The people of a brand as its staff see them, and what staff may do to an account. Each look is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import Entry, read_entries
from copydesk.db import TenantSession
from copydesk.identity import Role, UserStatus
from copydesk.identity.access import Permission, Place, holds_of, places_of, roles_of
from copydesk.identity.access.people import (
    PAGE,
    PeopleFilter,
    Person,
    block,
    count_unproved,
    end_sessions_of,
    list_people,
    require_may_change,
    unblock,
    view_person,
)
from copydesk.identity.factors import Factors, factors_of
from copydesk.kernel import Refused
from copydesk.web.access import needs
from copydesk.web.access_words import hold_words
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.desk import asked_number, current_giver, row_id
from copydesk.web.staff.words import refusal_words, role_words, status_words
from copydesk.web.visitor import current_visitor

ENTRIES_SHOWN = 10
SEARCH_LENGTH_MAX = 100


@dataclass(frozen=True)
class PersonPage:
    """One person with all that staff see of them; `entries` is empty for who may not read the record."""

    person: Person
    roles: tuple[str, ...]
    factors: Factors
    holds: tuple[str, ...]
    places: tuple[Place, ...]
    entries: tuple[Entry, ...]


@staff.get("/users")
@needs(Permission.USERS_READ)
def users() -> str:
    """List people, the newest first."""
    wanted = _filter()
    with transaction() as session:
        unproved = count_unproved(session, at=current_time())
        found = list_people(session, g.tenant_id, current_giver(), wanted, at=current_time())
    following = found[-1].id if len(found) == PAGE else None
    return render(
        "staff/users.html",
        people=found,
        wanted=wanted,
        following=following,
        unproved=unproved,
        roles=[(str(role), role_words(role)) for role in Role],
        states=[(str(state), status_words(state)) for state in UserStatus],
        role_words=role_words,
        status_words=status_words,
    )


@staff.get("/users/<int:user_id>")
@needs(Permission.USERS_READ)
def user(user_id: int) -> str:
    """Show one person."""
    with transaction() as session:
        page = _page(session, row_id(user_id))
    return render("staff/user.html", page=page, role_words=role_words, status_words=status_words)


@staff.route("/users/<int:user_id>/block", methods=("GET", "POST"))
@needs(Permission.USERS_WRITE, fresh=True, holds=True)
def block_user(user_id: int) -> AnyResponse | tuple[str, int] | str:
    return _act("block", block, row_id(user_id))


@staff.route("/users/<int:user_id>/unblock", methods=("GET", "POST"))
@needs(Permission.USERS_WRITE, fresh=True, holds=True)
def unblock_user(user_id: int) -> AnyResponse | tuple[str, int] | str:
    return _act("unblock", unblock, row_id(user_id))


@staff.route("/users/<int:user_id>/end-sessions", methods=("GET", "POST"))
@needs(Permission.USERS_WRITE, fresh=True, holds=True)
def end_user_sessions(user_id: int) -> AnyResponse | tuple[str, int] | str:
    return _act("end-sessions", end_sessions_of, row_id(user_id))


def _act(name: str, act: Callable[..., object], user_id: int) -> AnyResponse | tuple[str, int] | str:
    """Ask before the act, with what follows from it; do it when the form comes back."""
    if request.method == "POST":
        try:
            with transaction() as session:
                act(session, g.tenant_id, current_giver(), user_id, at=current_time())
        except Refused as refusal:
            if refusal.http_status == 404:
                raise
            return _asked(name, user_id, refusal_words(refusal)), refusal.http_status
        return go(f"/staff/users/{user_id}")
    return _asked(name, user_id)


def _asked(name: str, user_id: int, error: str = "") -> str:
    with transaction() as session:
        if not error:
            require_may_change(session, current_giver(), user_id)
        person = view_person(session, g.tenant_id, current_giver(), user_id, at=current_time())
    return render("staff/confirm_user.html", act=name, person=person, error=error)


def _page(session: TenantSession, user_id: int) -> PersonPage:
    # The record comes last: acts of one brand wait for each other from there on.
    factors = factors_of(session, user_id)
    holds = [hold_words(hold) for hold in holds_of(session, user_id, now=current_time())]
    places, roles = places_of(session, user_id), roles_of(session, user_id)
    reads = Permission.AUDIT_READ in current_visitor().permissions
    entries = read_entries(session, g.tenant_id, limit=ENTRIES_SHOWN, subject=f"user:{user_id}") if reads else []
    person = view_person(session, g.tenant_id, current_giver(), user_id, at=current_time())
    return PersonPage(person, tuple(roles), factors, tuple(holds), tuple(places), tuple(entries))


def _filter() -> PeopleFilter:
    """Read the list's filter; what is no role, state or number is left out."""
    asked = request.args
    return PeopleFilter(
        search=asked.get("q", "")[:SEARCH_LENGTH_MAX].replace("\0", ""),
        role=asked.get("role", "") if asked.get("role") in set(Role) else "",
        status=asked.get("status", "") if asked.get("status") in set(UserStatus) else "",
        unproved=asked.get("place") == "new",
        before_id=asked_number(asked.get("before", "")),
    )
