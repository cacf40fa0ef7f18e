"""The installation of a measurement: one of the shipped brands, on the exchanges that are measured, for that size."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from copydesk.bench.crowd import BRAND
from copydesk.bench.load import Load
from copydesk.stack import RoleOptions

Settings = Mapping[str, Mapping[str, object]]
_DEFAULTS = Path("config", "defaults.yaml")


def write_installation(options: RoleOptions, load: Load, settings: Settings) -> Path:
    """Write an installation into the run's data folder and return its root; that in `options.root` stays as it is."""
    source, root = options.root, options.var_dir / "installation"
    (root / "config").mkdir(parents=True)
    for name in ("themes", "config/logging.yaml"):
        (root / name).symlink_to(source / name)
    values = _read(source / _DEFAULTS)
    sized = {"egress": load.addresses(), "connections_warm": load.connections}
    for section in {"venues", *settings}:
        changed = (sized if section == "venues" else {}) | dict(settings.get(section, {}))
        values[section] = values.get(section, {}) | changed
    (root / _DEFAULTS).write_text(yaml.safe_dump(values))
    brand = Path("tenants", BRAND)
    shutil.copytree(source / brand, root / brand)
    tenant = _read(source / brand / "tenant.yaml")
    tenant["exchanges"] = [exchange for exchange in tenant["exchanges"] if exchange["venue"] in load.venues]
    (root / brand / "tenant.yaml").write_text(yaml.safe_dump(tenant, allow_unicode=True))
    return root


def raise_file_limit() -> None:
    """Allow this process and those it starts as many open files as the system lets them: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()) or {})
