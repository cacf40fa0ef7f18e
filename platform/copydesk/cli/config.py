"""`copydesk config`: which settings there are, and where a setting's value comes from."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import click

from copydesk.cli.installation import (
    declared_settings,
    open_installation,
    print_json,
    tenant_file,
    with_installation,
)
from copydesk.kernel import ConfigError, Setting, SettingRegistry
from copydesk.tenancy import Explained, Tenant, explain, load_defaults, load_tenant


@click.group("config")
def command() -> None:
    """Explain where a setting's value comes from, list all settings.

    \b
    Examples:
      copydesk config explain aurora replication.slippage_bps_max
      copydesk config reference
    """


@command.command("reference")
def reference() -> None:
    """Print every declared setting as Markdown: the text of platform/docs/settings.md.

    \b
    Example:
      copydesk config reference > platform/docs/settings.md
    """
    click.echo(settings_reference(declared_settings()), nl=False)


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


_LINE_WIDTH = 118
_REFERENCE = """\
# Settings

Made by `copydesk config reference` from the declarations in the code; a test fails when this page is older.

A value comes from the strongest layer that names the key: the code's default below, then `config/defaults.yaml`, then
the brand's `tenants/<slug>/tenant.yaml`. A setting of scope *installation* may stand in `config/defaults.yaml` only.
`copydesk config explain <slug> <key>` shows the value that holds for a brand, and file and line that decided it.
"""


def settings_reference(settings: SettingRegistry) -> str:
    """Write every declared setting as Markdown, in the order of the keys."""
    return _REFERENCE + "".join(f"\n{_setting_section(setting)}" for setting in settings)


def _setting_section(setting: Setting) -> str:
    default = f"Default: `{_text(setting.default)}`."
    listed = [f"- `{item}`" for item in setting.default] if isinstance(setting.default, list) else []
    if len(default) <= _LINE_WIDTH // 2:
        listed = []
    facts = [f"Scope: {setting.scope}.", "Default:" if listed else default, _bounds(setting)]
    lines = textwrap.wrap(setting.help, _LINE_WIDTH)
    said = " ".join(fact for fact in facts if fact)
    return "\n".join([f"## `{setting.key}`", "", *lines, "", said, *(["", *listed] if listed else []), ""])


def _bounds(setting: Setting) -> str:
    """Say what values are allowed beyond the default's type; empty where nothing bounds them."""
    if setting.choices:
        return f"One of: {', '.join(f'`{choice}`' for choice in setting.choices)}."
    ends = (("at least", setting.minimum), ("at most", setting.maximum))
    said = [f"{word} {end}" for word, end in ends if end is not None]
    return f"Bounds: {', '.join(said)}." if said else ""


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
