"""Large JSON answers in small pieces: a list of thousands decoded item by item, off the event loop.

Decoding megabytes in one call would hold the interpreter, and with it the event loop, for tens of milliseconds
from whatever thread it runs in.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

TURN_S, PAUSE_S = 0.0005, 0.0001
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")


def items_of(body: bytes, name: str) -> Iterator[Any]:
    """Decode the items of the first list called `name` one after the other; `ValueError` if it is not one."""
    text = body.decode()
    start = re.search(rf'"{re.escape(name)}"\s*:\s*\[', text)
    if start is None:
        raise ValueError(f"no list {name}")
    position = _skip(text, start.end())
    while text[position : position + 1] != "]":
        item, position = _DECODER.raw_decode(text, position)
        yield item
        position = _skip(text, position)


async def off_loop(read: Callable[[Iterator[Any]], T], body: bytes, name: str) -> T:
    """Read a list in a thread that gives the interpreter away after every `TURN_S`, as soon as an item is done."""
    return await asyncio.to_thread(lambda: read(_in_turns(items_of(body, name))))


def _in_turns(items: Iterator[Any]) -> Iterator[Any]:
    """Pause between items: a thread that is only busy keeps the event loop waiting for a switch interval each time.

    That is 5 ms by default, and one turn of the loop may have to ask several times.
    """
    turn_ends = time.perf_counter() + TURN_S
    for item in items:
        yield item
        if time.perf_counter() >= turn_ends:
            time.sleep(PAUSE_S)
            turn_ends = time.perf_counter() + TURN_S


def _skip(text: str, position: int) -> int:
    between = _BETWEEN.match(text, position)
    assert between is not None, "the pattern matches nothing as well"
    return between.end()
