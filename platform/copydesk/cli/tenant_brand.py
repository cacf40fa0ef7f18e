"""One brand as commands find it: configured now, its file alone, its number; or why it cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.installation import tenant_file
from copydesk.kernel import ConfigError, NotFound
from copydesk.tenancy import Tenant, load_tenant, tenant_ids

_F = TypeVar("_F", bound=Callable[..., Any])

DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done; change nothing.")


def configured(runtime: Runtime, slug: str) -> Tenant:
    """Return a brand as it is configured now; raises NotFound with the closest, ConfigError where its file is wrong."""
    tenant = runtime.directory.by_slug(slug)
    if tenant is None:
        tenant_file(runtime.places, slug)
        raise ConfigError(_wrong(runtime, slug))
    return tenant


def as_filed(runtime: Runtime, slug: str) -> Tenant:
    """Return a brand as its file alone says, whatever its panel has set; raises as `configured` does."""
    path = tenant_file(runtime.places, slug)
    found = load_tenant(
        path, defaults=runtime.directory.defaults, themes_dir=runtime.places.themes, settings=runtime.settings
    )
    if isinstance(found, Tenant):
        return found
    raise ConfigError(f"{found[0]} ({len(found)} in all; `copydesk tenant check {slug}` lists them)")


def changeable(runtime: Runtime, slug: str) -> Tenant:
    """Return a brand that is to be changed: as configured, or its file alone with what the panel has set noted.

    The latter is a brand whose panel's values do not go with its file any more: a change may make them sound again.
    """
    tenant = runtime.directory.by_slug(slug)
    if tenant is not None:
        return tenant
    filed = as_filed(runtime, slug)
    with runtime.db.tenant(number_of(runtime, slug)) as session:
        return replace(filed, overrides=runtime.settings_desk.overrides(session))


def registered(runtime: Runtime, slug: str) -> int | None:
    """Return a brand's number; None for one that this installation's database has never seen."""
    with runtime.db.installation() as session:
        return tenant_ids(session).get(slug)


def number_of(runtime: Runtime, slug: str) -> int:
    """Return a brand's number; raises NotFound."""
    found = registered(runtime, slug)
    if found is None:
        raise NotFound(f"{slug} is not registered: `copydesk tenant apply {slug}` does it once the servers run")
    return found


def _wrong(runtime: Runtime, slug: str) -> str:
    mine = runtime.directory.problems(slug)
    said = str(mine[0]) if mine else f"the file of {slug} is wrong"
    return f"{said} (`copydesk tenant check {slug}` lists all)"
