"""`copydesk config`: where a setting's value comes from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from copydesk.cli.installation import (
    declared_settings,
    open_installation,
    print_json,
    tenant_file,
    with_installation,
)
from copydesk.kernel import ConfigError
from copydesk.tenancy import Explained, Tenant, explain, load_defaults, load_tenant


@click.group("config")
def command() -> None:
    """Explain where a setting's value comes from."""


@command.command("explain")
@click.argument("slug")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def explain_key(slug: str, key: str, as_json: bool, root: Path, var: Path | None) -> None:
    """Show a key's value for one brand, the layer that decided it, and the file and line.

    Layers, weakest first: code default, config/defaults.yaml, the brand's tenant file.

    \b
    Examples:
      copydesk config explain aurora replication.slippage_bps_max
      copydesk config explain boreal brand.hosts --json
    """
    installation = open_installation(root, var)
    settings = declared_settings()
    path = tenant_file(installation, slug)
    defaults = load_defaults(installation.defaults, settings)
    loaded = load_tenant(path, defaults=defaults, themes_dir=installation.themes, settings=settings)
    if not isinstance(loaded, Tenant):
        raise ConfigError(f"{loaded[0]} ({len(loaded)} in all; `copydesk tenant check {slug}` lists them)")
    explained = explain(loaded, key, settings)
    if as_json:
        print_json(
            {
                "tenant": slug,
                "key": explained.key,
                "value": explained.value,
                "layer": explained.layer,
                "source": explained.source,
            }
        )
        return
    _print(explained)


def _print(explained: Explained) -> None:
    rows = {
        "value": _text(explained.value),
        "layer": str(explained.layer),
        "source": explained.source,
        "means": explained.help,
    }
    click.echo(explained.key)
    for name, content in rows.items():
        if content:
            click.echo(f"  {name:<7}{content}")


def _text(value: object) -> str:
    """Write a value as a YAML file would hold it."""
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)
