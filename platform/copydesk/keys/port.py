"""What exchange keys need from outside: somebody who seals what is handed in, and somebody who can read it again."""

from __future__ import annotations

from typing import Protocol

from copydesk.vault import IntakePlace


class SealIn(Protocol):
    """Seal for the roles that may open exchange keys; `vault.IntakePublic` is one."""

    def seal(self, place: IntakePlace, plaintext: str) -> bytes: ...


class OpenIn(Protocol):
    """Open what was handed in; `vault.IntakePrivate` is one."""

    def open(self, place: IntakePlace, sealed: bytes) -> str:
        """Return the text; raises `SealBroken`."""
        ...
