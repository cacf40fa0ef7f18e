"""Keeps tenants' `secret:` values in one sealed file per brand: the embedded secret store."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.kernel import ConfigError, InvalidInput
from copydesk.vault.envelope import KEY_BYTES, aad, open_bytes, seal_bytes
from copydesk.vault.key_file import sync_folder, write_private
from copydesk.vault.model import SealBroken
from copydesk.vault.port import KeyEncryptionStore

_FORMAT = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")


class FileSecretStore:
    """Seal each value under a key of its file, which the key store wraps; bound to slug and name.

    `former` opens files that were wrapped elsewhere; the next change of such a file wraps it here.
    """

    def __init__(self, folder: Path, keystore: KeyEncryptionStore, *, former: KeyEncryptionStore | None = None) -> None:
        self._folder = folder
        self._keystore = keystore
        self._former = former

    def __repr__(self) -> str:
        return f"FileSecretStore({str(self._folder)!r})"

    def set(self, slug: str, name: str, value: str) -> None:
        """Store or replace a value; the file on disk is the old one or the new one, never half of either."""
        _require(_NAME, name, "a secret name of lower-case letters, digits and underscores")
        if not value:
            raise InvalidInput(f"the secret {name} is empty")
        path = self._path(slug)
        with self._locked():
            content = self._at_home(slug, path, self._read(path) or self._fresh(slug))
            cipher = self._cipher(slug, path, content)
            content["secrets"][name] = _sealed(cipher, slug, name, value.encode())
            _replace(path, content)

    def get(self, slug: str, name: str) -> str | None:
        path = self._path(slug)
        content = self._read(path)
        if content is None or name not in content["secrets"]:
            return None
        sealed = _decoded(path, content["secrets"][name])
        return open_bytes(self._cipher(slug, path, content), sealed, context=_context(slug, name)).decode()

    def names(self, slug: str) -> tuple[str, ...]:
        """List what is stored, by name; reads no value and needs no key."""
        content = self._read(self._path(slug))
        return tuple(sorted(content["secrets"])) if content else ()

    def slugs(self) -> tuple[str, ...]:
        """List the brands that have secrets."""
        return tuple(sorted(path.stem for path in self._folder.glob("[!.]*.json")))

    def forget(self, slug: str) -> bool:
        """Destroy a brand's secrets for good; False where there were none."""
        path = self._path(slug)
        with self._locked():
            there = path.exists()
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
        return there

    def rekey(self, slug: str) -> int:
        """Seal a brand's secrets under a new key of the file, and return how many there are."""
        path = self._path(slug)
        with self._locked():
            content = self._read(path)
            if content is None:
                return 0
            cipher, fresh = self._cipher(slug, path, content), self._fresh(slug)
            new = self._cipher(slug, path, fresh)
            for name, kept in content["secrets"].items():
                plain = open_bytes(cipher, _decoded(path, kept), context=_context(slug, name))
                fresh["secrets"][name] = _sealed(new, slug, name, plain)
            _replace(path, fresh)
        return len(fresh["secrets"])

    def rewrap(self, slug: str, wrapped_anew: Callable[[bytes, bytes], bytes]) -> bool:
        """Have the file's key wrapped anew, given its bytes and its context; return whether that changed it."""
        path = self._path(slug)
        with self._locked():
            content = self._read(path)
            if content is None:
                return False
            wrapped = _decoded(path, content["wrapped_key"])
            fresh = wrapped_anew(wrapped, _file_context(slug))
            if fresh != wrapped:
                _replace(path, content | {"wrapped_key": base64.b64encode(fresh).decode()})
        return fresh != wrapped

    def _path(self, slug: str) -> Path:
        _require(_SLUG, slug, "a tenant's folder name")
        return self._folder / f"{slug}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._folder, os.O_RDONLY)
        except OSError as error:
            raise ConfigError(f"the secrets folder {self._folder} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _fresh(self, slug: str) -> dict[str, Any]:
        wrapped = self._keystore.wrap(os.urandom(KEY_BYTES), context=_file_context(slug))
        return {"format": _FORMAT, "wrapped_key": base64.b64encode(wrapped).decode(), "secrets": {}}

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode & 0o777
                content = json.loads(file.read())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"the secrets file {path} cannot be read: {error.strerror}") from None
        except ValueError:
            raise ConfigError(f"the secrets file {path} is malformed: expected JSON") from None
        if mode & 0o077:
            raise ConfigError(f"the secrets file {path} must be readable by its owner only (0600), found {mode:04o}")
        if not _well_formed(content):
            raise ConfigError(f"the secrets file {path} is malformed: expected format {_FORMAT} with key and secrets")
        return dict(content)

    def _at_home(self, slug: str, path: Path, content: dict[str, Any]) -> dict[str, Any]:
        """Return the content with its key wrapped here, if it was wrapped elsewhere."""
        wrapped, context = _decoded(path, content["wrapped_key"]), _file_context(slug)
        try:
            self._keystore.unwrap(wrapped, context=context)
        except SealBroken:
            if self._former is None:
                raise
            ours = self._keystore.wrap(self._former.unwrap(wrapped, context=context), context=context)
            return content | {"wrapped_key": base64.b64encode(ours).decode()}
        return content

    def _cipher(self, slug: str, path: Path, content: dict[str, Any]) -> AESGCM:
        wrapped, context = _decoded(path, content["wrapped_key"]), _file_context(slug)
        try:
            return AESGCM(self._keystore.unwrap(wrapped, context=context))
        except SealBroken:
            if self._former is None:
                raise
        return AESGCM(self._former.unwrap(wrapped, context=context))


def _sealed(cipher: AESGCM, slug: str, name: str, plain: bytes) -> str:
    return base64.b64encode(seal_bytes(cipher, plain, key_version=0, context=_context(slug, name))).decode()


def _well_formed(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and content.get("format") == _FORMAT
        and isinstance(content.get("wrapped_key"), str)
        and isinstance(content.get("secrets"), dict)
        and all(isinstance(value, str) for value in content["secrets"].values())
    )


def _decoded(path: Path, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ConfigError(f"the secrets file {path} is malformed: expected base64") from None


def _replace(path: Path, content: dict[str, Any]) -> None:
    written = json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_private(draft, written)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"the secrets file {path} cannot be written: {error.strerror}") from None


def _require(pattern: re.Pattern[str], text: str, expected: str) -> None:
    if not pattern.match(text):
        raise InvalidInput(f"expected {expected}, found {text!r}")


def _context(slug: str, name: str) -> bytes:
    return aad(b"copydesk secret", slug.encode(), name.encode())


def _file_context(slug: str) -> bytes:
    return aad(b"copydesk secret file", slug.encode())
