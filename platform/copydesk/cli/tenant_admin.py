"""`copydesk tenant admin`: who looks after a brand, beginning with its owner."""

from __future__ import annotations

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.staff import send_invitation
from copydesk.cli.tenant_brand import DRY_RUN, configured, number_of
from copydesk.identity.access import STAFF_ROLES
from copydesk.identity.access.team import members
from copydesk.identity.addresses import plain_email
from copydesk.identity.invitations import open_invites
from copydesk.kernel import utc_now


@click.group("admin")
def command() -> None:
    """Invite who looks after a brand; `copydesk staff` does everything else with them.

    \b
    Example:
      copydesk tenant admin invite aurora --email mara@example.com
    """


@command.command("invite")
@SLUG
@click.option("--email", required=True, help="Where the invitation goes.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=("owner",),
    show_default=True,
    metavar="ROLE",
    help=f"A role: {', '.join(STAFF_ROLES)}, or one of the brand's own. May stand several times.",
)
@DRY_RUN
@on_installation
def invite(runtime: Runtime, slug: str, email: str, roles: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Invite somebody by a mail with a link that is good for seven days: the brand's owner unless told otherwise.

    Whoever has these roles, or is invited to them already, is not invited again.

    \b
    Examples:
      copydesk tenant admin invite aurora --email mara@example.com
      copydesk tenant admin invite aurora --email omar@example.com --role risk --role support
    """
    configured(runtime, slug)
    address, number = plain_email(email), number_of(runtime, slug)
    standing = _standing(runtime, number, address, frozenset(roles))
    changed = not standing and not dry_run
    if standing:
        click.echo(f"{address} {standing}; nothing to do", err=as_json)
    elif dry_run:
        click.echo(f"would invite {address} to {slug} as {', '.join(roles)}", err=as_json)
    else:
        send_invitation(runtime, slug, number, address, roles)
        said = f"invited {address} to {slug} as {', '.join(roles)}; the mail leaves as soon as the sites run"
        click.echo(said, err=as_json)
    if as_json:
        print_json({"tenant": slug, "email": address, "roles": list(roles), "changed": changed, "dry_run": dry_run})
    return 0


def _standing(runtime: Runtime, number: int, address: str, roles: frozenset[str]) -> str:
    """Say what somebody is already, if that is what is asked for."""
    with runtime.db.tenant(number) as session:
        if any(one.email == address and roles <= set(one.roles) for one in members(session)):
            return "has these roles already"
        for one in open_invites(session, at=utc_now()):
            if one.email == address and roles == set(one.grants or [str(one.role)]):
                return f"is invited until {one.expires_at:%Y-%m-%d %H:%M} UTC"
    return ""
