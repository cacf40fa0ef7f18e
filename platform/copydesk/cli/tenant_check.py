"""`copydesk tenant check`: everything that is wrong with a brand's file, without asking anybody outside."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import click

from copydesk.cli.installation import (
    Installation,
    declared_settings,
    open_installation,
    print_json,
    secret_store,
    tenant_file,
    with_installation,
)
from copydesk.cli.panel_values import PanelValues, panel_values
from copydesk.cli.tenant_colors import corrections_of
from copydesk.kernel import ConfigError, SettingRegistry
from copydesk.kyc import kyc_errors
from copydesk.notifications.own_letters import own_letter_errors
from copydesk.payments import gateway_errors
from copydesk.tenancy import (
    TENANT_FILE,
    LayerValues,
    Overrides,
    Tenant,
    TenantError,
    host_conflicts,
    load_defaults,
    load_tenant,
    missing_secrets,
    tenant_files,
)
from copydesk.web.wording import wording_errors


@click.command("check")
@click.argument("name", metavar="SLUG|PATH")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def command(name: str, as_json: bool, root: Path, var: Path | None) -> int:
    """Print everything that is wrong with a brand's file, with its line, and exit 1 if there is anything.

    \b
    Examples:
      copydesk tenant check aurora
      copydesk tenant check ../new-brand/tenant.yaml --json
    """
    installation = open_installation(root, var)
    path = _file_of(installation, name)
    found = check_tenant(installation, path, declared_settings())
    for error in found.errors:
        click.echo(str(error), err=as_json)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    verdict = f"{len(found.errors)} error{'s' * (len(found.errors) != 1)}" if found.errors else "no errors"
    click.echo(f"{path}: {verdict}", err=as_json)
    if as_json:
        told = {"tenant": path.absolute().parent.name, "ok": not found.errors, "notes": found.notes}
        print_json(told | {"errors": [asdict(error) for error in found.errors]})
    return 1 if found.errors else 0


@dataclass(frozen=True)
class Checked:
    """What is wrong with a brand, and what is worth knowing besides: colors that are corrected, what was not seen."""

    errors: list[TenantError]
    notes: list[str]


def check_tenant(installation: Installation, path: Path, settings: SettingRegistry) -> Checked:
    """Return the brand's own errors, or what only shows beside other brands and the secret store."""
    defaults = load_defaults(installation.defaults, settings)
    panel = _panel(installation, path)
    loaded = load_tenant(
        path, defaults=defaults, themes_dir=installation.themes, settings=settings, overrides=panel.overrides
    )
    notes = [f"the file only: {panel.problem}"] if panel.problem else []
    if not isinstance(loaded, Tenant):
        return Checked(loaded, notes)
    stored = secret_store(installation).names(loaded.slug)
    others = _others(installation, path, defaults, settings)
    errors = host_conflicts(loaded, others) + missing_secrets(loaded, lambda name: name in stored)
    errors += gateway_errors(loaded) + kyc_errors(loaded) + own_letter_errors(loaded) + wording_errors(loaded)
    return Checked(errors, notes + _colors(loaded, installation.themes))


def _panel(installation: Installation, path: Path) -> PanelValues:
    """Return what the panel of an installed brand has set; a file that lies elsewhere has none."""
    if path.parent.parent.resolve() != installation.tenants.resolve():
        return PanelValues(Overrides())
    return panel_values(installation, path.absolute().parent.name)


def _colors(tenant: Tenant, themes: Path) -> list[str]:
    try:
        return [str(one) for one in corrections_of(tenant, themes)]
    except ConfigError as error:
        return [str(error)]


def _file_of(installation: Installation, name: str) -> Path:
    given = Path(name)
    if given.suffix in {".yaml", ".yml"}:
        return given
    if given.parent != Path() or name in {".", ".."}:
        return given / TENANT_FILE
    return tenant_file(installation, name)


def _others(installation: Installation, path: Path, defaults: LayerValues, settings: SettingRegistry) -> list[Tenant]:
    loaded = [
        load_tenant(file, defaults=defaults, themes_dir=installation.themes, settings=settings)
        for file in tenant_files(installation.tenants)
        if file.resolve() != path.resolve()
    ]
    return [tenant for tenant in loaded if isinstance(tenant, Tenant)]
