"""Addresses of servers that hold a password, read from files where the environment names those instead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from copydesk.kernel import ConfigError

# With "_FILE" behind the name, the variable says where the value lies: how containers are given secrets.
FROM_FILES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


def read_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment's files hold, by the name without "_FILE"; a value given itself is stronger.

    Raises `ConfigError` for a file that cannot be read, without showing what is in it.
    """
    found = {}
    for name in FROM_FILES:
        place = environ.get(f"{name}_FILE")
        if place and not environ.get(name):
            found[name] = _read(f"{name}_FILE", Path(place))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{variable}: {path} cannot be read: {reason}") from None
    if not value:
        raise ConfigError(f"{variable}: {path} is empty, expected an address")
    return value
