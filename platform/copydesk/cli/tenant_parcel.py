"""`copydesk tenant export` and `import`: a whole brand as one encrypted file, from one installation to another."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.parcels import depot
from copydesk.cli.brand import brand_id, on_installation
from copydesk.cli.installation import print_json
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.parcel import Address, Arrival, Manifest, export_tenant, import_tenant, try_import
from copydesk.stack import PostgresServer, VarDir

_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSPHRASE = click.option(
    "--passphrase-file", type=_FILE, metavar="FILE", help="Read the passphrase from a file, its first line."
)


@click.command("export")
@click.argument("slug")
@click.option("--to", type=_FILE, metavar="FILE", help="Where to write it [default: SLUG.parcel in this folder].")
@_PASSPHRASE
@click.option("--dry-run", is_flag=True, help="Only say where it would be written.")
@on_installation
def export(
    runtime: Runtime, slug: str, to: Path | None, passphrase_file: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Put a whole brand into one encrypted file: folder, secrets, sealed keys, every row and its record.

    It is read as it is at one moment; suspend a brand that moves before. The passphrase is asked for, or read from a
    file or standard input, and never an argument. Without it nobody opens the file, we neither. Changes nothing.

    \b
    Examples:
      copydesk tenant export demo3
      copydesk tenant export demo3 --to /backup/demo3.parcel --passphrase-file passphrase.txt --json
    """
    brand_id(runtime, slug)
    place = to or Path(f"{slug}.parcel")
    if dry_run:
        click.echo(f"would write {slug} into {place}", err=as_json)
        if as_json:
            print_json({"ok": True, "tenant": slug, "file": str(place), "dry_run": True})
        return
    manifest = export_tenant(depot(runtime), slug, asked_passphrase(passphrase_file, new=True), place, at=utc_now())
    click.echo(f"{slug} is in {place}: {_said(manifest)}", err=as_json)
    if as_json:
        print_json({"ok": True, "file": str(place), "bytes": place.stat().st_size} | manifest.plain())


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--slug", default="", help="Under another name.")
@click.option("--host", "hosts", multiple=True, help="On another host; repeatable.")
@click.option("--active", is_flag=True, help="Serve and copy at once; the other installation has stopped.")
@_PASSPHRASE
@click.option("--dry-run", is_flag=True, help="Judge everything, write nothing.")
@on_installation
def import_(
    runtime: Runtime,
    file: Path,
    passphrase_file: Path | None,
    dry_run: bool,
    as_json: bool,
    **address: str | tuple[str, ...] | bool,
) -> None:
    """Bring a brand from a file that `copydesk tenant export` wrote: whole, or not at all.

    Everything is checked before anything is written: passphrase, every byte, revision of the database, name, hosts, the
    brand's file. Needs the schema's owner (DATABASE_OWNER_URL; with the embedded server nothing). The brand arrives
    suspended: two installations that copy for one brand would trade twice. Its links to the risk desk end.

    \b
    Examples:
      copydesk tenant import demo3.parcel
      copydesk tenant import demo3.parcel --slug demo4 --host demo4.example.com --dry-run
    """
    passphrase = asked_passphrase(passphrase_file)
    stock, where = depot(runtime, owner_url(runtime)), Address(**address)  # type: ignore[arg-type]
    if dry_run:
        arrival = try_import(stock, file, passphrase, address=where)
    else:
        arrival = import_tenant(stock, file, passphrase, address=where, at=utc_now())
    click.echo(_told(arrival, active=where.active, dry_run=dry_run), err=as_json)
    if as_json:
        told = {"tenant": arrival.slug, "fresh": arrival.fresh, "rows": dict(arrival.rows), "broken": arrival.broken}
        print_json({"ok": True, "dry_run": dry_run, "parcel": arrival.manifest.head.number} | told)


def owner_url(runtime: Runtime) -> str:
    """Return the database as the schema's owner: as the environment says, else that of the embedded server."""
    var = VarDir(runtime.places.var)
    if named := runtime.environ.get("DATABASE_OWNER_URL"):
        return named
    server = PostgresServer(var)
    return server.owner_url if runtime.require("DATABASE_URL") == server.url() else ""


def asked_passphrase(file: Path | None, *, new: bool = False) -> str:
    """Return the passphrase from a file, the terminal or standard input; raises InvalidInput, NotFound."""
    if file is not None:
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            raise NotFound(f"there is no file {file}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{file}: expected a passphrase on the first line, {error}") from None
    elif sys.stdin.isatty():
        return str(click.prompt("Passphrase of the parcel", hide_input=True, confirmation_prompt=new, err=True))
    else:
        lines = sys.stdin.read().splitlines()
    if not lines or not lines[0]:
        raise InvalidInput("expected a passphrase on the first line, found none")
    return lines[0]


def _said(manifest: Manifest) -> str:
    return f"{sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, record to line {manifest.audit_seq}"


def _told(arrival: Arrival, *, active: bool, dry_run: bool) -> str:
    if not arrival.fresh:
        return f"{arrival.slug} came from this parcel already; nothing to do"
    if dry_run:
        return f"{arrival.slug} can come in: {_said(arrival.manifest)}"
    broken = f"; {arrival.broken} sealed values did not open where it came from" if arrival.broken else ""
    following = (
        "" if active else f"\nIt is suspended; once nothing else serves it: copydesk tenant resume {arrival.slug}"
    )
    return f"{arrival.slug} is here: {_said(arrival.manifest)}{broken}{following}"
