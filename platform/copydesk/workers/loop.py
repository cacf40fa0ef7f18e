"""Event loops of roles: one in a thread of its own, so that connections stay warm between jobs; none kept waiting."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class ResidentLoop:
    """Run coroutines from other threads on one uvloop that lives as long as the process."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="resident-loop", daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine from any other thread and return the future of its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


def prefer_latency() -> None:
    """Let a loop's thread have the interpreter within half a millisecond, and keep what lives for ever out of GC.

    Call it once everything that lives as long as the process has been made: collecting that anew takes tens of
    milliseconds, in which no loop runs.
    """
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
