"""The embedded key-encryption store: keys in a file that only its owner may read, one line for each version."""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.kernel import ConfigError, NotFound
from copydesk.vault.envelope import KEY_BYTES, key_version, open_bytes, seal_bytes
from copydesk.vault.model import SealBroken

_LINE = re.compile(r"copydesk-key-([1-9][0-9]{0,3}):([A-Za-z0-9+/=]+)\Z")
_FILE_BYTES_MAX = 100_000


class FileKeyStore:
    """Wrap data keys under the newest key in `path`, which the first wrap creates; every key in it unwraps.

    Losing the file loses everything sealed, so it is never created in order to unwrap. A turn by another process is
    seen by the next wrap, and by the first unwrap of what only the new key opens.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[object, dict[int, AESGCM]] | None = None

    def __repr__(self) -> str:
        return f"FileKeyStore({str(self._path)!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        if self._read is None and not self._path.exists():
            _create(self._path)
        ciphers = self._current()
        version = max(ciphers)
        return seal_bytes(ciphers[version], key, key_version=_told(version), context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        held = self._read[1] if self._read else self._current()
        version = self.version_of(wrapped)
        cipher = held.get(version) or self._current().get(version)
        if cipher is None:
            raise SealBroken(f"the key file {self._path} has no version {version}, which wrapped this")
        return open_bytes(cipher, wrapped, context=context)

    def newest(self) -> int:
        return max(self._current()) if self._path.exists() else 0

    def version_of(self, wrapped: bytes) -> int:
        return key_version(wrapped) + 1

    def turn(self) -> int:
        """Add a key to the file, or make the file; the file on disk is the old one or the new one, never half."""
        if not self._path.exists():
            _create(self._path)
            return self.newest()
        with _locked(self._path):
            lines = _lines(self._path)
            version = max(lines) + 1
            _replace(self._path, lines | {version: secrets.token_bytes(KEY_BYTES)})
        return version

    def drop_older(self) -> list[int]:
        """Take every key but the newest out of the file, and return which those were.

        The caller proves first that nothing is wrapped by them any more.
        """
        if not self._path.exists():
            raise NotFound(f"there is no key file {self._path}")
        with _locked(self._path):
            lines = _lines(self._path)
            version = max(lines)
            _replace(self._path, {version: lines.pop(version)})
        return sorted(lines)

    def rewrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        if self.version_of(wrapped) == self.newest():
            return wrapped
        return self.wrap(self.unwrap(wrapped, context=context), context=context)

    def _current(self) -> dict[int, AESGCM]:
        """Return the keys of the file as it is now."""
        mark = _mark(self._path)
        if self._read is None or self._read[0] != mark:
            self._read = (mark, {version: AESGCM(key) for version, key in _lines(self._path).items()})
        return self._read[1]


def _told(version: int) -> int:
    # The first key file had no versions, and said 0.
    return version - 1


def _mark(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None  # Reading it says what is wrong.
    return found.st_ino, found.st_mtime_ns, found.st_size


def _lines(path: Path) -> dict[int, bytes]:
    """Read the keys by version."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            raw = file.read(_FILE_BYTES_MAX)
    except FileNotFoundError:
        raise ConfigError(f"the key file {path} is missing; without it nothing sealed can be opened") from None
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"the key file {path} must be readable by its owner only (0600), found {mode:04o}")
    parsed = [_parse(line) for line in raw.decode("ascii", errors="replace").split()]
    keys = dict(found for found in parsed if found)
    if not keys or len(keys) < len(parsed):
        raise ConfigError(
            f"the key file {path} is malformed: "
            f"expected lines of copydesk-key-<version>: and {KEY_BYTES} bytes in base64, each version once"
        )
    return keys


def _parse(line: str) -> tuple[int, bytes] | None:
    found = _LINE.match(line)
    if not found:
        return None
    try:
        key = base64.b64decode(found[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return (int(found[1]), key) if len(key) == KEY_BYTES else None


def _written(keys: dict[int, bytes]) -> bytes:
    lines = (f"copydesk-key-{version}:{base64.b64encode(key).decode()}\n" for version, key in sorted(keys.items()))
    return "".join(lines).encode()


def _create(path: Path) -> None:
    """Write a new key beside the place and link it in: of two processes one wins, and both read the winner's."""
    draft = _draft(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(draft, _written({1: secrets.token_bytes(KEY_BYTES)}))
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be created: {error.strerror}") from None


def _replace(path: Path, keys: dict[int, bytes]) -> None:
    draft = _draft(path)
    try:
        write_private(draft, _written(keys))
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"the key file {path} cannot be written: {error.strerror}") from None


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change the file."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
