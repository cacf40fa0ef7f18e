"""The roles that a brand's staff can have: the built-in ones, and sets of permissions of the brand's own."""

from __future__ import annotations

from http import HTTPStatus

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import record
from copydesk.identity.access import GRANTABLE, Permission, drop_role, role_lines, store_role, within_reach
from copydesk.kernel import NotFound, NotPermitted, Refused
from copydesk.web.access import needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.desk import current_giver
from copydesk.web.staff.words import permission_words, refusal_words, role_words

# In the order of their declaration, which keeps what belongs together together.
CHOICES = [permission for permission in Permission if permission in GRANTABLE]
_NAME_LENGTH_MAX = 40
_FIELD_OF = {"permission_none": "permissions", "permission_foreign": "permissions", "beyond_reach": "permissions"}


@staff.get("/team/roles")
@needs(Permission.STAFF_READ)
def roles() -> str:
    return _listed()


@staff.route("/team/roles/new", methods=("GET", "POST"))
@needs(Permission.STAFF_GRANT, fresh=True, holds=True)
def new_role() -> AnyResponse | tuple[str, int] | str:
    """Name a set of permissions; nobody puts more into one than they may do themselves."""
    if request.method == "GET":
        return _form()
    name = request.form.get("name", "").strip().replace("\0", "")[:_NAME_LENGTH_MAX]
    chosen = request.form.getlist("permissions")
    giver, now = current_giver(), current_time()
    try:
        with transaction() as session:
            line = store_role(session, g.tenant_id, name, chosen, author_id=giver.actor.user_id, at=now)
            if not within_reach(giver.permissions, line.permissions):
                raise NotPermitted("A role of your own permits no more than you may do.", code="beyond_reach")
            after = {"permissions": sorted(line.permissions)}
            record(session, g.tenant_id, giver.actor, "role.defined", f"role:{name}", at=now, after=after)
    except Refused as refusal:
        errors = {_FIELD_OF.get(refusal.code, "name"): refusal_words(refusal, found=name)}
        return _form(name, chosen, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    return go("/staff/team/roles")


@staff.post("/team/roles/<name>/remove")
@needs(Permission.STAFF_GRANT, fresh=True, holds=True)
def remove_role(name: str) -> AnyResponse | tuple[str, int]:
    giver, now = current_giver(), current_time()
    try:
        with transaction() as session:
            drop_role(session, name, at=now)
            record(session, g.tenant_id, giver.actor, "role.removed", f"role:{name}", at=now)
    except NotFound:
        raise
    except Refused as refusal:
        return _listed({"": refusal_words(refusal, found=name)}), refusal.http_status
    return go("/staff/team/roles")


def _listed(errors: dict[str, str] | None = None) -> str:
    with transaction() as session:
        lines = role_lines(session)
    words = {"role_words": role_words, "permission_words": permission_words}
    return render("staff/roles.html", lines=lines, order=CHOICES, errors=errors or {}, **words)


def _form(name: str = "", chosen: list[str] | None = None, errors: dict[str, str] | None = None) -> str:
    may = current_giver().permissions
    choices = [(permission, permission_words(permission)) for permission in CHOICES if within_reach(may, {permission})]
    return render("staff/role_new.html", name=name, chosen=chosen or [], choices=choices, errors=errors or {})
