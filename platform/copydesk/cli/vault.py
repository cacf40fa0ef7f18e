"""`copydesk vault`: turn keys while everything runs, and say where they lie."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.keyroom import key_files, keyroom, provider
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.kernel import ConfigError, InvalidInput, NotFound
from copydesk.vault import FileKeyStore, Purpose
from copydesk.vault.rotation import Resealed
from copydesk.vault.turns import (
    Keyroom,
    brand_state,
    count_master,
    every_tenant,
    require_none_older,
    rotate_brand,
    rotate_master,
)


@click.group("vault")
def command() -> None:
    """Turn keys while everything runs; say where they lie.

    Data keys seal exchange keys, second factors, phone numbers and mails, each brand's its own. A master key for each
    purpose wraps them: a file under var/, or a key of a key server (see vault.provider).

    \b
    Examples:
      copydesk vault status
      copydesk vault rotate-data-keys --tenant aurora
      copydesk vault rotate-master
    """


@command.command("status")
@on_installation
def status(runtime: Runtime, as_json: bool) -> None:
    """Say which versions there are, and how much lies under older ones; changes nothing and opens nothing.

    \b
    Examples:
      copydesk vault status
      copydesk vault status --json
    """
    room, tenants = keyroom(runtime), every_tenant(runtime.db)
    found = {
        "provider": provider(runtime),
        "masters": [_master(room, purpose, tenants) for purpose in Purpose],
        "brands": [
            {"tenant": slug, "purpose": purpose.value} | _brand(room, tenant_id, purpose)
            for slug, tenant_id in tenants.items()
            for purpose in Purpose
        ],
    }
    for line in _lines(found):
        click.echo(line, err=as_json)
    if as_json:
        print_json(found)


@command.command("rotate-data-keys")
@click.option("--tenant", "slug", help="The brand, by its slug.")
@click.option("--all", "every", is_flag=True, help="Every brand, and the pair that takes new exchange keys.")
@click.option("--resume", is_flag=True, help="Begin no new keys; bring what is left under the newest.")
@on_installation
def rotate_data_keys(runtime: Runtime, slug: str | None, every: bool, resume: bool, as_json: bool) -> int:
    """Begin new data keys and seal everything of a brand under them. Nothing stops meanwhile; older ones still open.

    Safe to interrupt: go on with --resume. Roles notice the new key within five minutes; run it with --resume after
    that, to catch what they sealed under the older one. Exits 1 when something does not open.

    \b
    Examples:
      copydesk vault rotate-data-keys --tenant aurora
      copydesk vault rotate-data-keys --all --json
      copydesk vault rotate-data-keys --all --resume
    """
    room, tenants = keyroom(runtime), _asked(every_tenant(runtime.db), slug, every=every)
    told: list[dict[str, Any]] = []
    for name, tenant_id in tenants.items():
        with _progress(name) as show:
            done = rotate_brand(room, tenant_id, name, resume=resume, told=show)
        told.append({"tenant": name, "moved": done.moved, "broken": done.broken})
        click.echo(_said(name, done), err=as_json)
    if every and not resume:
        click.echo(f"new exchange keys are sealed to pair {room.intake.turn()} from now on", err=as_json)
    if as_json:
        print_json({"brands": told})
    return 1 if any(one["broken"] for one in told) else 0


@command.command("rotate-master")
@click.option("--from", "former", type=click.Choice(["file"]), help="Take over keys that were wrapped by key files.")
@click.option("--drop-older", is_flag=True, help="Afterwards take older keys out of the key files.")
@on_installation
def turn_master(runtime: Runtime, former: str | None, drop_older: bool, as_json: bool) -> int:
    """Begin new master keys and wrap every data key by them. Nothing stops meanwhile, and older ones still open.

    With --from file the keys come over from the key files to the key server that the settings name now; start the
    roles with those settings within five minutes. A backup of the database needs the master keys of its time: keep
    older ones (without --drop-older) as long as you keep such backups. Exits 1 when something does not open.

    \b
    Examples:
      copydesk vault rotate-master
      copydesk vault rotate-master --from file
      copydesk vault rotate-master --drop-older --json
    """
    if former and provider(runtime) == "file":
        raise InvalidInput("--from file: the settings name key files, expected vault.provider: transit")
    room, tenants = keyroom(runtime), every_tenant(runtime.db)
    done = rotate_master(room, tenants, former=key_files(runtime) if former else _misplaced(room))
    dropped = _dropped(room, tenants) if drop_older else {}
    versions = {purpose.value: room.stores[purpose].newest() for purpose in Purpose}
    click.echo(
        f"{done.moved} keys wrapped anew, {done.kept} were already, {done.broken} do not open; "
        + ", ".join(f"{purpose} is at version {version}" for purpose, version in versions.items()),
        err=as_json,
    )
    for purpose, gone in dropped.items():
        click.echo(f"{purpose}: dropped {', '.join(map(str, gone)) or 'nothing'}", err=as_json)
    if as_json:
        print_json(done._asdict() | {"versions": versions, "dropped": dropped})
    return 1 if done.broken else 0


def _master(room: Keyroom, purpose: Purpose, tenants: dict[str, int]) -> dict[str, Any]:
    counted = count_master(room, purpose, tenants.values())
    store = room.stores[purpose]
    return {
        "purpose": purpose.value,
        "store": repr(store),
        "version": store.newest(),
        "wrapped": counted.values,
        "older": counted.older,
    }


def _brand(room: Keyroom, tenant_id: int, purpose: Purpose) -> dict[str, Any]:
    found = brand_state(room, tenant_id, purpose)
    return {"version": found.version, "values": found.values.values, "older": found.values.older}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for one in found["masters"]:
        yield (
            f"{one['purpose']}: {one['store']}, version {one['version']}; "
            f"{one['wrapped']} keys wrapped, {one['older']} by older versions"
        )
    for one in found["brands"]:
        yield (
            f"{one['tenant']} {one['purpose']}: data key {one['version']}; "
            f"{one['values']} values, {one['older']} under older keys"
        )


def _asked(tenants: dict[str, int], slug: str | None, *, every: bool) -> dict[str, int]:
    if every == (slug is not None):
        raise InvalidInput("expected --tenant or --all, one of them")
    if slug is None:
        return tenants
    if slug not in tenants:
        raise NotFound(f"there is no brand {slug}")
    return {slug: tenants[slug]}


def _said(name: str, done: Resealed) -> str:
    left = f"; {done.broken} do not open and stay as they were" if done.broken else ""
    return f"{name}: {done.moved} values sealed anew{left}"


def _misplaced(room: Keyroom) -> dict[Purpose, Any]:
    """Return what opens secrets that older installations wrapped by the exchange keys' master."""
    return {Purpose.IDENTITY: room.stores[Purpose.EXCHANGE]}


def _dropped(room: Keyroom, tenants: dict[str, int]) -> dict[str, list[int]]:
    require_none_older(room, tenants.values())
    dropped = {}
    for purpose, store in room.stores.items():
        if not isinstance(store, FileKeyStore):
            raise ConfigError("--drop-older is for key files; a key server drops versions by min_decryption_version")
        if store.newest():
            dropped[purpose.value] = store.drop_older()
    return dropped


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """Count on a terminal what was sealed anew."""
    done = [0]

    def show(moved: int) -> None:
        done[0] += moved
        if sys.stderr.isatty():
            click.echo(f"\r{what}: {done[0]} values", nl=False, err=True)

    yield show
    if done[0] and sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
