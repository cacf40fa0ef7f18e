"""`copydesk tenant apply`: set values of a brand from the command line, or take its changed file into service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import PORT, SLUG
from copydesk.cli.tenant_arrival import arrive, await_others
from copydesk.cli.tenant_brand import DRY_RUN, changeable, configured, number_of
from copydesk.cli.yaml_text import written
from copydesk.kernel import InvalidInput, utc_now
from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import Kind, override_key
from copydesk.tenancy.document import parse_document, read_document
from copydesk.tenancy.overlay import difference, same
from copydesk.tenancy.weighing import effective

AUTHOR = "command line"
_TEXTS = {Kind.TEXT, Kind.COLOR, Kind.FILE, Kind.HOST, Kind.LOCALE, Kind.TIME_ZONE, Kind.SECRET, Kind.CHOICE}


@click.command("apply")
@SLUG
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Set a key; may stand several times.")
@click.option("--unset", "unsets", multiple=True, metavar="KEY", help="Let the file hold again for a key.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A YAML file of keys to set.")
@click.option("--rollback", type=int, metavar="REVISION", help="Go back to the values of a revision; 0: the file's.")
@click.option("--reason", default="set from the command line", show_default=True, help="Why; kept with the revision.")
@click.option("--port", type=PORT, help="Port of the running sites [default: as `copydesk up` was told].")
@DRY_RUN
@on_installation
def command(
    runtime: Runtime,
    slug: str,
    sets: tuple[str, ...],
    unsets: tuple[str, ...],
    source: Path | None,
    rollback: int | None,
    reason: str,
    port: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make a revision of a brand's settings, as its panel would, and wait until every process runs it.

    What is set here stands above the brand's file; `copydesk tenant adopt` writes it down there. Without anything to
    set, the file is looked at anew and waited for: a wrong one is refused with place and reason.

    \b
    Examples:
      copydesk tenant apply aurora
      copydesk tenant apply aurora --set brand.colors.brand="#0f766e" --set locales=en,de,tr
      copydesk tenant apply aurora --unset brand.colors.brand
      copydesk tenant apply aurora --from changes.yaml --reason "autumn campaign" --dry-run
      copydesk tenant apply aurora --rollback 3
    """
    wanted = dict(_from_file(runtime, source)) if source else {}
    wanted |= {key: value for one in sets for key, value in _set(runtime, one)} | dict.fromkeys(unsets)
    if wanted and rollback is not None:
        raise InvalidInput("--rollback: expected it alone, found values to set besides")
    if wanted or rollback is not None:
        runtime.db.require_safe_role()
        tenant = changeable(runtime, slug)
    else:
        tenant = configured(runtime, slug)
        _require_no_problem(runtime, slug)
    if rollback is not None:
        wanted = _back_to(runtime, tenant, rollback)
    changes = {key: value for key, value in wanted.items() if _moves(runtime, tenant, key, value)}
    fresh = runtime.settings_desk.check(tenant, changes, by_operator=True) if changes else tenant
    _show(runtime, tenant, fresh, changes, as_json=as_json)
    revision = _published(runtime, tenant, changes, reason, rollback) if changes and not dry_run else None
    said = "nothing was changed" if dry_run else f"revision {revision} holds" if revision else "nothing to do"
    click.echo(f"{slug}: {said}", err=as_json)
    served = None if dry_run else _awaited(runtime, slug, port, as_json=as_json)
    if as_json:
        told = {"tenant": slug, "changed": bool(revision), "dry_run": dry_run, "revision": revision, "served": served}
        print_json(told | {"changes": sorted(changes)})
    return 1 if served is False else 0


def _require_no_problem(runtime: Runtime, slug: str) -> None:
    """Refuse to wait for a configuration that would not be served."""
    for error in runtime.directory.problems(slug):
        raise InvalidInput(str(error))


def _set(runtime: Runtime, text: str) -> Iterator[tuple[str, object]]:
    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign:
        raise InvalidInput(f"--set: expected KEY=VALUE, found {text!r}")
    known = override_key(key, runtime.settings)
    if known is not None and known.kind in _TEXTS and not known.many:
        yield key, value
        return
    document = parse_document(f"value: {value}\n")
    if document.problems or not isinstance(document.data, dict):
        raise InvalidInput(f"--set {key}: expected a value as YAML has it, found {value!r}")
    found = document.data["value"]
    if known is not None and (known.many or known.kind is Kind.LINES) and isinstance(found, str | int):
        found = [item.strip() for item in value.split(",") if item.strip()]
    if found is None:  # "null", or what YAML takes for a comment: nothing is set to nothing.
        found = value
    if known is None and isinstance(found, dict):
        yield from _leaves(runtime, found, f"{key}.")
    else:
        yield key, found


def _from_file(runtime: Runtime, path: Path) -> Iterator[tuple[str, object]]:
    document = read_document(path)
    if document.problems or not isinstance(document.data, dict):
        first = document.problems[0] if document.problems else None
        said = f"expected {first.expected}, found {first.found}" if first else "expected a map of keys"
        raise InvalidInput(f"{path}:{first.line if first else 1}: {said}")
    yield from _leaves(runtime, document.data, "")


def _leaves(runtime: Runtime, node: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in node.items():
        key = f"{prefix}{name}"
        if override_key(key, runtime.settings) is None and isinstance(value, dict):
            yield from _leaves(runtime, value, f"{key}.")
        else:
            yield key, value


def _moves(runtime: Runtime, tenant: Tenant, key: str, value: object) -> bool:
    """Tell whether a change is one: an override that goes, or a value that does not hold yet."""
    if value is None:
        return key in tenant.overrides.values
    return not same(effective(tenant, key, runtime.settings), value)


def _show(runtime: Runtime, before: Tenant, after: Tenant, changes: Mapping[str, object], *, as_json: bool) -> None:
    values = [(key, *(effective(one, key, runtime.settings) for one in (before, after))) for key in sorted(changes)]
    rows = [(key, written(was), written(now)) for key, was, now in values]
    if rows:
        show.table(("key", "before", "after"), rows, err=as_json)


def _back_to(runtime: Runtime, tenant: Tenant, rollback: int) -> dict[str, object]:
    """Return what a rollback changes."""
    values: Mapping[str, object] = {}
    if rollback:
        with runtime.db.tenant(number_of(runtime, tenant.slug)) as session:
            values = runtime.settings_desk.revision(session, rollback).values
    return dict(difference(tenant.overrides.values, values))


def _published(
    runtime: Runtime, tenant: Tenant, changes: Mapping[str, object], reason: str, rollback: int | None
) -> int:
    told: dict[str, Any] = {"actor": OPERATOR, "author": AUTHOR, "reason": reason, "at": utc_now()}
    desk = runtime.settings_desk
    with runtime.db.tenant(number_of(runtime, tenant.slug)) as session:
        if rollback is not None:
            return desk.rollback(session, tenant, rollback, **told, by_operator=True).id
        expected = tenant.overrides.revision
        return desk.change(session, tenant, changes, **told, expected_revision=expected, by_operator=True).id


def _awaited(runtime: Runtime, slug: str, port: int | None, *, as_json: bool) -> bool | None:
    """Wait until everything that runs runs what holds now; None where nothing does."""
    runtime.directory.refresh()
    tenant = configured(runtime, slug)
    arrival = arrive(runtime, tenant, port)
    for line in arrival.lines:
        click.echo(line, err=as_json)
    if not arrival.running:
        return None
    others = await_others(runtime) if arrival.served else []
    for one in others:
        click.echo(f"{one.role} (process {one.pid}) runs another configuration: see `copydesk status`", err=as_json)
    if arrival.served and not others:
        click.echo(f"every process runs {tenant.revision_hash}", err=as_json)
    return arrival.served and not others
