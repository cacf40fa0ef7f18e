"""Argon2id at OWASP's parameters, a few at a time; whoever comes on top of that hears so at once."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli.web import SiteRuntime
from copydesk.identity.hashing import OWASP, HashCost, Hasher, HashLimits
from copydesk.kernel import Unavailable

CHEAP = HashCost(memory_kib=8, passes=1, lanes=1)


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    hasher = Hasher(CHEAP)
    yield hasher
    hasher.close()


def test_the_default_is_what_owasp_asks_for() -> None:
    hasher = Hasher()
    stored = hasher.hash("tide lamp orbit 27")
    hasher.close()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert HashCost(19_456, 2, 1) == OWASP


def test_the_sites_hash_at_that_cost_whatever_the_installation_says() -> None:
    site = SiteRuntime(Runtime({"COPYDESK_ROOT": str(Path(__file__).parents[3])}), "")
    assert site.hashing is site.hashing, "the bound on hashes at once holds for the whole process"
    assert site.hashing.hash("tide lamp orbit 27").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    site.hashing.close()


def test_a_password_matches_its_own_hash_only(hasher: Hasher) -> None:
    stored = hasher.hash("tide lamp orbit 27")
    assert hasher.matches(stored, "tide lamp orbit 27")
    assert not hasher.matches(stored, "tide lamp orbit 28")
    assert hasher.hash("tide lamp orbit 27") != stored


@pytest.mark.parametrize("stored", (None, "", "no hash at all", "$argon2id$v=19$m=8,t=1,p=1$broken"))
def test_nobody_and_nonsense_match_nothing(hasher: Hasher, stored: str | None) -> None:
    assert not hasher.matches(stored, "")
    assert not hasher.matches(stored, "tide lamp orbit 27")


def test_whom_nobody_knows_costs_one_check_like_everybody() -> None:
    checked: list[str] = []

    class Counting(Hasher):
        def _matches(self, stored: str, password: str) -> bool:
            checked.append(stored)
            return super()._matches(stored, password)

    hasher = Counting(CHEAP)
    hasher.matches(None, "tide lamp orbit 27")
    hasher.matches(None, "another try here 1")
    hasher.matches(hasher.hash("tide lamp orbit 27"), "wrong")
    hasher.close()
    assert len(checked) == 3
    assert checked[0] == checked[1] and checked[0].startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_a_hash_of_another_cost_is_outdated(hasher: Hasher) -> None:
    dearer = Hasher(HashCost(memory_kib=16, passes=1, lanes=1))
    assert dearer.is_outdated(hasher.hash("tide lamp orbit 27"))
    assert not hasher.is_outdated(hasher.hash("tide lamp orbit 27"))
    dearer.close()


def test_more_than_may_wait_are_sent_away_at_once() -> None:
    let_go = threading.Event()

    class Stuck(Hasher):
        def _matches(self, stored: str, password: str) -> bool:
            return let_go.wait()

    hasher = Stuck(CHEAP, HashLimits(threads=1, waiting=1))
    with ThreadPoolExecutor(4) as threads:
        answered = as_completed([threads.submit(hasher.matches, "x", "y") for _ in range(4)])
        away = [next(answered), next(answered)]
        let_go.set()
        served = list(answered)
    hasher.close()
    assert [type(one.exception()) for one in away] == [Unavailable, Unavailable]
    assert [one.result() for one in served] == [True, True]


def test_who_was_sent_away_gets_in_afterwards(hasher: Hasher) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: fits(hasher), range(64)))
    assert fits(hasher)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts niceness by thread")
def test_threads_that_hash_step_back_and_no_others() -> None:
    seen: list[int] = []

    class Looking(Hasher):
        def _matches(self, stored: str, password: str) -> bool:
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return True

    before = os.getpriority(os.PRIO_PROCESS, 0)
    hasher = Looking(CHEAP)
    hasher.matches("x", "y")
    hasher.close()
    assert seen == [before + 10] or seen == [10]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def fits(hasher: Hasher) -> bool:
    try:
        hasher.hash("tide lamp orbit 27")
    except Unavailable:
        return False
    return True
