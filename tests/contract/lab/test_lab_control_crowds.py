"""The control call that opens many accounts alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from control_world import ControlWorld, control_world
from copydesk.venues.lab.dialects import open_dialects


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        made.lab.dialects = open_dialects(made.world)
        yield made


def test_a_crowd_is_numbered_funded_and_given_a_key_each(lab: ControlWorld) -> None:
    keys = lab.call("POST", "crowds", account="crowd", first=5, count=3, venue="okx", balances={"USDT": "70"})["keys"]
    assert [key["account"] for key in keys] == ["crowd:5", "crowd:6", "crowd:7"]
    assert len({key["apiKey"] for key in keys}) == 3
    assert all(key["secret"] and key["passphrase"] for key in keys)
    (found,) = lab.call("GET", "accounts", account="crowd:6")["accounts"]
    assert found["trading"]["USDT"] == ["70", "0"]


def test_a_crowds_money_goes_to_the_wallet_that_is_named_and_its_leverage_counts(lab: ControlWorld) -> None:
    lab.call("POST", "crowds", account="crowd", venue="bitget", balances={"USDT": "70"}, wallet="futures", leverage=3)
    (found,) = lab.call("GET", "accounts", account="crowd:0")["accounts"]
    assert found["futures"]["wallet"] == "70"
    exchange = lab.lab.world.exchanges["bitget"]
    assert {exchange.perp.settings("crowd:0", symbol).leverage for symbol in exchange.perp.instruments} == {3}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"count": 1001}, "count"),
        ({"wallet": "pocket"}, "wallet"),
        ({"balances": ["USDT"]}, "balances"),
        ({"account": ""}, "account"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused_by_field(lab: ControlWorld, fields: dict[str, object], named: str) -> None:
    status, said = lab.refusal("POST", "crowds", **{"account": "crowd", **fields})
    assert (status, said.partition(":")[0]) == (422, named)


def test_a_name_that_is_taken_is_refused(lab: ControlWorld) -> None:
    lab.call("POST", "crowds", account="crowd", count=2)
    assert lab.refusal("POST", "crowds", account="crowd", first=1)[1] == "account: account 'crowd:1' exists already"
