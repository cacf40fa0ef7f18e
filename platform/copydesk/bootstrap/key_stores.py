"""Where the keys lie that wrap all others: key files of this installation, or a key server's transit engine.

Each purpose has a key of its own, so that a role can be given one and not the other: `var/key` (or the server's
`…-exchange`) for exchange keys, `var/web/key` (`…-identity`) for what pages must open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from copydesk.kernel import ConfigError
from copydesk.tenancy import LayerValues, installation_value
from copydesk.vault import FileKeyStore, Purpose, TurningKeyStore
from copydesk.vault.settings import (
    PROVIDER,
    TRANSIT_CA,
    TRANSIT_KEY,
    TRANSIT_MOUNT,
    TRANSIT_URL,
    TRANSIT_WAIT_MS,
)

_FILES = {Purpose.EXCHANGE: Path("key"), Purpose.IDENTITY: Path("web", "key")}


def key_file(var: Path, purpose: Purpose) -> Path:
    """Return the key file of a purpose."""
    return var / _FILES[purpose]


def open_key_store(
    purpose: Purpose, *, var: Path, defaults: LayerValues, environ: Mapping[str, str]
) -> TurningKeyStore:
    """Return the key-encryption store of a purpose, as the installation's settings choose it.

    Nothing is read and nobody asked yet; raises `ConfigError` for settings that cannot be.
    """
    if installation_value(defaults, PROVIDER, str) == "file":
        return FileKeyStore(key_file(var, purpose))
    try:
        # Only who uses a key server has the client's package, and pays for its import.
        from copydesk.vault.transit import TransitKeyStore, TransitPlace
    except ModuleNotFoundError as missing:
        raise ConfigError(f"vault.provider is transit, which needs the extra vault: {missing}") from None
    from copydesk.vault.transit_sign_in import SignInByEnvironment

    place = TransitPlace(
        url=installation_value(defaults, TRANSIT_URL, str),
        mount=installation_value(defaults, TRANSIT_MOUNT, str),
        key=f"{installation_value(defaults, TRANSIT_KEY, str)}-{purpose}",
        ca=installation_value(defaults, TRANSIT_CA, str),
        wait_s=installation_value(defaults, TRANSIT_WAIT_MS, int) / 1000,
    )
    return TransitKeyStore(place, SignInByEnvironment(environ))
