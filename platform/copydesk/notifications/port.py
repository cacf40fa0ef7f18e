"""What mail needs from outside: somebody who seals, somebody who writes, somebody who carries."""

from __future__ import annotations

from typing import Protocol

from copydesk.notifications.model import Letter, Waiting


class Seal(Protocol):
    """Seal one field of one row of one tenant; `vault.Vault` is one."""

    def seal(self, tenant_id: int, row_id: int, field: str, text: str, /) -> bytes: ...

    def open(self, tenant_id: int, row_id: int, field: str, sealed: bytes, /) -> str: ...


class Writer(Protocol):
    """Write a letter in the reader's language and the brand's name."""

    def write(self, waiting: Waiting) -> Letter:
        """Return the letter; raises `ConfigError` while the brand cannot be read."""
        ...


class Mailer(Protocol):
    """Carry letters. The twin of a brand without a mail server puts them into a folder."""

    def send(self, letter: Letter) -> None:
        """Hand one letter over; it may arrive twice where a line broke at the wrong moment, under one Message-ID.

        Raises `Refused` when it will never be taken (code "mail_refused"), `Postponed` when it may be later, and
        `Unavailable` when none of the brand's letters is taken now.
        """
        ...
