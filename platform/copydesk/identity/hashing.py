"""Password hashes: Argon2id at OWASP's parameters, computed by a few threads that step back for everything else.

A flood of sign-ins may slow sign-ins down, never the other pages: so many hashes at once, so many waiting, and whoever
comes on top of that is asked to come again. Source: OWASP Password Storage Cheat Sheet (Argon2id, m = 19456 KiB, t = 2,
p = 1).
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from copydesk.kernel import Unavailable

T = TypeVar("T")

_NICE = 10
_BUSY_FOR_S = 2.0
_DUMMY_BYTES = 16


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one hash costs: memory in KiB, passes over it, and lanes."""

    memory_kib: int
    passes: int
    lanes: int


OWASP = HashCost(memory_kib=19_456, passes=2, lanes=1)


@dataclass(frozen=True, slots=True)
class HashLimits:
    """How many hashes are computed at once, and how many more may wait."""

    threads: int = 1
    waiting: int = 4


class Hasher:
    """Hash and check passwords. Thread-safe; raises `Unavailable` at once when too many wait already."""

    def __init__(self, cost: HashCost = OWASP, limits: HashLimits = HashLimits()) -> None:
        self._argon = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)
        self._room = threading.BoundedSemaphore(limits.threads + limits.waiting)
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="password", initializer=_step_back)
        self._lock = threading.Lock()
        self._dummy = ""

    def hash(self, password: str) -> str:
        """Return what is stored of a password, with its own salt and what it cost."""
        return self._run(lambda: self._argon.hash(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether this is the password that was hashed.

        Takes as long for somebody who has none, or whom nobody knows: a hash that nothing matches is checked then.
        """
        return self._run(lambda: self._matches(stored or self._nobodys(), password) and stored is not None)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made at another cost than today's, and is to be made anew at the next sign-in."""
        return self._argon.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown()

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._argon.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def _nobodys(self) -> str:
        with self._lock:
            self._dummy = self._dummy or self._argon.hash(secrets.token_hex(_DUMMY_BYTES))
            return self._dummy

    def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise Unavailable("too many passwords are being checked at the moment", retry_after_s=_BUSY_FOR_S)
        try:
            return self._threads.submit(work).result()
        finally:
            self._room.release()


def _step_back() -> None:
    """Have the system prefer every other thread; Linux counts niceness by thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
