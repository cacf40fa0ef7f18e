"""The team of a brand: who is in it with which roles, who is invited, and the forms that change that."""

from __future__ import annotations

from http import HTTPStatus

from flask import g, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import record
from copydesk.db import TenantSession
from copydesk.identity import Role
from copydesk.identity.access import Permission, role_lines, within_reach
from copydesk.identity.access.people import view_person
from copydesk.identity.access.team import Member, member, members, require_may_invite, set_roles
from copydesk.identity.invitations import Invitation, invite, open_invites, revoke_invite
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.web.access import needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.desk import current_giver, current_seal, row_id
from copydesk.web.staff.words import refusal_words, role_words, status_words
from copydesk.web.visitor import current_actor, current_visitor

EMAIL_LENGTH_MAX = 254
ROLE_LENGTH_MAX = 40
ROLES_MAX = 100
_TEAM = "/staff/team"


@staff.get("/team")
@needs(Permission.STAFF_READ)
def team() -> str:
    """List who is in the team, and who is invited; that they were looked at is recorded."""
    now = current_time()
    with transaction() as session:
        listed, invited = members(session), open_invites(session, at=now)
        waiting = [one for one in invited if one.role in {Role.STAFF, Role.OPERATOR}]
        told = {"people": len(listed) + len(waiting)}
        record(session, g.tenant_id, current_actor(), "staff.listed", "staff", at=now, after=told)
    return render("staff/team.html", members=listed, invited=waiting, role_words=role_words, status_words=status_words)


@staff.route("/team/invite", methods=("GET", "POST"))
@needs(Permission.STAFF_GRANT, fresh=True, holds=True)
def invite_member() -> AnyResponse | tuple[str, int] | str:
    """Invite somebody to the team; only with roles that permit no more than the inviter's own."""
    if request.method == "GET":
        return _invitation()
    email = request.form.get("email", "").strip().replace("\0", "")[:EMAIL_LENGTH_MAX]
    chosen = _chosen()
    errors: dict[str, str] = {}
    giver = current_giver()
    try:
        with transaction() as session:
            require_may_invite(session, giver, chosen)
            invitation = Invitation(email, Role.STAFF, tuple(sorted(set(chosen))), current_site().locale)
            invite(session, current_seal(), invitation, actor=giver.actor, at=current_time())
    except Refused as refusal:
        of_roles = refusal.code in {"role_none", "role_unknown", "beyond_reach"}
        words = refusal_words(refusal, found=", ".join(chosen)) if of_roles else _email_words(refusal, email)
        errors["roles" if of_roles else "email"] = words
    if errors:
        return _invitation(email, chosen, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    return go(_TEAM)


@staff.post("/team/invites/<int:number>/revoke")
@needs(Permission.STAFF_GRANT, fresh=True)
def revoke_invitation(number: int) -> AnyResponse:
    with transaction() as session:
        if not revoke_invite(session, row_id(number), actor=current_giver().actor, at=current_time()):
            raise NotFound("There is no such invitation.")
    return go(_TEAM)


@staff.route("/team/<int:user_id>", methods=("GET", "POST"))
@needs(Permission.STAFF_GRANT, fresh=True, holds=True)
def member_roles(user_id: int) -> AnyResponse | tuple[str, int] | str:
    """Show a member's roles as a form, and give exactly those that come back; their sessions end."""
    if request.method == "GET":
        with transaction() as session:
            found = _viewed(session, row_id(user_id))
        return _member(found, found.roles)
    chosen = _chosen()
    try:
        with transaction() as session:
            giver = current_giver()
            set_roles(session, g.tenant_id, current_seal(), giver, row_id(user_id), chosen, at=current_time())
    except NotFound:
        raise
    except Refused as refusal:
        with transaction() as session:
            found = _viewed(session, user_id)
        errors = {"roles": refusal_words(refusal, found=", ".join(chosen))}
        return _member(found, chosen, errors), refusal.http_status
    return go(_TEAM)


def _invitation(email: str = "", chosen: list[str] | None = None, errors: dict[str, str] | None = None) -> str:
    choices = _choices(set(chosen or ()))
    return render("staff/invite.html", email=email, chosen=chosen or [], choices=choices, errors=errors or {})


def _member(found: Member, chosen: tuple[str, ...] | list[str], errors: dict[str, str] | None = None) -> str:
    choices = _choices(set(found.roles))
    return render("staff/member.html", member=found, chosen=chosen, choices=choices, errors=errors or {})


def _viewed(session: TenantSession, user_id: int) -> Member:
    """Return a member of staff, and record that they were looked at."""
    found = member(session, user_id)
    view_person(session, g.tenant_id, current_giver(), user_id, at=current_time())
    return found


def _chosen() -> list[str]:
    """Read which roles the form ticks; what comes in their place is cut to what a sentence can show."""
    return [name.replace("\0", "")[:ROLE_LENGTH_MAX] for name in request.form.getlist("roles")[:ROLES_MAX]]


def _choices(held: set[str]) -> list[tuple[str, str]]:
    """List the roles that the visitor may give, and those that are held already, so that none is lost unseen."""
    may = current_visitor().permissions
    with transaction() as session:
        lines = role_lines(session)
    return [
        (line.name, role_words(line.name)) for line in lines if line.name in held or within_reach(may, line.permissions)
    ]


def _email_words(refusal: Refused, email: str) -> str:
    if isinstance(refusal, InvalidInput) and "without an account" in str(refusal):
        return str(gettext("E-mail: %(email)s has an account here already.", email=email))
    return str(gettext('E-mail: expected one address such as name@example.com, found "%(email)s".', email=email))
