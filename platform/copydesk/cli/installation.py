"""Where an installation's files lie, for the commands that read them without starting anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Installation, declared_settings
from copydesk.kernel import ConfigError, NotFound
from copydesk.tenancy import TENANT_FILE, closest
from copydesk.vault import FileKeyStore, FileSecretStore

__all__ = [
    "Installation",
    "declared_settings",
    "open_installation",
    "print_json",
    "secret_store",
    "tenant_file",
    "with_installation",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def with_installation(command: _F) -> _F:
    """Add the options that say where the installation lies."""
    path = click.Path(path_type=Path)
    root = click.option(
        "--root", type=path, envvar="COPYDESK_ROOT", default=Path(), help="Installation's folder [default: this one]."
    )
    var = click.option("--var", type=path, envvar="COPYDESK_VAR", help="Data directory [default: var in the root].")
    return root(var(command))


def open_installation(root: Path, var: Path | None) -> Installation:
    """Return the places; raise `ConfigError` when the folder holds no installation."""
    installation = Installation(root, var or root / "var")
    if not installation.defaults.is_file():
        raise ConfigError(f"there is no installation in {root.absolute()}: expected config/defaults.yaml (see --root)")
    return installation


def tenant_file(installation: Installation, slug: str) -> Path:
    """Return the brand's file; raise `NotFound` naming the closest brand."""
    path = installation.tenants / slug / TENANT_FILE
    if not path.is_file():
        near = closest(slug, (found.parent.name for found in installation.tenants.glob(f"*/{TENANT_FILE}")))
        hint = f"; did you mean {near}?" if near else ""
        raise NotFound(f"there is no tenant {slug} in {installation.tenants}{hint}")
    return path


def secret_store(installation: Installation) -> FileSecretStore:
    """Return the embedded store of what tenant files refer to as `secret:<name>`."""
    return FileSecretStore(installation.var / "secrets", FileKeyStore(installation.var / "key"))


def print_json(value: object) -> None:
    """Print one line of JSON, the last on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
