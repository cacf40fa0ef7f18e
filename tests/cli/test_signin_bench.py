"""`copydesk bench signin` on a small scale, and what its flood is made of."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest
from copydesk.bench.bars import SIGN_IN_BARS, verdicts
from copydesk.bench.flood import Heard, moments
from copydesk.bench.signin import InlineHasher, SignInPlan, summarize, tries
from copydesk.cli import run


def test_a_small_flood_meets_a_real_site_and_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "signin", "--rate", "4", "--seconds", "1", "--no-plain", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["sign_ins"] == 4
    assert figures["signed_in"] + figures["refused"] + figures["asked_to_wait"] == 4
    assert figures["signed_in"] > 0 and figures["refused"] > 0
    assert figures["pages_failed"] == figures["unanswered"] == 0
    assert 0 < figures["signin_p50_ms"] <= figures["signin_p95_ms"] <= figures["signin_p99_ms"]
    assert {bar["figure"] for bar in figures["bars"]} == {bar.figure for bar in SIGN_IN_BARS}
    assert not any(name.startswith("plain_") for name in figures)


@pytest.mark.parametrize("words", (["--rate", "0"], ["--seconds", "0"], ["--rate", "nan"], ["--seconds", "601"]))
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "signin", *words]) == 2
    assert f"Invalid value for '{words[0]}'" in capsys.readouterr().err


def test_half_of_a_flood_is_right_and_nobody_is_wrong_too_often_to_be_let_in() -> None:
    flood = tries(SignInPlan(rate=40, seconds=20))
    assert len(flood) == 800
    assert sum(one.right for one in flood) == 400
    wrong = Counter(one.email for one in flood if not one.right)
    assert max(wrong.values()) <= 5
    networks = Counter(one.address.rpartition(".")[0] for one in flood if not one.right)
    assert max(networks.values()) <= 30


def test_a_person_comes_from_one_network_and_strangers_from_their_own() -> None:
    homes: dict[str, set[str]] = {}
    for one in tries(SignInPlan(rate=100, seconds=100)):
        homes.setdefault(one.email, set()).add(one.address)
    assert {len(addresses) for addresses in homes.values()} == {1}
    networks = {address.rpartition(".")[0] for addresses in homes.values() for address in addresses}
    assert len(networks) == len(homes)


def test_moments_are_evenly_apart_and_none_come_at_no_rate() -> None:
    found = list(moments(40, 2))
    assert len(found) == 80
    assert all(abs(later - earlier - 0.025) < 1e-9 for earlier, later in pairwise(found))
    assert list(moments(0, 2)) == []


def test_who_was_asked_to_wait_counts_against_what_was_served() -> None:
    flood = Heard([10.0, 20.0], [5.0, 9.0], Counter({303: 1, 422: 1, 503: 1, 429: 1}), Counter({200: 2}))
    figures = summarize(Heard([], [4.0, 6.0], Counter(), Counter({200: 1, 500: 1})), flood, "")
    assert (figures["signed_in"], figures["refused"], figures["asked_to_wait"]) == (1, 1, 2)
    assert (figures["served_ratio"], figures["unanswered"], figures["pages_failed"]) == (0.5, 0, 1)
    assert figures["page_flood_more_ms"] == pytest.approx(8.8 - 5.9)
    missed = {verdict.figure for verdict in verdicts(figures, SIGN_IN_BARS) if not verdict.met}
    assert missed == {"served_ratio", "pages_failed"}


def test_the_plain_way_checks_passwords_like_ours() -> None:
    plain = InlineHasher()
    stored = plain.hash("a password")
    assert plain.matches(stored, "a password")
    assert not plain.matches(stored, "another")
    assert not plain.matches(None, "of nobody")
    assert not plain.is_outdated(stored)
