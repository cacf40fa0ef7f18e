"""Sealed exchange keys and tenant secrets: seal, open, rotate.

Envelope encryption: AES-256-GCM under per-tenant data keys, which a key-encryption store wraps. Only listener,
replicator and risk may be given a `Vault`. Never logs, prints or raises with a plaintext.
"""

from copydesk.vault.envelope import key_version
from copydesk.vault.fingerprint import Fingerprints
from copydesk.vault.intake import IntakePlace, IntakePrivate, IntakePublic
from copydesk.vault.key_file import FileKeyStore
from copydesk.vault.link_keys import LinkKeys
from copydesk.vault.memory import MemoryDataKeys, MemoryKeyStore
from copydesk.vault.model import Purpose, SealBroken, WrappedKey
from copydesk.vault.port import DataKeyRepository, KeyEncryptionStore, SecretStore, TurningKeyStore
from copydesk.vault.secret_file import FileSecretStore
from copydesk.vault.service import Vault
from copydesk.vault.store import KeyRing, NewAccount, PostgresDataKeys, add_account, add_accounts, quarantine
from copydesk.vault.tables import Account, DataKey, InstallationKey

__all__ = [
    "Account",
    "DataKey",
    "DataKeyRepository",
    "FileKeyStore",
    "FileSecretStore",
    "Fingerprints",
    "InstallationKey",
    "IntakePlace",
    "IntakePrivate",
    "IntakePublic",
    "KeyEncryptionStore",
    "KeyRing",
    "LinkKeys",
    "MemoryDataKeys",
    "MemoryKeyStore",
    "NewAccount",
    "PostgresDataKeys",
    "Purpose",
    "SealBroken",
    "SecretStore",
    "TurningKeyStore",
    "Vault",
    "WrappedKey",
    "add_account",
    "add_accounts",
    "key_version",
    "quarantine",
]
