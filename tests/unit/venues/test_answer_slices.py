"""Large lists are read item by item, whatever stands around them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from copydesk.venues.client.slices import items_of, off_loop

ITEMS: list[Any] = [
    {"symbol": "A", "filters": [{"deep": [1, [2]]}], "text": 'a ] } " b'},
    {"symbol": "Ä"},
    3,
    "four",
    [],
]


@pytest.mark.parametrize("indent", [False, True])
def test_the_items_are_those_of_the_whole_document(indent: bool) -> None:
    body = orjson.dumps({"assets": [1], "symbols": ITEMS, "after": [2]}, option=orjson.OPT_INDENT_2 if indent else None)
    assert list(items_of(body, "symbols")) == ITEMS
    assert list(items_of(body, "assets")) == [1]


def test_an_empty_list_has_no_items() -> None:
    assert list(items_of(b'{"symbols": [ ]}', "symbols")) == []


@pytest.mark.parametrize("body", [b"{}", b'{"symbols":{}}', b'{"symbols":[1,', b'{"symbols":[{"a"', b"<html>", b"\xff"])
def test_what_is_no_list_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        list(items_of(body, "symbols"))


def test_reading_happens_beside_the_event_loop() -> None:
    async def run() -> None:
        body = orjson.dumps({"data": ITEMS})
        assert await off_loop(list, body, "data") == ITEMS

    asyncio.run(run())
