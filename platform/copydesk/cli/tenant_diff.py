"""`copydesk tenant diff`: what a brand's panel has set, beside what its file says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import changeable
from copydesk.cli.yaml_text import written
from copydesk.tenancy import Tenant
from copydesk.tenancy.document import read_document


@dataclass(frozen=True)
class Difference:
    """One key that the panel has set; `filed` tells whether the file has it too, and `file` what it says."""

    key: str
    file: object
    filed: bool
    panel: object
    revision: int
    author: str
    at: datetime | None


@click.command("diff")
@SLUG
@on_installation
def command(runtime: Runtime, slug: str, as_json: bool) -> int:
    """Compare what the panel has set with the brand's file, key by key: both values, who set it, and when.

    \b
    Examples:
      copydesk tenant diff aurora
      copydesk tenant diff aurora --json
    """
    runtime.db.require_safe_role()
    tenant = changeable(runtime, slug)
    found = list(differences(tenant))
    rows = [
        (
            one.key,
            _filed(one),
            written(one.panel),
            one.revision,
            one.author,
            f"{one.at:%Y-%m-%d %H:%M}" if one.at else "",
        )
        for one in found
    ]
    if found:
        show.table(("key", "file", "panel", "revision", "by", "at (UTC)"), rows, err=as_json)
    else:
        click.echo(f"{slug}: the panel has set nothing; {tenant.path} holds", err=as_json)
    if as_json:
        print_json(
            {"tenant": slug, "revision": tenant.overrides.revision, "differences": [asdict(one) for one in found]}
        )
    return 0


def differences(tenant: Tenant) -> Iterator[Difference]:
    """List what the panel has set, in the order of the keys."""
    data = read_document(tenant.path).data
    for key, value in sorted(tenant.overrides.values.items()):
        filed, said = _looked_up(data, key)
        origin = tenant.overrides.origins.get(key)
        revision, author, at = origin if origin else (tenant.overrides.revision, "", None)
        yield Difference(key, said, filed, value, revision, author, at)


def _looked_up(data: object, key: str) -> tuple[bool, object]:
    for name in key.split("."):
        if not isinstance(data, dict) or name not in data:
            return False, None
        data = data[name]
    return True, data


def _filed(one: Difference) -> str:
    return written(one.file) if one.filed else "(not in the file)"
