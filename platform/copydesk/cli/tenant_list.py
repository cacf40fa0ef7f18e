"""`copydesk tenant list`: every brand of the installation, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.tenant_ground import servers_answer
from copydesk.replication.usage import Crowd, crowd_now
from copydesk.tenancy import Tenant, tenant_files, tenant_ids


@dataclass(frozen=True)
class Line:
    """One brand; what only the database knows is None while it does not answer."""

    tenant: str
    name: str
    hosts: tuple[str, ...]
    theme: str
    status: str
    revision: str
    followers: int | None = None
    strategies: int | None = None


@click.command("list")
@on_installation
def command(runtime: Runtime, as_json: bool) -> int:
    """List every brand with its hosts, theme, status and revision, and how many follow and can be copied.

    The status is active, suspended, wrong (its file has errors: nothing or its last good version is served), or gone
    (its folder is not there any more, its rows are).

    \b
    Examples:
      copydesk tenant list
      copydesk tenant list --json
    """
    reason = servers_answer(runtime)
    lines = list(_lines(runtime, {} if reason else _crowds(runtime)))
    told = [
        (one.tenant, one.name, one.hosts, one.theme, one.status, one.revision, one.followers, one.strategies)
        for one in lines
    ]
    columns = ("brand", "name", "hosts", "theme", "status", "revision", "followers", "strategies")
    show.table(columns, told, err=as_json)
    if reason:
        click.echo(f"without figures: {reason}", err=True)
    if as_json:
        print_json({"tenants": [asdict(one) for one in lines]})
    return 0


def _lines(runtime: Runtime, crowds: dict[str, Crowd]) -> Iterator[Line]:
    folders = {path.parent.name: path for path in tenant_files(runtime.places.tenants)}
    for slug in sorted({*folders, *crowds}):
        tenant, crowd = runtime.directory.by_slug(slug), crowds.get(slug)
        followers, strategies = (crowd.followers, crowd.strategies) if crowd else (None, None)
        if tenant is None:
            yield Line(slug, "", (), "", "wrong" if slug in folders else "gone", "", followers, strategies)
            continue
        status = "wrong" if runtime.directory.problems(slug) else str(tenant.status)
        yield Line(slug, tenant.name, tenant.hosts, tenant.theme, status, revision_text(tenant), followers, strategies)


def revision_text(tenant: Tenant) -> str:
    """Name the configuration that holds: the panel's revision, if any, and the hash that all processes show."""
    return f"{tenant.overrides.revision} {tenant.revision_hash}".strip()


def _crowds(runtime: Runtime) -> dict[str, Crowd]:
    with runtime.db.installation() as session:
        known = tenant_ids(session)
    found = {}
    for slug, number in known.items():
        with runtime.db.tenant(number) as session:
            found[slug] = crowd_now(session)
    return found
