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
from copydesk.tenancy import Declared, Explained, Tenant, declared, explain, load_defaults, load_tenant
from copydesk.tenancy.telling import facts


@click.group("config")
def command() -> None:
    """Explain where a setting's value comes from, list all settings.

    \b
    Examples:
      copydesk config explain aurora replication.slippage_bps_max
      copydesk config reference
      copydesk config example
    """


@command.command("example")
def example_file() -> None:
    """Print a tenant file with every key explained: the text of tenants/_example/tenant.yaml.

    \b
    Example:
      copydesk config example > tenants/_example/tenant.yaml
    """
    from copydesk.tenancy.example import example

    click.echo(example(declared_settings()), nl=False)


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
    """Show a key's value for one brand, the layer that decided it, and its place.

    Layers, weakest first: code default, config/defaults.yaml, the brand's tenant file, its panel. Without a database
    the panel is not looked at, and a line on standard error says so.

    \b
    Examples:
      copydesk config explain aurora replication.slippage_bps_max
      copydesk config explain boreal brand.hosts --json
    """
    from copydesk.cli.panel_values import panel_values

    installation = open_installation(root, var)
    settings = declared_settings()
    path = tenant_file(installation, slug)
    defaults = load_defaults(installation.defaults, settings)
    panel = panel_values(installation, slug)
    if panel.problem:
        click.echo(f"file only: {panel.problem}", err=True)
    loaded = load_tenant(
        path, defaults=defaults, themes_dir=installation.themes, settings=settings, overrides=panel.overrides
    )
    if not isinstance(loaded, Tenant):
        raise ConfigError(f"{loaded[0]} ({len(loaded)} in all; `copydesk tenant check {slug}` lists them)")
    explained = explain(loaded, key, settings)
    if not as_json:
        _print(explained)
        return
    print_json(
        {
            "tenant": slug,
            "key": explained.key,
            "value": explained.value,
            "layer": explained.layer,
            "source": explained.source,
            "revision": panel.overrides.revision,
            "config": loaded.revision_hash,
            "panel_problem": panel.problem,
        }
    )


_LINE_WIDTH = 118
_REFERENCE = """\
# Settings

Made by `copydesk config reference` from the declarations in the code; a test fails when this page is older.

A value comes from the strongest layer that names the key: the code's default below, then `config/defaults.yaml`, then
the brand's `tenants/<slug>/tenant.yaml`, then what its admins set in the panel. A setting of scope *installation* may
stand in `config/defaults.yaml` only. `copydesk config explain <slug> <key>` shows the value that holds for a brand, and
what decided it. A change in the panel of what "takes two people" holds when a second person has approved it.

First the keys that stand in a brand's file alone, then the settings. `[]` is each entry of a list, `*` each name of a
map; such a list or map is changed as a whole.
"""


def settings_reference(settings: SettingRegistry) -> str:
    """Write every key of a brand's file and every declared setting as Markdown."""
    shape = "".join(f"\n{_key_section(one)}" for one in declared(settings) if not one.installation)
    return _REFERENCE + shape + "".join(f"\n{_setting_section(setting)}" for setting in settings)


def _key_section(one: Declared) -> str:
    lines = [*textwrap.wrap(one.help, _LINE_WIDTH), "", *textwrap.wrap(" ".join(facts(one)), _LINE_WIDTH)]
    return "\n".join([f"## `{one.key}`", "", *lines, ""])


def _setting_section(setting: Setting) -> str:
    default = f"Default: `{_text(setting.default)}`."
    listed = [f"- `{item}`" for item in setting.default] if isinstance(setting.default, list) else []
    if len(default) <= _LINE_WIDTH // 2:
        listed = []
    told = [f"Scope: {setting.scope}.", _panel(setting), _bounds(setting), "Default:" if listed else default]
    lines = textwrap.wrap(setting.help, _LINE_WIDTH)
    said = " ".join(fact for fact in told if fact)
    return "\n".join([f"## `{setting.key}`", "", *lines, "", said, *(["", *listed] if listed else []), ""])


def _panel(setting: Setting) -> str:
    if setting.scope != "tenant":
        return ""
    if not setting.panel:
        return "Not in the panel."
    return "Takes two people in the panel." if setting.sensitive else ""


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
