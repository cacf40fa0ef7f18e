"""`copydesk keys`: exchange keys of a brand, and the emergency exit that destroys them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TypeVar

import click

from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import brand_id, on_brand
from copydesk.cli.installation import print_json
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.keys import Gone, KeyHealth, Trouble, changed, publish
from copydesk.keys.revoke import Destroyed, destroy, revocable, tell_revoked, void_intakes
from copydesk.keys.store import keys_of
from copydesk.web.words import words

AT_ONCE = 500

T = TypeVar("T")


@click.group("keys")
def command() -> None:
    """Look at the exchange keys of a brand; revoke them, one or all.

    \b
    Examples:
      copydesk keys list --tenant aurora
      copydesk keys revoke --tenant aurora --account 17 --reason "owner asked"
      copydesk keys revoke --tenant aurora --all
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also accounts whose key is gone.")
@on_brand
def list_(runtime: Runtime, tenant: str, everything: bool, as_json: bool) -> int:
    """List a brand's connected keys with what their exchanges said of them; shows no key.

    \b
    Examples:
      copydesk keys list --tenant aurora
      copydesk keys list --tenant aurora --all --json
    """
    with runtime.db.tenant(brand_id(runtime, tenant)) as session:
        found = [one for one in keys_of(session) if one.connected or everything]
    for one in found:
        click.echo(_line(one), err=as_json)
    if not found:
        click.echo("no keys", err=True)
    if as_json:
        print_json({"keys": [asdict(one) for one in found]})
    return 0


@command.command("revoke")
@click.option("--account", "accounts", multiple=True, type=click.IntRange(1), help="An account's number; repeatable.")
@click.option("--all", "everything", is_flag=True, help="Every key of the brand, also those on their way in.")
@click.option("--reason", default="", metavar="TEXT", help="Kept in the record of who did what.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@on_brand
def revoke(
    runtime: Runtime,
    tenant: str,
    accounts: tuple[int, ...],
    everything: bool,
    reason: str,
    yes: bool,
    as_json: bool,
) -> int:
    """Destroy sealed keys for good: nothing is opened or closed with them by us from this moment on.

    Keys on their way in go first: all of the brand's, or those that are to renew one of the accounts. Running roles
    drop the keys that they hold at once; owners are written to, each act is recorded. What was copied stays at the
    exchanges: owners close it there, or connect a new key.

    \b
    Examples:
      copydesk keys revoke --tenant aurora --account 17 --account 18
      copydesk keys revoke --tenant aurora --all --reason "incident 4" --yes --json
    """
    tenant_id = brand_id(runtime, tenant)
    wanted = _wanted(runtime, tenant_id, accounts, everything=everything)
    if wanted and not yes and sys.stdin.isatty():
        click.confirm(f"Destroy {len(wanted)} keys of {tenant}? Nothing brings them back", abort=True, err=True)
    began_at = time.monotonic()
    # First, so that nothing comes in any more; what came in meanwhile is found after it.
    voided = _void(runtime, tenant_id, None if everything else wanted)
    gone = _destroy(runtime, tenant_id, None if everything else wanted, reason)
    destroyed_s = round(time.monotonic() - began_at, 3)
    told = _tell(runtime, tenant_id, gone)
    took_s = round(time.monotonic() - began_at, 3)
    said = f"{len(gone)} keys were destroyed in {destroyed_s:.1f} s, and {told} owners written to by {took_s:.1f} s."
    click.echo(said, err=as_json)
    if voided:
        click.echo(f"{voided} keys on their way in are destroyed, too.", err=as_json)
    if as_json:
        ids = [one.account_id for one in gone]
        times = {"destroyed_s": destroyed_s, "s": took_s}
        print_json({"ok": True, "destroyed": len(gone), "voided": voided, "told": told, **times, "accounts": ids})
    return 0


def _wanted(runtime: Runtime, tenant_id: int, accounts: tuple[int, ...], *, everything: bool) -> list[int]:
    if everything == bool(accounts):
        raise InvalidInput("name the accounts with --account, or say --all: expected one of the two")
    found = _left(runtime, tenant_id, None if everything else list(accounts))
    if missing := sorted(set(accounts) - set(found)):
        raise NotFound(f"no key is connected to account {', '.join(map(str, missing))}; nothing was revoked")
    return found


def _void(runtime: Runtime, tenant_id: int, wanted: list[int] | None) -> int:
    with runtime.db.tenant(tenant_id) as session:
        return void_intakes(session, utc_now(), account_ids=wanted, reason=Trouble.REVOKED)


def _destroy(runtime: Runtime, tenant_id: int, wanted: list[int] | None, reason: str) -> list[Gone]:
    """Destroy until none of those is left; None is every key of the brand, whoever asked how many there were."""
    gone: list[Gone] = []
    while left := _left(runtime, tenant_id, wanted):
        gone += _destroy_those(runtime, tenant_id, left, reason)
    return gone


def _left(runtime: Runtime, tenant_id: int, wanted: list[int] | None) -> list[int]:
    with runtime.db.tenant(tenant_id) as session:
        return revocable(session, wanted)


def _destroy_those(runtime: Runtime, tenant_id: int, wanted: list[int], reason: str) -> list[Gone]:
    """Destroy so many at a time that nobody waits long for a row; each part counts as soon as it is done."""
    gone: list[Gone] = []
    with click.progressbar(length=len(wanted), label="Destroying keys", file=sys.stderr) as bar:
        for part in _parts(wanted):
            with runtime.db.tenant(tenant_id) as session:
                done = destroy(session, part, Destroyed.REVOKED, actor=OPERATOR, at=utc_now(), note=reason)
            publish(runtime.redis, changed(tenant_id, [one.account_id for one in done]))
            gone += done
            bar.update(len(part))
    return gone


def _tell(runtime: Runtime, tenant_id: int, gone: list[Gone]) -> int:
    """Write to each owner once, however many keys they had."""
    first = list({one.user_id: one for one in reversed(gone)}.values())
    told = 0
    with click.progressbar(length=len(first), label="Writing to owners", file=sys.stderr) as bar:
        for part in _parts(first):
            with runtime.db.tenant(tenant_id) as session:
                told += tell_revoked(session, runtime.identity_vault, part, at=utc_now())
            bar.update(len(part))
    return told


def _parts(whole: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(whole)
    while part := list(islice(rest, AT_ONCE)):
        yield part


def _line(one: KeyHealth) -> str:
    place = f"account {one.account_id} {one.venue}-{one.environment} of user {one.user_id}"
    if not one.usable:
        return f"{place}: {one.status}, {words(one.reason or '', {'exchange': one.venue})}"
    if one.probed_at is None:
        return f"{place}: active, not asked about yet"
    bound = "bound to addresses" if one.ip_bound else "not bound to addresses"
    ends = "" if one.expires_at is None else f", ends {one.expires_at:%Y-%m-%d}"
    return f"{place}: active, {bound}{ends}, asked {one.probed_at:%Y-%m-%d %H:%M} UTC"
