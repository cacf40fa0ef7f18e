"""`copydesk tenant`: check a brand's file, store its secrets."""

from __future__ import annotations

import sys
from dataclasses import asdict
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
from copydesk.kernel import InvalidInput, SettingRegistry
from copydesk.tenancy import (
    TENANT_FILE,
    LayerValues,
    Tenant,
    TenantError,
    host_conflicts,
    load_defaults,
    load_tenant,
    missing_secrets,
)


@click.group("tenant")
def command() -> None:
    """Check a brand's file, store its secrets.

    \b
    Examples:
      copydesk tenant check aurora
      copydesk tenant secret set aurora smtp_password
    """


@command.command("check")
@click.argument("name", metavar="SLUG|PATH")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def check(name: str, as_json: bool, root: Path, var: Path | None) -> int:
    """Print everything that is wrong with a brand's file, with its line, and exit 1 if there is anything.

    \b
    Examples:
      copydesk tenant check aurora
      copydesk tenant check ../new-brand/tenant.yaml --json
    """
    installation = open_installation(root, var)
    path = _file_of(installation, name)
    errors = check_tenant(installation, path, declared_settings())
    for error in errors:
        click.echo(str(error), err=as_json)
    verdict = f"{len(errors)} error{'s' * (len(errors) != 1)}" if errors else "no errors"
    click.echo(f"{path}: {verdict}", err=as_json)
    if as_json:
        slug = path.absolute().parent.name
        print_json({"tenant": slug, "ok": not errors, "errors": [asdict(error) for error in errors]})
    return 1 if errors else 0


def check_tenant(installation: Installation, path: Path, settings: SettingRegistry) -> list[TenantError]:
    """Return the file's own errors, or what only shows beside other brands and the secret store."""
    defaults = load_defaults(installation.defaults, settings)
    loaded = load_tenant(path, defaults=defaults, themes_dir=installation.themes, settings=settings)
    if not isinstance(loaded, Tenant):
        return loaded
    stored = secret_store(installation).names(loaded.slug)
    others = _others(installation, path, defaults, settings)
    return host_conflicts(loaded, others) + missing_secrets(loaded, lambda name: name in stored)


@command.group("secret")
def secret() -> None:
    """Store what a brand's file refers to as `secret:<name>`.

    \b
    Example:
      copydesk tenant secret list aurora
    """


@secret.command("set")
@click.argument("slug")
@click.argument("name")
@with_installation
def set_secret(slug: str, name: str, root: Path, var: Path | None) -> None:
    """Store a secret; its value is asked for, or read from standard input, and never an argument.

    \b
    Examples:
      copydesk tenant secret set aurora smtp_password
      copydesk tenant secret set aurora smtp_password < password.txt
    """
    installation = open_installation(root, var)
    tenant_file(installation, slug)
    secret_store(installation).set(slug, name, _asked_value(name))
    click.echo(f"stored secret:{name} for {slug}")


@secret.command("list")
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def list_secrets(slug: str, as_json: bool, root: Path, var: Path | None) -> None:
    """List the names of a brand's stored secrets, never their values.

    \b
    Example:
      copydesk tenant secret list aurora
    """
    installation = open_installation(root, var)
    tenant_file(installation, slug)
    names = secret_store(installation).names(slug)
    if as_json:
        print_json({"tenant": slug, "names": names})
        return
    for name in names:
        click.echo(f"secret:{name}")
    if not names:
        click.echo(f"{slug} has no stored secrets", err=True)


def _asked_value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of secret:{name}", hide_input=True, confirmation_prompt=True, err=True))
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise InvalidInput(f"expected the value of {name} on standard input, found nothing")
    return value


def _file_of(installation: Installation, name: str) -> Path:
    given = Path(name)
    if given.suffix in {".yaml", ".yml"}:
        return given
    if given.parent != Path() or name in {".", ".."}:
        return given / TENANT_FILE
    return tenant_file(installation, name)


def _others(installation: Installation, path: Path, defaults: LayerValues, settings: SettingRegistry) -> list[Tenant]:
    files = sorted(installation.tenants.glob(f"*/{TENANT_FILE}"))
    loaded = [
        load_tenant(file, defaults=defaults, themes_dir=installation.themes, settings=settings)
        for file in files
        if file.resolve() != path.resolve()
    ]
    return [tenant for tenant in loaded if isinstance(tenant, Tenant)]
