"""`copydesk tenant remove`: a brand goes for good. Its archive is written first, and is all that stays of it.

Each step may be the last that happened: a second run goes on where the first one was cut off.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.parcels import depot
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json, tenant_file
from copydesk.cli.options import PORT, SLUG
from copydesk.cli.tenant_arrival import await_farewell
from copydesk.cli.tenant_brand import DRY_RUN, registered
from copydesk.cli.tenant_parcel import asked_passphrase, owner_url
from copydesk.cli.tenant_standing import lift_orphaned, stop_opens
from copydesk.kernel import ConfigError, InvalidInput, Refused, utc_now
from copydesk.parcel import erase_tenant, export_tenant
from copydesk.replication.oversight import open_instruments

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True)
class _Leaving:
    """A brand that goes: its number where it is registered, its folder where that is there, what is held still."""

    slug: str
    number: int | None
    folder: Path | None
    held: tuple[str, ...] = ()
    host: str = ""

    @property
    def gone(self) -> bool:
        return self.number is None and self.folder is None


@click.command("remove")
@SLUG
@click.option("--yes-remove", metavar="SLUG", help="The slug once more, instead of being asked for it.")
@click.option("--to", type=_FILE, metavar="FILE", help="Where the archive goes [default: var/archive/SLUG-….parcel].")
@click.option("--passphrase-file", type=_FILE, metavar="FILE", help="Read the archive's passphrase from a file.")
@click.option("--force-detached", is_flag=True, help="Leave open positions to their followers, for good.")
@click.option("--port", type=PORT, help="Port of the running sites [default: as `copydesk up` was told].")
@DRY_RUN
@on_installation
def command(
    runtime: Runtime,
    slug: str,
    yes_remove: str | None,
    to: Path | None,
    passphrase_file: Path | None,
    force_detached: bool,
    port: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Archive a brand, then take away its folder, its secrets, its mail and every row of it, its record included.

    The archive is what `copydesk tenant export` writes, the record and every key in it; `copydesk tenant import` brings
    the brand back. While followers hold positions the brand stays, since nobody would close them any more:
    --force-detached leaves them on the followers' own exchange accounts. The schema's owner is needed, as for migrate.

    \b
    Examples:
      copydesk tenant remove demo3 --dry-run
      copydesk tenant remove demo3 --yes-remove demo3 --passphrase-file passphrase.txt --json
    """
    leaving = _looked_up(runtime, slug)
    if leaving.gone:
        if not _ever(runtime, slug):
            tenant_file(runtime.places, slug)
        if not dry_run:
            _sweep(runtime, slug)
        click.echo(f"{slug} is gone already; nothing to do", err=as_json)
        return _done(slug, as_json=as_json, changed=False)
    place = to or runtime.places.var / "archive" / f"{slug}-{utc_now():%Y%m%d-%H%M%S}.parcel"
    _require_removable(runtime, leaving, detached=force_detached)
    _announce(leaving, place, as_json=as_json)
    if dry_run:
        click.echo("nothing was changed", err=as_json)
        return _done(slug, as_json=as_json, changed=False, dry_run=True, archive=str(place))
    _require_agreed(slug, yes_remove)
    rows = _removed(runtime, leaving, place, passphrase_file, port, detached=force_detached)
    click.echo(f"{slug} is gone, {sum(rows.values())} rows of {len(rows)} tables; its archive is {place}", err=as_json)
    return _done(slug, as_json=as_json, changed=True, archive=str(place), rows=dict(rows))


def _looked_up(runtime: Runtime, slug: str) -> _Leaving:
    runtime.db.require_safe_role()
    folder = runtime.places.tenants / slug
    number = registered(runtime, slug)
    held: tuple[str, ...] = ()
    if number is not None:
        with runtime.db.tenant(number) as session:
            held = tuple(f"{symbol} on {venue}-{env}" for venue, env, symbol in open_instruments(session))
    tenant = runtime.directory.by_slug(slug)
    return _Leaving(slug, number, folder if folder.is_dir() else None, held, tenant.hosts[0] if tenant else "")


def _require_removable(runtime: Runtime, leaving: _Leaving, *, detached: bool) -> None:
    if leaving.number is not None and not owner_url(runtime):
        raise ConfigError("the environment variable DATABASE_OWNER_URL is not set; only the schema's owner erases rows")
    if leaving.held and not detached:
        raise Refused(
            f"{leaving.slug}: followers hold {', '.join(leaving.held)}, which nobody would close any more: "
            f"`copydesk risk switch on --tenant {leaving.slug} --all --stops all` closes them; or --force-detached"
        )


def _announce(leaving: _Leaving, place: Path, *, as_json: bool) -> None:
    told: Mapping[str, object] = {
        "brand": leaving.slug,
        "folder": leaving.folder or "gone already",
        "rows": "all, its record included" if leaving.number is not None else "none",
        "archive": place if leaving.number is not None else "none: there are no rows",
        "held": leaving.held or "nothing",
    }
    show.facts(told, err=as_json)


def _require_agreed(slug: str, typed: str | None) -> None:
    if typed is None:
        typed = str(click.prompt(f"Type {slug} to remove it", default="", show_default=False, err=True))
    if typed != slug:
        raise InvalidInput(f"expected {slug}, to remove it, found {typed or 'nothing'}")


def _removed(
    runtime: Runtime, leaving: _Leaving, place: Path, passphrase_file: Path | None, port: int | None, *, detached: bool
) -> Mapping[str, int]:
    slug, number = leaving.slug, leaving.number
    if number is not None:
        passphrase = asked_passphrase(passphrase_file, new=True)
        stop_opens(runtime, number, "it is being removed")
        _require_removable(runtime, _looked_up(runtime, slug), detached=detached)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with show.progress(f"writing {place}"):
            export_tenant(depot(runtime), slug, passphrase, place, at=utc_now())
    if _hide(leaving) and leaving.host:
        with show.progress(f"waiting until the sites serve {slug} no more"):
            await_farewell(runtime, leaving.host, port)
    rows = erase_tenant(owner_url(runtime), number).rows if number is not None else {}
    _sweep(runtime, slug)
    return rows


def _sweep(runtime: Runtime, slug: str) -> None:
    """Take away what lies about of a brand that is in no table any more."""
    lift_orphaned(runtime)
    runtime.secrets.forget(slug)
    places = runtime.places
    for folder in (places.tenants / f".removed-{slug}", places.var / "mail" / slug, places.var / "sms" / slug):
        shutil.rmtree(folder, ignore_errors=True)


def _hide(leaving: _Leaving) -> bool:
    """Move the brand's folder out of every process's sight, before its rows go; tell whether there was one."""
    if leaving.folder is None:
        return False
    hidden = leaving.folder.with_name(f".removed-{leaving.slug}")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        leaving.folder.rename(hidden)
    except OSError as error:
        raise ConfigError(f"{leaving.folder} cannot be taken away: {(error.strerror or str(error)).lower()}") from None
    return True


def _ever(runtime: Runtime, slug: str) -> bool:
    """Tell whether there was such a brand: its archive says so."""
    return any((runtime.places.var / "archive").glob(f"{slug}-*.parcel"))


def _done(slug: str, *, as_json: bool, changed: bool, dry_run: bool = False, **told: object) -> int:
    if as_json:
        print_json({"tenant": slug, "changed": changed, "dry_run": dry_run, **told})
    return 0
