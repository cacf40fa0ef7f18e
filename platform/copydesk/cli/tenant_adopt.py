"""`copydesk tenant adopt`: what a brand's panel has set goes into its file, and the file alone holds again.

At no moment does another value hold: the file is written while the panel's values still stand above it, and only then
does a revision take them away. Cut in between, everything is as before, and a second run ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import DRY_RUN, configured, number_of
from copydesk.cli.tenant_draft import Draft, files_beside, judged, refusal, replace_text, write_beside
from copydesk.cli.tenant_ground import grounds_of
from copydesk.cli.tenant_migrate import migrated, show_difference
from copydesk.cli.yaml_text import with_values
from copydesk.kernel import ConfigError, utc_now
from copydesk.tenancy import Tenant
from copydesk.tenancy.files import read_file

AUTHOR = "command line"
_STORED = "stored:"
_ASSETS = ("brand.logo", "brand.favicon", "brand.font")


@click.command("adopt")
@SLUG
@DRY_RUN
@on_installation
def command(runtime: Runtime, slug: str, dry_run: bool, as_json: bool) -> int:
    """Write what the panel has set into the brand's file, and take it away from the panel by a revision.

    Values that hold do not change. Comments of the file stay, but for those inside of a value that is replaced.

    \b
    Examples:
      copydesk tenant adopt aurora --dry-run
      copydesk tenant adopt aurora
    """
    runtime.db.require_safe_role()
    tenant = configured(runtime, slug)
    keys = sorted(tenant.overrides.values)
    if not keys:
        click.echo(f"{slug}: the panel has set nothing; nothing to do", err=as_json)
        return _done(slug, keys, None, dry_run=dry_run, as_json=as_json)
    files = _stored(runtime, tenant)
    before = tenant.path.read_text("utf-8-sig")
    text = with_values(migrated(tenant.path)[0], _values(tenant, files))
    _require_sound(runtime, tenant, text, files)
    show_difference(tenant.path, before, text, as_json=as_json)
    if dry_run:
        click.echo("nothing was changed", err=as_json)
        return _done(slug, keys, None, dry_run=True, as_json=as_json)
    write_beside(tenant.path, dict(files.values()))
    replace_text(tenant.path, text)
    revision = _take_away(runtime, slug, keys, expected=tenant.overrides.revision)
    click.echo(f"wrote {len(keys)} keys into {tenant.path}; revision {revision} leaves the file alone", err=as_json)
    return _done(slug, keys, revision, dry_run=False, as_json=as_json)


def _stored(runtime: Runtime, tenant: Tenant) -> dict[str, tuple[str, bytes]]:
    """Read the pictures that were uploaded, each with the name that it gets beside the file."""
    found = {}
    for key in _ASSETS:
        value = tenant.overrides.values.get(key)
        if isinstance(value, str) and value.startswith(_STORED):
            name = value.removeprefix(_STORED)
            with runtime.db.tenant(number_of(runtime, tenant.slug)) as session:
                kept = read_file(session, name)
            if kept is None:
                raise ConfigError(f"{key}: expected the uploaded file {name}, found none in the database")
            found[key] = (f"{key.rpartition('.')[2]}-{name[:8]}{Path(name).suffix}", kept[0])
    return found


def _values(tenant: Tenant, files: Mapping[str, tuple[str, bytes]]) -> dict[str, object]:
    return {key: files[key][0] if key in files else value for key, value in tenant.overrides.values.items()}


def _require_sound(runtime: Runtime, tenant: Tenant, text: str, files: Mapping[str, tuple[str, bytes]]) -> None:
    """Refuse a file that would not read as the brand is now."""
    brand = tenant.config.brand
    names = {name for name in (brand.logo, brand.favicon, brand.font) if name and not name.startswith(_STORED)}
    beside = files_beside(tenant.path, names) | dict(files.values())
    found = judged(Draft(tenant.slug, text, beside), grounds_of(runtime))
    if not isinstance(found, Tenant):
        raise refusal(found)
    apart = {"brand": {name.rpartition(".")[2] for name in files}}
    assert found.config.model_dump(exclude=apart) == tenant.config.model_dump(exclude=apart), "the same values hold"
    assert found.settings == tenant.settings, "the same values hold"


def _take_away(runtime: Runtime, slug: str, keys: list[str], *, expected: int) -> int:
    runtime.directory.refresh()
    with runtime.db.tenant(number_of(runtime, slug)) as session:
        revision = runtime.settings_desk.change(
            session,
            configured(runtime, slug),
            dict.fromkeys(keys),
            actor=OPERATOR,
            author=AUTHOR,
            reason="adopted into the brand's file",
            at=utc_now(),
            expected_revision=expected,
            by_operator=True,
        )
    return revision.id


def _done(slug: str, keys: list[str], revision: int | None, *, dry_run: bool, as_json: bool) -> int:
    if as_json:
        print_json({"tenant": slug, "keys": keys, "revision": revision, "changed": bool(revision), "dry_run": dry_run})
    return 0
