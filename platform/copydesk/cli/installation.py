"""Where an installation's files lie, for the commands that read them without starting anything."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from copydesk.bootstrap import Installation, Runtime, declared_settings
from copydesk.kernel import ConfigError, NotFound
from copydesk.tenancy import TENANT_FILE, UNSERVED, closest, tenant_files
from copydesk.vault import FileSecretStore

__all__ = [
    "Installation",
    "declared_settings",
    "open_installation",
    "print_json",
    "secret_store",
    "tenant_file",
    "with_installation",
    "with_root",
]

_F = TypeVar("_F", bound=Callable[..., Any])


_PATH = click.Path(path_type=Path)


def with_root(command: _F) -> _F:
    """Add the option that says where the installation lies, for commands with a data directory of their own."""
    root = click.option(
        "--root", type=_PATH, envvar="COPYDESK_ROOT", default=Path(), help="Installation's folder [default: this one]."
    )
    return root(command)


def with_installation(command: _F) -> _F:
    """Add the options that say where the installation and its data lie."""
    var = click.option("--var", type=_PATH, envvar="COPYDESK_VAR", help="Data directory [default: var in the root].")
    return with_root(var(command))


def open_installation(root: Path, var: Path | None) -> Installation:
    """Return the places; raise `ConfigError` when the folder holds no installation."""
    installation = Installation(root, var or root / "var")
    if not installation.defaults.is_file():
        raise ConfigError(f"there is no installation in {root.absolute()}: expected config/defaults.yaml (see --root)")
    return installation


def tenant_file(installation: Installation, slug: str) -> Path:
    """Return the brand's file; raise `NotFound` naming the closest brand."""
    path = installation.tenants / slug / TENANT_FILE
    if not path.is_file() or slug.startswith(UNSERVED):
        near = closest(slug, (found.parent.name for found in tenant_files(installation.tenants)))
        hint = f"; did you mean {near}?" if near else ""
        raise NotFound(f"there is no tenant {slug} in {installation.tenants}{hint}")
    return path


def secret_store(installation: Installation) -> FileSecretStore:
    """Return the embedded store of what tenant files refer to as `secret:<name>`."""
    return Runtime(
        {**os.environ, "COPYDESK_ROOT": str(installation.root), "COPYDESK_VAR": str(installation.var)}
    ).secrets


def print_json(value: object) -> None:
    """Print one line of JSON, the last on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
