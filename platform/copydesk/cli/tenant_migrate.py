"""`copydesk tenant migrate`: a brand's file of an older schema, rewritten in the present one; comments stay."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json, tenant_file
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import DRY_RUN
from copydesk.cli.tenant_draft import replace_text
from copydesk.cli.yaml_text import with_values
from copydesk.kernel import ConfigError
from copydesk.tenancy.document import read_document
from copydesk.tenancy.upgrade import Changed, changes, upgraded
from copydesk.tenancy.values import dotted


@click.command("migrate")
@SLUG
@DRY_RUN
@on_installation
def command(runtime: Runtime, slug: str, dry_run: bool, as_json: bool) -> int:
    """Rewrite a brand's file in the present schema. Older ones are served as well; they are lifted as they are read.

    \b
    Examples:
      copydesk tenant migrate aurora --dry-run
      copydesk tenant migrate aurora
    """
    path = tenant_file(runtime.places, slug)
    text, changed = migrated(path)
    if changed and not dry_run:
        before = path.read_text("utf-8-sig")
        replace_text(path, text)
        click.echo(f"rewrote {path}", err=as_json)
        show_difference(path, before, text, as_json=as_json)
    elif changed:
        show_difference(path, path.read_text("utf-8-sig"), text, as_json=as_json)
        click.echo("nothing was changed", err=as_json)
    else:
        click.echo(f"{path} is in the present schema; nothing to do", err=as_json)
    if as_json:
        told = [{"key": dotted(one.where), "before": one.before, "after": one.after} for one in changed]
        print_json({"tenant": slug, "changed": bool(changed) and not dry_run, "dry_run": dry_run, "changes": told})
    return 0


def migrated(path: Path) -> tuple[str, list[Changed]]:
    """Return the text that a brand's file has in the present schema, and what that changes; raises ConfigError."""
    document = read_document(path)
    if document.problems or not isinstance(document.data, dict):
        found = document.problems[0] if document.problems else None
        said = f"expected {found.expected}, found {found.found}" if found else "expected a map of keys"
        raise ConfigError(f"{path}:{found.line if found else 1}: {said}")
    text = path.read_text("utf-8-sig")
    changed = changes(document.data, upgraded(document.data))
    return with_values(text, {dotted(one.where): one.after for one in changed}), changed


def show_difference(path: Path, before: str, after: str, *, as_json: bool) -> None:
    """Print how a file changes, as a patch."""
    for line in _patch(path, before, after):
        click.echo(line, err=as_json)


def _patch(path: Path, before: str, after: str) -> Iterator[str]:
    return difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{path} (before)", f"{path} (after)", lineterm="", n=1
    )
