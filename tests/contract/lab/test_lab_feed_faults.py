"""Harms of public prices: what is told instead of a payload, to whom it applies, and that lifting leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from control_world import PERP, SPOT, ControlWorld, control_world

PRICES = frozenset({"p"})
MARKS = "btcusdt@markPrice"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        yield made


def told(lab: ControlWorld, px: str, at: int, *, channel: str = MARKS, market: str = PERP) -> Any:
    payload = orjson.dumps({"s": "BTCUSDT", "T": at, "data": [{"p": px, "q": "1"}]})
    found = lab.world.exchanges["binance"].public.told(channel, (market, "BTCUSDT"), payload, PRICES)
    return None if found is None else orjson.loads(found)


def seen(message: Any) -> tuple[str, int]:
    return message["data"][0]["p"], message["T"]


def harm(lab: ControlWorld, **fault: Any) -> None:
    lab.call("POST", "faults", venue="binance", market="perp", symbol="BTCUSDT", **fault)


def test_a_misprint_is_told_once_on_each_channel_in_as_many_digits(lab: ControlWorld) -> None:
    harm(lab, harm="misprint", percent=-50, times=1)
    assert [seen(told(lab, "100000.10", at)) for at in (1, 2)] == [("50000.05", 1), ("100000.10", 2)]
    assert seen(told(lab, "100000.10", 3, channel="btcusdt@trade")) == ("50000.05", 3)
    assert told(lab, "7", 4)["data"][0]["q"] == "1"
    assert lab.call("GET", "faults")["faults"][0]["hits"] == 2


def test_a_misprint_leaves_other_markets_and_the_books_alone(lab: ControlWorld) -> None:
    before = lab.best("binance", "BTCUSDT")
    harm(lab, harm="misprint", percent=-50)
    assert seen(told(lab, "100", 1, market=SPOT)) == ("100", 1)
    assert lab.best("binance", "BTCUSDT") == before


@pytest.mark.parametrize(("how", "expected"), [("still", ("100", 2)), ("repeat", ("100", 1)), ("silent", None)])
def test_a_feed_is_frozen_at_what_it_told_last(lab: ControlWorld, how: str, expected: tuple[str, int] | None) -> None:
    told(lab, "100", 1)
    harm(lab, harm="freeze", how=how)
    message = told(lab, "90", 2)
    assert (None if message is None else seen(message)) == expected
    lab.call("DELETE", "faults")
    assert seen(told(lab, "90", 3)) == ("90", 3)


def test_a_feed_that_has_told_nothing_yet_stays_silent(lab: ControlWorld) -> None:
    harm(lab, harm="freeze", how="repeat")
    assert told(lab, "90", 1) is None


def test_a_feed_of_an_unknown_instrument_is_refused_and_not_in_force(lab: ControlWorld) -> None:
    status, sentence = lab.refusal("POST", "faults", harm="freeze", venue="binance", market="perp", symbol="NOPE")
    assert (status, sentence[:23]) == (422, "symbol: expected one of")
    assert lab.call("GET", "faults")["faults"] == []


def test_a_price_that_is_set_is_marked_in_the_journal_at_once(lab: ControlWorld, tmp_path: Path) -> None:
    lab.call("POST", "marks", symbol="BTCUSDT", px="99000")
    lab.world.journal.flush()
    records = [orjson.loads(line) for line in (tmp_path / "journal.jsonl").read_bytes().splitlines()]
    marks = [one["px"] for one in records if one["kind"] == "mark" and one["symbol"] == "BTCUSDT"]
    assert marks[-1] == "99000"
