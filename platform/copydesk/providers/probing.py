"""Asks a provider one harmless question with a brand's keys, and says what came of it.

Only addresses out of our own tables are asked, over TLS with a verified certificate; redirects are not followed,
proxies of the environment not used, and the whole takes no longer than its limit. A plain address is taken from tests
and from who runs a stand-in on this machine: the loopback alone.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from copydesk.kernel import InvalidInput
from copydesk.providers.model import Ask, Given, Outcome, Probe, Provider

TIMEOUT_S = 5.0
_SAID_MAX = 160
_ANSWER_BYTES_MAX = 16_384
_SECRET_LENGTH_MIN = 4
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_WORDS = ("message", "error_description", "description", "detail", "title", "reason", "error")


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def probe(
    provider: Provider,
    given: Given,
    *,
    base_url: str | None = None,
    timeout_s: float = TIMEOUT_S,
    at: datetime | None = None,
) -> Probe:
    """Ask the provider with these keys; nothing is stored, charged or changed. Never raises for what is out there.

    Raises `InvalidInput` for a `base_url` that is neither https nor this machine.
    """
    place = _place(base_url or provider.base_of(given))
    ask = provider.ask(given, at or datetime.now(UTC))
    try:
        status, body = _answer(place, ask, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        return Probe(Outcome.UNREACHABLE, said=f"{place.hostname}: {_line(_reason(error), given)}")
    except ValueError:
        # The library would tell the header that it refuses, and a key is in it.
        return Probe(Outcome.REFUSED, said="a key holds a character that none has, such as a line break")
    return Probe(_outcome(provider, status), status, _line(_words(body), given))


def _outcome(provider: Provider, status: int) -> Outcome:
    if status in provider.accepted:
        return Outcome.ACCEPTED
    return Outcome.REFUSED if status in provider.refused else Outcome.UNEXPECTED


def _place(url: str) -> SplitResult:
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise InvalidInput("provider address: expected https:// and a name, found something else")
    return parts


def _answer(place: SplitResult, ask: Ask, timeout_s: float) -> tuple[int, bytes]:
    """Send one request and read its answer, as much of it as tells anything, until the time is up."""
    until = time.monotonic() + timeout_s
    host = place.hostname or ""
    connection: http.client.HTTPConnection
    if place.scheme == "https":
        connection = http.client.HTTPSConnection(host, place.port, timeout=timeout_s, context=_trust())
    else:
        connection = http.client.HTTPConnection(host, place.port, timeout=timeout_s)
    try:
        path = place.path.rstrip("/") + ask.path
        headers = {"Accept": "application/json", "User-Agent": "provider-check", **ask.headers}
        connection.request(ask.method, path, body=ask.body or None, headers=headers)
        if connection.sock is not None:
            connection.sock.settimeout(max(until - time.monotonic(), 0.05))
        answer = connection.getresponse()
        return answer.status, _read(answer, until)
    finally:
        connection.close()


def _read(answer: http.client.HTTPResponse, until: float) -> bytes:
    """Read what explains the status; what drips in too slowly is left out, for the status says enough."""
    found = b""
    while len(found) < _ANSWER_BYTES_MAX and time.monotonic() < until:
        part = answer.read1(_ANSWER_BYTES_MAX - len(found))
        if not part:
            break
        found += part
    return found


def _words(body: bytes) -> str:
    """Return what the provider says in words: the message of its JSON, wherever it keeps it."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return next(iter(_sentences(told)), "")


def _sentences(told: Any, depth: int = 0) -> Iterable[str]:
    if isinstance(told, list):
        told = told[0] if told else {}
    if not isinstance(told, dict) or depth > 2:
        return
    for name in _WORDS:
        value = told.get(name)
        if isinstance(value, str) and value:
            yield value
    for name in ("error", "errors"):
        yield from _sentences(told.get(name), depth + 1)


def _line(text: str, given: Given) -> str:
    """Return one line of somebody else's words, without the keys: providers like to repeat them."""
    for value in given.secrets.values():
        if len(value) >= _SECRET_LENGTH_MIN:
            text = text.replace(value, "•••")
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return shown if len(shown) <= _SAID_MAX else shown[: _SAID_MAX - 1] + "…"


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    return str(getattr(error, "strerror", "") or type(error).__name__)
