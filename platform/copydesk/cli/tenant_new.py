"""`copydesk tenant new`: from a slug, or a few answers, to a branded site that is being served."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import PORT
from copydesk.cli.tenant_answers import Given, require_slug
from copydesk.cli.tenant_arrival import Arrival, arrive
from copydesk.cli.tenant_brand import configured
from copydesk.cli.tenant_colors import corrections_of
from copydesk.cli.tenant_draft import Draft, judged, put_into_place, refusal
from copydesk.cli.tenant_ground import ground_of, grounds_of
from copydesk.cli.tenant_likeness import differences
from copydesk.cli.tenant_source import Source, draft_of, source_of
from copydesk.kernel import InvalidInput
from copydesk.tenancy import TENANT_FILE, Tenant, missing_secrets

_MANY: Mapping[str, Any] = {"multiple": True, "metavar": "A[,B]"}
_OPTIONS = (
    click.option("--name", help="Name of the brand [default: from the slug]."),
    click.option("--tagline", help="One line under the name [default: a neutral one in the first locale]."),
    click.option("--host", "hosts", **_MANY, help="Where it is served [default: SLUG.localhost]."),
    click.option("--theme", help="A folder of themes/ [default: core]."),
    click.option("--color", help='The brand color, such as "#0f766e" [default: the theme\'s].'),
    click.option("--logo", type=click.Path(path_type=Path), help="An svg, png or webp file [default: a monogram]."),
    click.option("--locale", "locales", **_MANY, help="Its languages, the default first [default: en]."),
    click.option("--markets", **_MANY, help="BTC/USDT, or BTC/USDT:USDT for a perpetual [default: BTC, ETH]."),
    click.option("--exchange", "exchanges", **_MANY, help="okx, okx-lab or okx-live [default: all four]."),
    click.option("--time-zone", help="An IANA name [default: UTC]."),
    click.option("--currency", help="Currency of account [default: what the markets are quoted in]."),
    click.option("--from", "source", type=click.Path(path_type=Path), help="Answers, or a whole tenant.yaml."),
    click.option("--port", type=PORT, help="Port of the running sites [default: as `copydesk up` was told]."),
    click.option("--dry-run", is_flag=True, help="Show the file and what would be done; change nothing."),
)


def _with_options(act: Any) -> Any:
    for option in reversed(_OPTIONS):
        act = option(act)
    return act


@click.command("new")
@click.argument("slug", required=False)
@_with_options
@on_installation
def command(
    runtime: Runtime, slug: str | None, source: Path | None, port: int | None, dry_run: bool, as_json: bool, **told: Any
) -> int:
    """Make a brand: a folder in tenants/ with a checked file, registered, and served without a restart.

    On a terminal and without any answer it asks for each. A second run with the same answers changes nothing.

    \b
    Examples:
      copydesk tenant new
      copydesk tenant new demo3 --host demo3.localhost --theme obsidian --locale es --markets BTC/USDT,ETH/USDT
      copydesk tenant new dawn --from answers.yaml --logo dawn.svg --dry-run
    """
    began = time.monotonic()
    given, wanted = _given(told), source_of(source) if source else Source()
    if slug is None or (given.nothing and source is None and sys.stdin.isatty()):
        slug, given = _asked(runtime, slug)
    if (runtime.places.tenants / require_slug(slug) / TENANT_FILE).is_file():
        tenant = _there_already(runtime, slug, given, wanted)
        created = False
    else:
        draft = draft_of(slug, given, wanted, ground_of(runtime))
        if dry_run:
            return _shown(runtime, draft, as_json=as_json)
        put_into_place(draft, grounds_of(runtime))
        runtime.directory.refresh()
        tenant = configured(runtime, slug)
        created = True
        click.echo(f"made {tenant.path}", err=as_json)
    arrival = arrive(runtime, tenant, port, dry_run=dry_run)
    return _told(runtime, tenant, arrival, created=created, took_s=time.monotonic() - began, as_json=as_json)


def _given(told: dict[str, Any]) -> Given:
    lists = {name: _listed(told[name]) for name in ("hosts", "locales", "markets", "exchanges")}
    return Given(**{**told, **lists})


def _listed(values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Read an option that may stand several times, or once with commas."""
    found = tuple(item.strip() for value in values for item in value.split(",") if item.strip())
    return found or None


def _asked(runtime: Runtime, slug: str | None) -> tuple[str, Given]:
    if not sys.stdin.isatty():
        raise InvalidInput("slug: expected the brand's, found none (on a terminal it is asked for)")
    from copydesk.cli.tenant_wizard import ask

    return ask(slug, ground_of(runtime), grounds_of(runtime))


def _there_already(runtime: Runtime, slug: str, given: Given, source: Source) -> Tenant:
    """Return the brand, where it is what was asked for; raises InvalidInput naming what differs."""
    tenant = runtime.directory.by_slug(slug)
    if tenant is None:
        raise InvalidInput(f"{slug} is there already, and its file is wrong: `copydesk tenant check {slug}` says where")
    found = differences(tenant, given, source)
    if found:
        raise InvalidInput(
            f"{slug} is there already, with another {', another '.join(found)}: change it with "
            f"`copydesk tenant apply {slug} --set …` or in {tenant.path}"
        )
    return tenant


def _shown(runtime: Runtime, draft: Draft, *, as_json: bool) -> int:
    found = judged(draft, grounds_of(runtime))
    if not isinstance(found, Tenant):
        raise refusal(found)
    click.echo(draft.text, err=as_json, nl=False)
    place = runtime.places.tenants / draft.slug
    names = ", ".join([TENANT_FILE, *sorted(draft.files)])
    click.echo(f"\nwould make {place} with {names}; nothing was changed", err=as_json)
    if as_json:
        print_json({"tenant": draft.slug, "dry_run": True, "path": str(found.path), "text": draft.text})
    return 0


def _told(runtime: Runtime, tenant: Tenant, arrival: Arrival, *, created: bool, took_s: float, as_json: bool) -> int:
    """Say where the brand is and what comes next; exit code 1 where sites run and do not serve it."""
    stored = runtime.secrets.names(tenant.slug)
    missing = [one.found for one in missing_secrets(tenant, lambda name: name in stored)]
    corrections = [str(one) for one in corrections_of(tenant, runtime.places.themes)]
    if not created:
        click.echo(f"{tenant.slug} is there already, as asked for; nothing to do", err=as_json)
    for line in (*arrival.lines, *(f"note: {one}" for one in corrections)):
        click.echo(line, err=as_json)
    steps = {f"copydesk tenant admin invite {tenant.slug} --email …": "invite the owner"}
    steps |= {
        f"copydesk tenant secret set {tenant.slug} {one.split()[-1]}": "store what the file refers to"
        for one in missing
    }
    steps |= {f"copydesk tenant doctor {tenant.slug}": "try everything it needs, live"}
    if created:
        click.echo("next:", err=as_json)
        show.facts({f"  {step}": why for step, why in steps.items()}, err=as_json)
    if as_json:
        told = {"tenant": tenant.slug, "created": created, "path": str(tenant.path), "urls": arrival.urls}
        told |= {"running": arrival.running, "served": arrival.served, "seconds": round(took_s, 1)}
        print_json(told | {"corrections": corrections, "next": list(steps)})
    return 0 if arrival.served or not arrival.running else 1
