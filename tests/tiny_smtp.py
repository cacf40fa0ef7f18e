"""A mail server of a hundred lines on loopback (RFC 5321): keeps what it takes, and says what a test wants."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class TinySmtp:
    """What the server was told, and how it is to answer. `answers` maps a verb to its reply; "" hangs up."""

    tls: ssl.SSLContext | None = None
    offers_starttls: bool = False
    user: str = ""
    password: str = ""
    host: str = "127.0.0.1"
    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    greeted_by: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def offers(self, *, encrypted: bool) -> list[str]:
        offered = ["tiny"]
        if self.offers_starttls and not encrypted:
            offered.append("STARTTLS")
        if self.user:
            offered.append("AUTH PLAIN")
        return offered

    def knows(self, response: str) -> bool:
        expected = f"\0{self.user}\0{self.password}".encode()
        return base64.b64decode(response) == expected


class _Line(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.encrypted = False
        self.told = self.server.told
        self.say(self.told.answers.get("CONNECT", "220 tiny"))
        while line := self.rfile.readline():
            text = line.decode().strip()
            verb = text.split(maxsplit=1)[0].upper().partition(":")[0] if text else ""
            answer = self.told.answers.get(verb)
            if answer == "":
                return
            if answer is not None:
                self.say(answer)
            elif not self.obey(verb, text):
                return

    def obey(self, verb: str, text: str) -> bool:
        if verb == "EHLO":
            self.told.greeted_by.append(text.split()[1])
            offered = self.told.offers(encrypted=self.encrypted)
            for number, line in enumerate(offered, 1):
                self.say(f"250{' ' if number == len(offered) else '-'}{line}")
        elif verb == "STARTTLS":
            self.say("220 go on")
            self.encrypt()
        elif verb == "AUTH":
            self.say("235 welcome" if self.told.knows(text.split()[2]) else "535 5.7.8 wrong password")
        elif verb == "DATA":
            self.take()
        elif verb == "QUIT":
            self.say("221 bye")
            return False
        else:
            if verb == "RCPT":
                self.told.recipients.append(text.partition(":")[2])
            self.say("250 ok")
        return True

    def take(self) -> None:
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.told.messages.append(b"".join(lines))
        self.told.encrypted.append(self.encrypted)
        self.say(self.told.answers.get("END", "250 taken"))

    def encrypt(self) -> None:
        assert self.told.tls is not None
        self.connection = self.told.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.encrypted = True

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self, told: TinySmtp) -> None:
        self.told = told
        super().__init__((told.host, 0), _Line)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is what some tests are about."""


@contextmanager
def tiny_smtp(told: TinySmtp) -> Iterator[TinySmtp]:
    """Serve until the block ends."""
    with _Server(told) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
