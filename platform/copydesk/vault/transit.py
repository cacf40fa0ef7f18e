"""Data keys wrapped by a key server: the transit engine of HashiCorp Vault or OpenBao, over `hvac`.

The key-encryption key never leaves the server. Its transit key is derived (`derived=true`), so that the context is
bound to what is wrapped: another context does not open it.
Source: https://openbao.org/api-docs/secret/transit/ (encrypt, decrypt, rewrap, rotate).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import hvac  # type: ignore[import-untyped]
from hvac import exceptions as said
from requests.exceptions import RequestException

from copydesk.kernel import Clock, ConfigError, SystemClock, Unavailable
from copydesk.vault.model import SealBroken
from copydesk.vault.transit_sign_in import SignIn

T = TypeVar("T")

_PREFIX = b"vault:v"
# A server that gave no answer is not waited for again by everybody who needs it in the next seconds.
_AWAY_S = 5.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PASSING = (
    said.VaultDown,
    said.VaultNotInitialized,
    said.RateLimitExceeded,
    said.InternalServerError,
    said.BadGateway,
    said.PreconditionFailed,
    said.UnexpectedError,
    RequestException,
)


@dataclass(frozen=True)
class TransitPlace:
    """Where the transit key is. `ca` is a file of certificates, empty for the system's."""

    url: str
    mount: str
    key: str
    ca: str = ""
    wait_s: float = 3.0

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
            raise ConfigError(f"vault.transit_url: expected https (http only on this machine), found {self.url}")


class TransitKeyStore:
    """Wrap data keys by the server's key, which the first wrap creates where the sign-in may create keys.

    Raises `Unavailable` while the server is away or sealed, `ConfigError` where it refuses us.
    """

    def __init__(self, place: TransitPlace, sign_in: SignIn, *, clock: Clock | None = None) -> None:
        self._place = place
        self._clock = clock or SystemClock()
        self._away_until = 0.0
        self._sign_in = sign_in
        self._lock = threading.Lock()
        self._client: hvac.Client | None = None

    def __repr__(self) -> str:
        return f"TransitKeyStore({self._place.url!r}, {self._place.key!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key store does not leave its process")

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        told = {"plaintext": _text(key), "context": _text(context)}
        answer = self._ask(lambda transit: transit.encrypt_data(self._place.key, mount_point=self._place.mount, **told))
        return str(answer["data"]["ciphertext"]).encode()

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        told = {"ciphertext": _ciphertext(wrapped), "context": _text(context)}
        answer = self._ask(
            lambda transit: transit.decrypt_data(self._place.key, mount_point=self._place.mount, **told), opens=True
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def newest(self) -> int:
        try:
            answer = self._ask(lambda transit: transit.read_key(self._place.key, mount_point=self._place.mount))
        except _NoKeyError:
            return 0
        return int(answer["data"]["latest_version"])

    def version_of(self, wrapped: bytes) -> int:
        return int(_ciphertext(wrapped).split(":")[1].removeprefix("v"))

    def turn(self) -> int:
        if not self.newest():
            self.wrap(b"the first wrap makes the key", context=b"copydesk")
            return self.newest()
        self._ask(lambda transit: transit.rotate_key(self._place.key, mount_point=self._place.mount))
        return self.newest()

    def rewrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        told = {"ciphertext": _ciphertext(wrapped), "context": _text(context)}
        answer = self._ask(
            lambda transit: transit.rewrap_data(self._place.key, mount_point=self._place.mount, **told), opens=True
        )
        return str(answer["data"]["ciphertext"]).encode()

    def _ask(self, call: Callable[[Any], Any], *, opens: bool = False) -> Any:
        """Ask the transit engine; a token that it refuses is read, or asked for, once more."""
        try:
            return self._told(call, opens=opens)
        except said.Forbidden:
            self._client = None
        try:
            return self._told(call, opens=opens)
        except said.Forbidden:
            raise ConfigError(
                f"the key server {self._place.url} refuses us {self._place.mount}/{self._place.key}: "
                "its policy, or the token, has to be changed"
            ) from None

    def _told(self, call: Callable[[Any], Any], *, opens: bool) -> Any:
        where = f"the key server {self._place.url}"
        if self._clock.monotonic() < self._away_until:
            raise Unavailable(f"{where} gave no answer a moment ago", retry_after_s=_AWAY_S)
        # Not within the `try`: what a sign-in is refused for says nothing of what was wrapped.
        client = self._signed_in()
        try:
            return call(client.secrets.transit)
        except _PASSING as error:
            raise self._away(error) from None
        except said.Unauthorized:
            raise ConfigError(f"{where} refuses our sign-in") from None
        except said.InvalidPath as error:
            # Reading a key that is not there says nothing, a mount that is not there says so.
            if not error.errors:
                raise _NoKeyError(f"{where} has no key {self._place.key}") from None
            raise ConfigError(
                f"{where} has no transit engine at {self._place.mount}: see vault.transit_mount"
            ) from None
        except said.InvalidRequest as error:
            reason = "; ".join(map(str, error.errors or ()))
            if "not found" in reason:
                raise _NoKeyError(f"{where} has no key {self._place.key}: see vault.transit_key") from None
            if opens:
                raise SealBroken(f"{where} does not open it: {reason}") from None
            raise ConfigError(f"{where} cannot use its key {self._place.key}: {reason}") from None

    def _signed_in(self) -> hvac.Client:
        with self._lock:
            if self._client is None:
                client = hvac.Client(
                    url=self._place.url, token="", verify=self._place.ca or True, timeout=self._place.wait_s
                )
                try:
                    client.token = self._sign_in.token(client)
                except _PASSING as error:
                    raise self._away(error) from None
                except said.VaultError as error:
                    reason = "; ".join(map(str, error.errors or ())) or type(error).__name__
                    raise ConfigError(f"the key server {self._place.url} refuses our sign-in: {reason}") from None
                self._client = client
            return self._client

    def _away(self, error: Exception) -> Unavailable:
        why = "is sealed" if isinstance(error, said.VaultDown) else f"gives no answer ({type(error).__name__})"
        self._away_until = self._clock.monotonic() + _AWAY_S
        return Unavailable(f"the key server {self._place.url} {why}", retry_after_s=_AWAY_S)


class _NoKeyError(ConfigError):
    """The server has no such key."""


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _ciphertext(wrapped: bytes) -> str:
    text = wrapped.decode("ascii", errors="replace")
    if not wrapped.startswith(_PREFIX) or text.count(":") != 2 or not text.split(":")[1][1:].isdigit():
        raise SealBroken("this was not wrapped by a key server: vault.provider has changed since?")
    return text
