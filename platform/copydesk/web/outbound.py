"""Requests to addresses that somebody else wrote down (webhooks, a logo's address): to the public internet, or nowhere.

A name is resolved once, every address that it has is looked at, and the connection goes to the address that was looked
at: a name that answers differently the second time changes nothing. Redirects are not followed, proxies of the
environment not used, answers read up to a limit. Sources: OWASP Server-Side Request Forgery Prevention; IANA special
purpose address registries; RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from copydesk.kernel import InvalidInput, OutcomeUnknown, Unavailable
from copydesk.kernel.internet import Address, is_public

__all__ = ["Address", "Answer", "Outbound", "Resolve", "is_public", "resolve"]

Resolve = Callable[[str, int], Sequence[str]]

PORTS = frozenset({443})
_ANSWER_BYTES_MAX = 1024 * 1024
_TIMEOUT_S = 10.0
_URL_LENGTH_MAX = 2_000
_METHODS = frozenset({"GET", "POST"})
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, headers by lower-case name, and the body, at most as long as was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """Return every address that a name has; raises OSError where it has none."""
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Outbound:
    """Ask addresses of the public internet. What decides where one may go is injected for tests alone."""

    resolve: Resolve = resolve
    ports: frozenset[int] = PORTS
    allowed: Callable[[Address], bool] = is_public
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    timeout_s: float = _TIMEOUT_S

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        answer_bytes_max: int = _ANSWER_BYTES_MAX,
    ) -> Answer:
        """Send one request and read its answer, whatever its status; redirects come back as answers.

        Raises `InvalidInput` for an address that leads elsewhere than the public internet, `Unavailable` where nobody
        was reached, `OutcomeUnknown` where the request went out and no answer came back.
        """
        assert method in _METHODS, "others are not needed"
        asked = self.check(url)
        port = asked.port or 443
        address = self._chosen(asked.hostname or "", port)
        sent = {name: value for name, value in (headers or {}).items() if name.lower() not in _OWN_HEADERS}
        connection = _Pinned(asked.hostname or "", port, str(address), self.context, self.timeout_s)
        try:
            return connection.exchange(method, _target(asked), sent, body, answer_bytes_max)
        finally:
            connection.close()

    def check(self, url: str) -> SplitResult:
        """Return the parts of an address that may be asked, without resolving it; raises `InvalidInput` by name."""
        try:
            parts = urlsplit(url) if len(url) <= _URL_LENGTH_MAX and url.isascii() and url.isprintable() else None
            port = (parts.port or 443) if parts else 0
        except ValueError:
            parts, port = None, 0
        if parts is None or parts.scheme != "https" or not parts.hostname or " " in url:
            raise InvalidInput("address: expected https:// and a name, found something else", code="address_unusable")
        if parts.username is not None or parts.password is not None:
            raise InvalidInput("address: expected none with a user name in it", code="address_unusable")
        if port not in self.ports:
            ports = " or ".join(map(str, sorted(self.ports)))
            raise InvalidInput(f"address: expected port {ports}, found {port}", code="address_unusable")
        return parts

    def _chosen(self, host: str, port: int) -> Address:
        """Return the one address to connect to; one that is not public among several makes the name unusable."""
        try:
            found = [ip_address(text.partition("%")[0]) for text in self.resolve(host, port)]
        except (OSError, UnicodeError, ValueError) as error:
            raise Unavailable(f"{host} has no address") from error
        if not found:
            raise Unavailable(f"{host} has no address")
        if not all(self.allowed(address) for address in found):
            raise InvalidInput(f"address: {host} does not lead into the public internet", code="address_not_public")
        return found[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address that was looked at, under the name that its certificate must have."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s, context=context)
        self._address = address
        self._context = context
        self._too_late = Event()

    def connect(self) -> None:
        """Connect to the address, and check the certificate for the name."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes, bytes_max: int) -> Answer:
        try:
            self.connect()
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{self.host} cannot be reached: {type(error).__name__}") from error
        watch = Timer(self.timeout or _TIMEOUT_S, self._cut)
        watch.start()
        try:
            self.request(method, target, body=body or None, headers=dict(headers))
            answer = self.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, self._read(answer, bytes_max))
        except (OSError, http.client.HTTPException) as error:
            name = "TimeoutError" if self._too_late.is_set() else type(error).__name__
            raise OutcomeUnknown(f"{self.host} did not answer: {name}") from error
        finally:
            watch.cancel()

    def _cut(self) -> None:
        """End a request that takes too long in all, whatever drips in meanwhile."""
        self._too_late.set()
        with suppress(OSError):
            # Below the encryption, which another thread is reading just now.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _read(self, answer: http.client.HTTPResponse, bytes_max: int) -> bytes:
        """Read no more than asked for."""
        found = b""
        while len(found) < bytes_max and (part := answer.read1(min(65_536, bytes_max - len(found)))):
            found += part
        if self._too_late.is_set():
            raise TimeoutError("the answer takes too long")
        return found


def _target(parts: SplitResult) -> str:
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
