"""Carries letters to a brand's own mail server (RFC 5321), over TLS whose certificate is verified."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address

from copydesk.kernel import Refused, Unavailable
from copydesk.kernel.internet import is_public
from copydesk.notifications.message import message_of
from copydesk.notifications.model import Letter, Postponed
from copydesk.tenancy import Smtp, Tenant

TIMEOUT_S = 20.0
_PLACE_KEYS = frozenset({"smtp.host", "smtp.port"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def named_in_panel(tenant: Tenant) -> bool:
    """Tell whether the brand's own people say where its mail server is; then it has to be in the public internet."""
    return not _PLACE_KEYS.isdisjoint(tenant.overrides.values)


class _Outside(smtplib.SMTP):
    """Talk to the public internet alone: what counts is where the line leads, whatever a name answered before."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        if not is_public(ip_address(line.getpeername()[0].partition("%")[0])):
            line.close()
            raise OSError("it does not lead into the public internet; a server inside is named in the brand's file")
        return line


class _OutsideTls(smtplib.SMTP_SSL, _Outside):
    """The same under TLS, which begins on a line that was looked at."""


class SmtpMailer:
    """Send through one server, a connection for each letter. Never shows its password."""

    def __init__(
        self,
        smtp: Smtp,
        password: str | None,
        *,
        trust: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
        inside: bool = True,
    ) -> None:
        """`trust` says whose certificates count; without it those that the system trusts.

        Without `inside` no server is spoken to that is not in the public internet.
        """
        self._plain, self._tls = (smtplib.SMTP, smtplib.SMTP_SSL) if inside else (_Outside, _OutsideTls)
        self._smtp = smtp
        self._password = password
        self._trust = trust or _system_trust()
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"SmtpMailer({self._smtp.host}:{self._smtp.port})"

    def send(self, letter: Letter) -> None:
        message = message_of(letter)
        with self._told(), self._connected(letter.sender.rpartition("@")[2]) as server:
            self._sign_in(server)
            server.send_message(message)

    def try_out(self, name: str) -> bool:
        """Greet, turn to TLS and sign in as a letter would, and send none; say whether there was a sign-in.

        `name` is how we greet. Raises `Unavailable` with what the server said.
        """
        with self._told(), self._connected(name) as server:
            self._sign_in(server)
            server.noop()
        return self._smtp.username is not None and self._password is not None

    @contextmanager
    def _connected(self, name: str) -> Iterator[smtplib.SMTP]:
        """Open a line on which nobody else reads along, unless the brand's file allows that; `name` is how we greet."""
        smtp = self._smtp
        if smtp.security == "tls":
            server: smtplib.SMTP = self._tls(smtp.host, smtp.port, name, timeout=self._timeout_s, context=self._trust)
        else:
            server = self._plain(smtp.host, smtp.port, name, timeout=self._timeout_s)
        with server:
            if smtp.security == "starttls":
                server.starttls(context=self._trust)
            yield server

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self._smtp.username is None or self._password is None:
            return
        if self._smtp.security == "none" and self._smtp.host not in _LOOPBACK:
            raise Unavailable(f"{self._place}: the password is not sent without TLS; set smtp.security to starttls")
        server.login(self._smtp.username, self._password)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one sentence what the server said, and whether it may say otherwise later."""
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            raise self._answer(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPDataError as error:
            raise self._answer(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPResponseException as error:
            # Greeting, sign-in or sender refused: the brand's settings are wrong, not this letter.
            raise Unavailable(f"{self._place}: {error.smtp_code} {_words(error.smtp_error)}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"{self._place}: {_words(str(error) or type(error).__name__)}") from None

    def _answer(self, code: int, words: bytes | str) -> Refused | Postponed:
        told = f"{self._place}: {code} {_words(words)}"
        return Refused(told, code="mail_refused") if 500 <= code < 600 else Postponed(told)

    @property
    def _place(self) -> str:
        return f"{self._smtp.host} port {self._smtp.port}"


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:120]
