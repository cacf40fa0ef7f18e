"""Nobody who looks for changes is held up by a database that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from copydesk.kernel import Unavailable
from copydesk.tenancy import DatabaseOverrides, Head


class Hanging:
    """A database that answers while its gate is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = 0
        self.gate.set()

    @contextmanager
    def installation(self) -> Iterator[Any]:
        self.asked += 1
        self.gate.wait()
        yield self

    def execute(self, _query: object) -> Any:
        return self

    def all(self) -> list[tuple[str, int, int, str, str]]:
        return [("north", 1, 7, "active", "")]


def test_a_look_at_a_hanging_database_ends_soon_and_the_next_ones_at_once() -> None:
    hanging = Hanging()
    source = DatabaseOverrides(lambda: hanging)  # type: ignore[arg-type, return-value]
    assert source.heads() == {"north": Head(1, 7)}
    hanging.gate.clear()
    with pytest.raises(Unavailable, match="has not answered within"):
        source.heads()
    began = time.monotonic()
    for _ in range(50):
        with pytest.raises(Unavailable, match="has not answered yet"):
            source.heads()
    assert time.monotonic() - began < 0.2
    assert hanging.asked == 2
    hanging.gate.set()
    while True:
        try:
            assert source.heads() == {"north": Head(1, 7)}
            break
        except Unavailable:
            continue
