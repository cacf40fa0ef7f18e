"""Which lane an account gets, for good."""

from __future__ import annotations

from copydesk.replication import shard_of, whereabouts_of
from copydesk.trading import Environment


def test_accounts_are_spread_over_the_lanes_of_their_exchange() -> None:
    lanes = [shard_of("binance", Environment.LAB, number, 2) for number in range(4)]
    assert lanes == ["binance-lab:0", "binance-lab:1", "binance-lab:0", "binance-lab:1"]


def test_environments_never_share_a_lane() -> None:
    assert shard_of("binance", Environment.LIVE, 0, 1) == "binance-live:0"


def test_accounts_bound_to_an_outgoing_address_have_lanes_of_their_own() -> None:
    shard = shard_of("okx", Environment.LAB, 5, 4, egress="2001:db8::1")
    assert shard == "okx-lab@2001_db8__1:1"
    assert whereabouts_of(shard) == ("okx", Environment.LAB, "2001:db8::1")
    assert whereabouts_of("binance-live:7") == ("binance", Environment.LIVE, "")
    assert whereabouts_of(shard).exchange == "okx-lab"
