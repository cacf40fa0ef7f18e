"""Writes a deployment into a folder: what would be the same is left alone, each file is old or new and never half."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from copydesk.kernel import ConfigError
from copydesk.stack.bundle.compose import compose_file
from copydesk.stack.bundle.kubernetes import manifests
from copydesk.stack.bundle.papers import env_example, ignored, readme, roles_script, secrets_script
from copydesk.stack.bundle.parts import Deployment
from copydesk.stack.bundle.proxy import caddy_file, nginx_file

_SCRIPTS = frozenset({"secrets.sh", "postgres/10-roles.sh"})


class Change(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class Planned:
    """One file of a deployment, and what would become of it."""

    name: str
    change: Change
    data: bytes


def files_of(deployment: Deployment) -> dict[str, bytes]:
    """Return every file of a deployment by name; the same deployment always gives the same bytes."""
    return {
        "README.md": readme(deployment),
        ".env.example": env_example(deployment),
        ".gitignore": ignored(),
        "compose.yaml": compose_file(deployment),
        "secrets.sh": secrets_script(),
        "postgres/10-roles.sh": roles_script(),
        "proxy/nginx.conf": nginx_file(deployment),
        "proxy/Caddyfile": caddy_file(deployment),
        "config/defaults.yaml": deployment.defaults,
        **{f"tenants/{deployment.slug}/{name}": data for name, data in deployment.files.items()},
        **{f"kubernetes/{name}": data for name, data in manifests(deployment).items()},
    }


def planned(deployment: Deployment, folder: Path) -> list[Planned]:
    """Compare a deployment with what lies in a folder; changes nothing."""
    return [Planned(name, _change(folder / name, data), data) for name, data in files_of(deployment).items()]


def write(plan: list[Planned], folder: Path) -> int:
    """Write what is new or changed, and return how many files that were; others in the folder stay."""
    wanted = [one for one in plan if one.change is not Change.SAME]
    try:
        for one in wanted:
            path = folder / one.name
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.draft")
            draft.write_bytes(one.data)
            draft.chmod(0o755 if one.name in _SCRIPTS else 0o644)
            draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    return len(wanted)


def _change(path: Path, data: bytes) -> Change:
    try:
        return Change.SAME if path.read_bytes() == data else Change.CHANGED
    except FileNotFoundError:
        return Change.NEW
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
