"""Everything that an operator turns, joined: both purposes' vaults and stores, secrets and the intake."""

from __future__ import annotations

from copydesk.bootstrap.key_stores import key_file
from copydesk.bootstrap.runtime import Runtime
from copydesk.kernel import SystemClock
from copydesk.tenancy import installation_value
from copydesk.vault import FileKeyStore, Purpose
from copydesk.vault.settings import PROVIDER
from copydesk.vault.turns import Keyroom


def keyroom(runtime: Runtime) -> Keyroom:
    """Return what holds and wraps the installation's keys."""
    return Keyroom(
        db=runtime.db,
        clock=SystemClock(),
        vaults={Purpose.EXCHANGE: runtime.vault, Purpose.IDENTITY: runtime.identity_vault},
        stores={purpose: runtime.key_store(purpose) for purpose in Purpose},
        secrets=runtime.secrets,
        intake=runtime.intake_opener,
    )


def key_files(runtime: Runtime) -> dict[Purpose, FileKeyStore]:
    """Return the key files, whatever the settings say: where keys were before they moved to a key server."""
    return {purpose: FileKeyStore(key_file(runtime.places.var, purpose)) for purpose in Purpose}


def provider(runtime: Runtime) -> str:
    """Return who wraps the data keys: "file" or "transit"."""
    return installation_value(runtime.directory.defaults, PROVIDER, str)
