"""What second factors need from outside: somebody who carries text messages."""

from __future__ import annotations

from typing import Protocol


class Texter(Protocol):
    """Carry a text message. The twin of a brand without a provider puts it into a folder."""

    def send(self, to: str, text: str) -> None:
        """Hand one message over to the number `to` (E.164, "+4915112345678").

        Raises `Refused` (code "text_refused") when it will never be taken, `Unavailable` when it may be later. The text
        holds a code: it is never logged.
        """
        ...
