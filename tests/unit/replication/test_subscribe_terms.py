"""Which lane an account gets, for good."""

from __future__ import annotations

from copydesk.replication import shard_of
from copydesk.trading import Environment


def test_accounts_are_spread_over_the_lanes_of_their_exchange() -> None:
    lanes = [shard_of("binance", Environment.LAB, number, 2) for number in range(4)]
    assert lanes == ["binance-lab:0", "binance-lab:1", "binance-lab:0", "binance-lab:1"]


def test_environments_never_share_a_lane() -> None:
    assert shard_of("binance", Environment.LIVE, 0, 1) == "binance-live:0"
