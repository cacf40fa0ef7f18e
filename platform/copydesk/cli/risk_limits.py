"""`copydesk risk limits`, `profile` and `explain`: set limits, pick named sets of them, and see which hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import on_brand
from copydesk.cli.installation import print_json
from copydesk.cli.limit_desk import LimitDesk, Whose, set_json, told
from copydesk.cli.risk_history import history_json, history_lines, read_history
from copydesk.db import TenantSession
from copydesk.kernel import utc_now
from copydesk.risk.grammar import text_of
from copydesk.risk.profiles import Profile
from copydesk.risk.sentences import english
from copydesk.risk.service import choose_profile, clear_limit, profile_of, set_limit
from copydesk.risk.store import LimitOwner, limits_set

_F = TypeVar("_F", bound=Callable[..., Any])

_WHOSE = (
    click.option("--strategy", help="The trader's limit on one strategy, by its slug."),
    click.option("--account", type=int, help="A limit on all of one account together, by its number."),
    click.option("--subscription", type=int, help="A follower's limit on one subscription, by its number."),
)
_PROFILES = click.Choice([profile.value for profile in Profile])


def _on_whom(command: _F) -> _F:
    for option in reversed(_WHOSE):
        command = option(command)
    return command


@click.group("limits")
def limits() -> None:
    """Limits on orders and equity, one line each: the tighter holds, whoever set it. Closing orders are never limited.

    \b
    Examples:
      copydesk risk limits show --tenant aurora
      copydesk risk limits set --tenant aurora --subscription 17 --by Mara "order > 10 % of equity -> shrink"
      copydesk risk limits clear --tenant aurora --subscription 17 "order > 10 % of equity -> shrink"
    """


@limits.command("show")
@_on_whom
@on_brand
def show(runtime: Runtime, tenant: str, as_json: bool, **whose: Any) -> int:
    """List the limits that were set for the brand, one strategy, one account or one subscription.

    \b
    Examples:
      copydesk risk limits show --tenant aurora
      copydesk risk limits show --tenant aurora --strategy steady --json
    """
    desk = LimitDesk(runtime, tenant)
    with runtime.db.tenant(desk.tenant_id) as session:
        owner = desk.owner(session, Whose(**whose))
        found = limits_set(session, owner)
    files = desk.of_files(owner)
    for line in files:
        click.echo(f"{line}   [file]", err=as_json)
    for one in found:
        click.echo(f"{one.line}   [{one.author}, {one.at:%Y-%m-%d %H:%M} UTC]", err=as_json)
    if not (files or found):
        click.echo("no limits", err=True)
    if as_json:
        print_json({"scope": owner.scope, "id": owner.id, "files": files, "limits": set_json(found)})
    return 0


@limits.command("set")
@_on_whom
@click.argument("line")
@click.option("--by", required=True, metavar="NAME", help="Who sets it.")
@on_brand
def set_(runtime: Runtime, tenant: str, line: str, by: str, as_json: bool, **whose: Any) -> int:
    """Set one limit, in place of one that says the same with another number. Refused beyond the brand's or platform's.

    \b
    Examples:
      copydesk risk limits set --tenant aurora --by Mara "loss > 5 % of equity per day -> block_opens"
      copydesk risk limits set --tenant aurora --by Mara --account 12 "exposure > 200 % of equity -> shrink"
    """
    desk = LimitDesk(runtime, tenant)
    with runtime.db.tenant(desk.tenant_id) as session:
        owner = desk.owner(session, Whose(**whose))
        said = set_limit(session, desk.ground_for(session, owner), owner, line, author=by)
        _note(session, "limit.set", owner, {"line": said, "by": by})
    click.echo(f"{said}   [{owner.scope}]", err=as_json)
    if as_json:
        print_json({"ok": True, "scope": owner.scope, "id": owner.id, "line": said})
    return 0


@limits.command("clear")
@_on_whom
@click.argument("line")
@on_brand
def clear(runtime: Runtime, tenant: str, line: str, as_json: bool, **whose: Any) -> int:
    """Take one limit back.

    \b
    Example:
      copydesk risk limits clear --tenant aurora --strategy steady "positions > 5 -> block_opens"
    """
    desk = LimitDesk(runtime, tenant)
    with runtime.db.tenant(desk.tenant_id) as session:
        owner = desk.owner(session, Whose(**whose))
        said = clear_limit(session, owner, line)
        _note(session, "limit.cleared", owner, {"line": said})
    click.echo(f"taken back: {said}   [{owner.scope}]", err=as_json)
    if as_json:
        print_json({"ok": True, "scope": owner.scope, "id": owner.id, "line": said})
    return 0


@click.group("profile")
def profile() -> None:
    """Named sets of limits: a follower picks one and is done. A brand's file may write them anew.

    \b
    Examples:
      copydesk risk profile list --tenant aurora
      copydesk risk profile show balanced --tenant aurora
      copydesk risk profile choose 17 balanced --tenant aurora
    """


@profile.command("list")
@on_brand
def list_(runtime: Runtime, tenant: str, as_json: bool) -> int:
    """List a brand's profiles, and how many limits each has.

    \b
    Example:
      copydesk risk profile list --tenant aurora
    """
    desk = LimitDesk(runtime, tenant)
    found = {str(each): [text_of(limit) for limit in profile_of(desk.ground, each)] for each in Profile}
    for name, lines in found.items():
        click.echo(f"{name}: {len(lines)} limits", err=as_json)
    if as_json:
        print_json({"profiles": found})
    return 0


@profile.command("show")
@click.argument("name", type=_PROFILES)
@on_brand
def show_profile(runtime: Runtime, tenant: str, name: str, as_json: bool) -> int:
    """Show each limit of a profile, and what it does in plain words.

    \b
    Example:
      copydesk risk profile show conservative --tenant aurora
    """
    found = profile_of(LimitDesk(runtime, tenant).ground, Profile(name))
    for limit in found:
        click.echo(f"{text_of(limit)}\n    {english(limit)}", err=as_json)
    if as_json:
        print_json({"profile": name, "limits": [{"line": text_of(one), "sentence": english(one)} for one in found]})
    return 0


@profile.command("choose")
@click.argument("subscription", type=int)
@click.argument("name", type=_PROFILES)
@on_brand
def choose(runtime: Runtime, tenant: str, subscription: int, name: str, as_json: bool) -> int:
    """Give a subscription the limits of a profile, in place of another profile's. What was set by hand stays.

    \b
    Example:
      copydesk risk profile choose 17 conservative --tenant aurora
    """
    desk = LimitDesk(runtime, tenant)
    with runtime.db.tenant(desk.tenant_id) as session:
        owner = desk.owner(session, Whose(subscription=subscription))
        lines = choose_profile(session, desk.ground, subscription, Profile(name))
        _note(session, "limit.profile_chosen", owner, {"profile": name})
    click.echo(f"Subscription {subscription} has the profile {name}: {len(lines)} limits.", err=as_json)
    if as_json:
        print_json({"ok": True, "subscription": subscription, "profile": name, "lines": lines})
    return 0


@click.command("explain")
@click.argument("subscription", type=int)
@on_brand
def explain(runtime: Runtime, tenant: str, subscription: int, as_json: bool) -> int:
    """Show every limit that holds for a subscription: what it does, whose it is, what it overrules, how far it is.

    Then what was done because of limits, its account's and its strategy's too, and news of the strategy.

    \b
    Examples:
      copydesk risk explain 17 --tenant aurora
      copydesk risk explain 17 --tenant aurora --json
    """
    desk = LimitDesk(runtime, tenant)
    with runtime.db.tenant(desk.tenant_id) as session:
        chosen, found = desk.explain(session, subscription)
        history = read_history(session, subscription)
    click.echo(f"Subscription {subscription}, profile {chosen or 'none'}, {len(found)} limits", err=as_json)
    for one in found:
        for line in told(one):
            click.echo(line, err=as_json)
    for line in history_lines(history):
        click.echo(line, err=as_json)
    if as_json:
        limits = [asdict(one) for one in found]
        print_json({"subscription": subscription, "profile": chosen, "limits": limits, **history_json(history)})
    return 0


def _note(session: TenantSession, act: str, owner: LimitOwner, after: dict[str, str]) -> None:
    """Write into the brand's record what was done on the command line."""
    subject = f"{owner.scope}:{owner.id}"
    record(session, session.tenant_id, OPERATOR, act, subject, at=utc_now(), after=after)
