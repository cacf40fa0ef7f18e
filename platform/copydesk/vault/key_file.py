"""The embedded key-encryption store: one key in a file that only its owner may read."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.kernel import ConfigError
from copydesk.vault.envelope import KEY_BYTES, open_bytes, seal_bytes

_PREFIX = "copydesk-key-1:"


class FileKeyStore:
    """Wrap data keys under the key in `path`, which the first wrap creates.

    Losing the file loses everything sealed, so it is never created in order to unwrap.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cipher: AESGCM | None = None

    def __repr__(self) -> str:
        return f"FileKeyStore({str(self._path)!r})"

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        if self._cipher is None and not self._path.exists():
            _create(self._path)
        return seal_bytes(self._opened(), key, key_version=0, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        return open_bytes(self._opened(), wrapped, context=context)

    def _opened(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(_read(self._path))
        return self._cipher


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(256)
    except FileNotFoundError:
        raise ConfigError(f"the key file {path} is missing; without it nothing sealed can be opened") from None
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"the key file {path} must be readable by its owner only (0600), found {mode:04o}")
    return _parse(path, raw)


def _parse(path: Path, raw: bytes) -> bytes:
    text = raw.decode("ascii", errors="replace").strip()
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or len(key) != KEY_BYTES:
        raise ConfigError(f"the key file {path} is malformed: expected {_PREFIX} and {KEY_BYTES} bytes in base64")
    return key


def _create(path: Path) -> None:
    """Write a new key beside the place and link it in: of two processes one wins, and both read the winner's."""
    line = _PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(draft, line.encode())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be created: {error.strerror}") from None


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, down to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename or link in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
