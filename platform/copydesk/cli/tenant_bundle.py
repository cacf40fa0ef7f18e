"""`copydesk tenant bundle`: everything that serves one brand alone, as files."""

from __future__ import annotations

from pathlib import Path

import click

from copydesk import __version__
from copydesk.cli.installation import (
    Installation,
    declared_settings,
    open_installation,
    print_json,
    tenant_file,
    with_installation,
)
from copydesk.kernel import ConfigError, InvalidInput
from copydesk.stack.bundle import Change, Deployment, planned, write
from copydesk.tenancy import Tenant, load_defaults, load_tenant
from copydesk.trading import Environment


@click.command("bundle")
@click.argument("slug")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option("--image", default="", help=f"Image of the roles [default: copydesk:{__version__}].")
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def command(slug: str, to: Path, image: str, dry_run: bool, as_json: bool, root: Path, var: Path | None) -> None:
    """Write a deployment of its own for one brand: Compose file, Kubernetes manifests, proxies, steps.

    No file holds a secret. Files that would be the same are left alone, others in the folder stay.

    \b
    Examples:
      copydesk tenant bundle demo3 --to ../demo3
      copydesk tenant bundle demo3 --to ../demo3 --image registry.example.com/copydesk:1.7 --dry-run
    """
    installation = open_installation(root, var)
    deployment = _deployment(installation, slug, image or f"copydesk:{__version__}")
    _require_apart(installation, to)
    plan = planned(deployment, to)
    for one in plan:
        if one.change is not Change.SAME:
            click.echo(f"{'would write' if dry_run else 'wrote'} {one.name} ({one.change})", err=as_json)
    changed = sum(one.change is not Change.SAME for one in plan) if dry_run else write(plan, to)
    click.echo(
        f"{to}: {changed} of {len(plan)} files" if changed else f"{to} is up to date; nothing to do", err=as_json
    )
    if as_json:
        told = [{"file": one.name, "change": str(one.change)} for one in plan]
        print_json({"ok": True, "tenant": slug, "folder": str(to), "dry_run": dry_run, "files": told})


def _deployment(installation: Installation, slug: str, image: str) -> Deployment:
    path, settings = tenant_file(installation, slug), declared_settings()
    tenant = load_tenant(
        path,
        defaults=load_defaults(installation.defaults, settings),
        themes_dir=installation.themes,
        settings=settings,
    )
    if not isinstance(tenant, Tenant):
        raise ConfigError(f"{tenant[0]}; see copydesk tenant check {slug}")
    folder = path.parent
    files = {one.relative_to(folder).as_posix(): one for one in sorted(folder.rglob("*")) if one.is_file()}
    proxy = installation.root / "config" / "proxy"
    return Deployment(
        slug=slug,
        name=tenant.name,
        hosts=tenant.hosts,
        image=image,
        version=__version__,
        files={name: one.read_bytes() for name, one in files.items() if not name.startswith(".")},
        defaults=installation.defaults.read_bytes(),
        nginx=_text(proxy / "nginx.conf"),
        caddy=_text(proxy / "Caddyfile"),
        mail_port=tenant.config.smtp.port if tenant.config.smtp else 587,
        lab=any(one.environment is Environment.LAB for one in tenant.config.exchanges),
    )


def _require_apart(installation: Installation, to: Path) -> None:
    """Refuse this installation's own folder: its brands and defaults would be written over."""
    if to.resolve() == installation.root.resolve():
        raise InvalidInput(f"--to {to}: expected a folder of its own, found the installation itself")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
