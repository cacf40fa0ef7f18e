"""`copydesk bench fanout` and `failover`: what they refuse, and a fan-out small enough to run here."""

from __future__ import annotations

import json

import pytest
from copydesk.cli import run


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["fanout", "--followers", "10001"], "--followers"),
        (["fanout", "--signals", "1"], "--signals"),
        (["fanout", "--engine", "heavy"], "--engine"),
        (["fanout", "--market", "options"], "--market"),
        (["fanout", "--venues", "binance,kraken"], "--venues"),
        (["fanout", "--venues", "okx,okx"], "--venues"),
        (["fanout", "--venues", ""], "--venues"),
        (["failover", "--lanes", "1"], "--lanes"),
        (["failover", "--seconds", "1"], "--seconds"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_measured_is_refused_by_its_option(
    words: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *words]) == 2
    assert f"Invalid value for '{option}'" in capsys.readouterr().err


def test_an_exchange_without_a_follower_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "fanout", "--followers", "1", "--venues", "binance,okx"]) == 2
    assert "expected a follower on each of 2 exchanges, found 1" in capsys.readouterr().err


def test_twenty_followers_copy_a_leader_under_tls_and_the_ways_there_are_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--followers", "20", "--signals", "2", "--rtt-ms", "2", "--tls", "--no-plain", "--json"]
    assert run(["bench", "fanout", *words]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["followers"], figures["signals"], figures["engine"], figures["tls"]) == (20, 2, "light", True)
    hops = ("stored_ms", "copies_stored_ms", "first_sent_ms", "first_ack_ms", "last_ack_p50_ms")
    assert figures[hops[0]] > 0
    assert [figures[hop] for hop in hops] == sorted(figures[hop] for hop in hops)
    assert figures["rss_peak_mb"] >= figures["rss_mb"] > 0
    assert 0.5 <= figures["send_rank_mean_max"] <= 1
    assert figures["bars"] == []
