"""`copydesk tenant show`: one brand whole, with the layer that each value comes from. Secrets by name only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import configured
from copydesk.cli.tenant_colors import corrections_of
from copydesk.cli.tenant_list import revision_text
from copydesk.cli.yaml_text import written
from copydesk.kernel import NotFound
from copydesk.tenancy import Explained, Layer, Tenant, explain
from copydesk.tenancy.declared import declared, override_key


@click.command("show")
@SLUG
@click.option("--all", "everything", is_flag=True, help="Also what is as the code or the installation has it.")
@on_installation
def command(runtime: Runtime, slug: str, everything: bool, as_json: bool) -> int:
    """Show a brand: what it is, every value that its file or its panel has set, and its secrets by name.

    \b
    Examples:
      copydesk tenant show aurora
      copydesk tenant show aurora --all --json
    """
    tenant = configured(runtime, slug)
    values = [one for one in explained(runtime, tenant) if everything or one.layer in (Layer.TENANT, Layer.PANEL)]
    stored, wanted = runtime.secrets.names(slug), {name for _, name in tenant.config.secret_references()}
    secrets = {name: "stored" if name in stored else "missing" for name in sorted({*stored, *wanted})}
    corrections = [str(one) for one in corrections_of(tenant, runtime.places.themes)]
    told: dict[str, Any] = {
        "brand": slug,
        "status": str(tenant.status) + (f": {tenant.suspend_reason}" if tenant.suspend_reason else ""),
        "file": tenant.path,
        "revision": revision_text(tenant),
        "secrets": [f"{name} ({state})" for name, state in secrets.items()] or "none",
    }
    show.facts(told, err=as_json)
    click.echo("", err=as_json)
    rows = [(one.key, written(one.value), one.layer, one.source) for one in values]
    show.table(("key", "value", "layer", "from"), rows, err=as_json)
    for one in corrections:
        click.echo(f"note: {one}", err=as_json)
    if as_json:
        told = {"tenant": slug, "name": tenant.name, "status": tenant.status, "reason": tenant.suspend_reason}
        told |= {"path": str(tenant.path), "revision": tenant.overrides.revision, "hash": tenant.revision_hash}
        listed = {one.key: {"value": one.value, "layer": one.layer, "source": one.source} for one in values}
        print_json(told | {"secrets": secrets, "corrections": corrections, "values": listed})
    return 0


def explained(runtime: Runtime, tenant: Tenant) -> Iterator[Explained]:
    """Explain every key that the brand has, in the order of its reference; lists and maps of its own as one value."""
    for one in declared(runtime.settings):
        if one.key != "schema" and override_key(one.key, runtime.settings) is None:
            continue
        # A part of something that this brand does not have, such as `smtp.port`, explains nothing.
        with suppress(NotFound):
            found = explain(tenant, one.key, runtime.settings)
            yield replace(found, value=_without_gaps(found.value))


def _without_gaps(value: object) -> Any:
    """Leave out of maps what is not set."""
    if isinstance(value, Mapping):
        return {name: _without_gaps(inner) for name, inner in value.items() if inner is not None}
    return [_without_gaps(inner) for inner in value] if isinstance(value, list | tuple) else value
