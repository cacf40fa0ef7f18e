"""`copydesk staff`: who looks after a brand, with which roles; and the way back in for who locked themselves out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.tenant_brand import configured
from copydesk.identity import Role
from copydesk.identity.access import STAFF_ROLES, clear_networks
from copydesk.identity.access.people import Person, end_sessions_of, find_person, take_factors_away
from copydesk.identity.access.team import by_command_line, members, require_may_invite, set_roles
from copydesk.identity.invitations import Invitation, invite, open_invites
from copydesk.kernel import InvalidInput, utc_now

_EMAIL = click.option("--email", required=True, help="Whose account, by its mail address.")
_ROLES = click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    metavar="ROLE",
    help=f"A role: {', '.join(STAFF_ROLES)}, or one of the brand's own. May stand several times.",
)


@click.group("staff")
def command() -> None:
    """Invite a brand's staff, see and change their roles; help who locked themselves out.

    \b
    Examples:
      copydesk staff invite --tenant aurora --email mara@example.com --role owner
      copydesk staff list --tenant aurora
      copydesk staff grant --tenant aurora --email omar@example.com --role risk --role support
    """


@command.command("invite")
@click.option("--email", required=True, help="Where the invitation goes.")
@_ROLES
@on_brand
def invite_command(runtime: Runtime, tenant: str, email: str, roles: tuple[str, ...], as_json: bool) -> int:
    """Invite somebody by a mail with a link that is good for seven days; the sites send it.

    The role operator is the platform's own: it sees every brand's risk desk and record where it is invited, and may put
    owners in place. It signs in with a passkey only.

    \b
    Examples:
      copydesk staff invite --tenant aurora --email mara@example.com --role owner
      copydesk staff invite --tenant aurora --email ops@example.com --role operator
    """
    number = send_invitation(runtime, tenant, brand_id(runtime, tenant), email, roles)
    click.echo(
        f"invited {email} to {tenant} as {', '.join(roles)}; the mail leaves as soon as the sites run", err=as_json
    )
    if as_json:
        print_json({"tenant": tenant, "invite": number, "email": email, "roles": list(roles)})
    return 0


def send_invitation(runtime: Runtime, tenant: str, tenant_id: int, email: str, roles: tuple[str, ...]) -> int:
    """Invite somebody to a brand by the operator, and return the invitation's number; raises InvalidInput."""
    operator = str(Role.OPERATOR) in roles
    if operator and len(roles) > 1:
        raise InvalidInput("role: expected operator alone, or roles of the brand, found both")
    language = configured(runtime, tenant).config.locale_default
    grants = () if operator else tuple(sorted(set(roles)))
    invitation = Invitation(email, Role.OPERATOR if operator else Role.STAFF, grants, language)
    with runtime.db.tenant(tenant_id) as session:
        if not operator:
            require_may_invite(session, by_command_line(OPERATOR), grants)
        return invite(session, runtime.identity_vault, invitation, actor=OPERATOR, at=utc_now())


@command.command("list")
@on_brand
def list_command(runtime: Runtime, tenant: str, as_json: bool) -> int:
    """List a brand's staff with their roles, and who is invited.

    \b
    Example:
      copydesk staff list --tenant aurora --json
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        listed = members(session)
        invited = [one for one in open_invites(session, at=utc_now()) if one.role in {Role.STAFF, Role.OPERATOR}]
        told = {"tenant": tenant, "people": len(listed) + len(invited)}
        record(session, tenant_id, OPERATOR, "staff.listed", "staff", at=utc_now(), after=told)
    if as_json:
        shown = [{"email": one.email, "roles": one.grants or [one.role], "until": one.expires_at} for one in invited]
        print_json({"tenant": tenant, "members": [asdict(one) for one in listed], "invited": shown})
        return 0
    for one in listed:
        names = one.role if one.role == Role.OPERATOR else ", ".join(one.roles) or "no role"
        click.echo(f"{one.email}  {names}  {one.status}")
    for waiting in invited:
        names = ", ".join(waiting.grants) or str(waiting.role)
        click.echo(f"{waiting.email}  {names}  invited until {waiting.expires_at:%Y-%m-%d %H:%M} UTC")
    if not listed and not invited:
        click.echo(f"{tenant} has no staff: copydesk staff invite --tenant {tenant} --email … --role owner", err=True)
    return 0


@command.command("grant")
@_EMAIL
@_ROLES
@on_brand
def grant_command(runtime: Runtime, tenant: str, email: str, roles: tuple[str, ...], as_json: bool) -> int:
    """Give a member of staff roles besides those that they have; their sessions end.

    \b
    Example:
      copydesk staff grant --tenant aurora --email omar@example.com --role risk
    """
    return _change(runtime, tenant, email, add=set(roles), as_json=as_json)


@command.command("revoke")
@_EMAIL
@_ROLES
@on_brand
def revoke_command(runtime: Runtime, tenant: str, email: str, roles: tuple[str, ...], as_json: bool) -> int:
    """Take roles away from a member of staff; their sessions end. The last owner stays one.

    \b
    Example:
      copydesk staff revoke --tenant aurora --email omar@example.com --role risk
    """
    return _change(runtime, tenant, email, take=set(roles), as_json=as_json)


@command.command("end-sessions")
@_EMAIL
@on_brand
def end_sessions_command(runtime: Runtime, tenant: str, email: str, as_json: bool) -> int:
    """Sign somebody out everywhere.

    \b
    Example:
      copydesk staff end-sessions --tenant aurora --email omar@example.com
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        person = find_person(session, email)
        ended = end_sessions_of(session, tenant_id, by_command_line(OPERATOR), person.id, at=utc_now())
    return _told(f"signed {email} out of {ended} sessions", person, {"ended": ended}, as_json=as_json)


@command.command("erase-factors")
@_EMAIL
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_brand
def erase_factors_command(runtime: Runtime, tenant: str, email: str, yes: bool, as_json: bool) -> int:
    """Let somebody who lost every second factor set up new ones at the next sign-in.

    Make sure first who is asking: whoever has the password gets in then. Sensitive acts rest for a day, and a mail says
    so.

    \b
    Example:
      copydesk staff erase-factors --tenant aurora --email omar@example.com
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        person = find_person(session, email)
    if not yes:
        click.confirm(f"Erase every second factor of {email} on {tenant}?", abort=True, err=True)
    with runtime.db.tenant(tenant_id) as session:
        seal = runtime.identity_vault
        had = take_factors_away(session, tenant_id, seal, by_command_line(OPERATOR), person.id, at=utc_now())
    return _told(f"erased the second factors of {email}", person, {"had": asdict(had)}, as_json=as_json)


@command.command("clear-allowlist")
@click.option("--email", help="Only that of one account, by its mail address.")
@on_brand
def clear_allowlist_command(runtime: Runtime, tenant: str, email: str | None, as_json: bool) -> int:
    """Empty the list of addresses that staff may work from, or that of one account, for who locked themselves out.

    \b
    Examples:
      copydesk staff clear-allowlist --tenant aurora
      copydesk staff clear-allowlist --tenant aurora --email omar@example.com
    """
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        user_id = None if email is None else find_person(session, email).id
        cleared = clear_networks(session, user_id)
        subject = "staff" if user_id is None else f"user:{user_id}"
        record(session, tenant_id, OPERATOR, "allowlist.cleared", subject, at=utc_now(), before={"entries": cleared})
    whose = email or "the staff"
    click.echo(f"took {cleared} networks off the list of {whose}: every address is allowed now", err=as_json)
    if as_json:
        print_json({"tenant": tenant, "email": email, "cleared": cleared})
    return 0


def _change(
    runtime: Runtime,
    tenant: str,
    email: str,
    *,
    as_json: bool,
    add: set[str] | None = None,
    take: set[str] | None = None,
) -> int:
    tenant_id = brand_id(runtime, tenant)
    with runtime.db.tenant(tenant_id) as session:
        person = find_person(session, email)
        had = next((set(one.roles) for one in members(session) if one.user_id == person.id), set())
        wanted = (had | (add or set())) - (take or set())
        giver = by_command_line(OPERATOR)
        changed = set_roles(session, tenant_id, runtime.identity_vault, giver, person.id, wanted, at=utc_now())
    names = ", ".join(changed.roles) or "no role"
    return _told(f"{email} has {names} on {tenant} now", person, {"roles": list(changed.roles)}, as_json=as_json)


def _told(sentence: str, person: Person, facts: dict[str, Any], *, as_json: bool) -> int:
    click.echo(sentence, err=as_json)
    if as_json:
        print_json({"user_id": person.id, "email": person.email, **facts})
    return 0
