"""What accounts need from outside."""

from __future__ import annotations

from typing import Protocol


class Hashing(Protocol):
    """Hash and check passwords; raises `Unavailable` while too many wait. `hashing.Hasher` is one."""

    def hash(self, password: str, /) -> str: ...

    def matches(self, stored: str | None, password: str, /) -> bool: ...

    def is_outdated(self, stored: str, /) -> bool: ...
