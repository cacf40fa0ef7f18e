"""Checks run beside each other; one that hangs or breaks off is told about, and holds nobody up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from copydesk.doctor import Case, Check, Level, Result, examine, fail, ok
from copydesk.kernel import Unavailable
from doctor_case import case


def good(_case: Case) -> Iterator[Result]:
    yield ok("one", "well")
    yield ok("two", "well")


def away(_case: Case) -> Iterator[Result]:
    yield ok("first", "well")
    raise Unavailable("the key server is\naway")


def test_results_stand_in_the_order_of_the_checks_whoever_was_first() -> None:
    turn = threading.Event()

    def slow(_case: Case) -> Iterator[Result]:
        turn.wait(5)
        yield ok("slow", "well")

    def fast(_case: Case) -> Iterator[Result]:
        turn.set()
        yield ok("fast", "well")

    found = examine(case(), [Check("slow", slow, ""), Check("fast", fast, ""), Check("good", good, "")])
    assert [(one.check, one.about) for one in found] == [
        ("slow", "slow"),
        ("fast", "fast"),
        ("good", "one"),
        ("good", "two"),
    ]


def test_what_was_found_before_an_error_stays_and_the_error_is_a_failure() -> None:
    found = examine(case(), [Check("vault", away, "Start it.")])
    assert [(one.level, one.found) for one in found] == [(Level.PASS, "well"), (Level.FAIL, "the key server is")]
    assert found[1].remedy == "Start it."


def test_one_that_hangs_is_left_behind_at_its_deadline() -> None:
    end = threading.Event()

    def hangs(_case: Case) -> Iterator[Result]:
        yield ok("before", "well")
        end.wait(60)
        yield ok("never", "told")

    began = time.monotonic()
    found = examine(case(), [Check("hangs", hangs, "Wake it."), Check("good", good, "")], deadline_s=0.2)
    took_s = time.monotonic() - began
    end.set()
    assert [one.check for one in found] == ["hangs", "hangs", "good", "good"]
    assert found[0].about == "before"
    assert (found[1].level, found[1].found, found[1].remedy) == (Level.FAIL, "no answer within 0.2 s", "Wake it.")
    assert 0.2 <= took_s < 5


def test_a_mistake_of_ours_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda told: shown.append(told.exc_value))

    def wrong(_case: Case) -> Iterator[Result]:
        yield fail("x", "y", "z")
        raise AssertionError("our bug")

    found = examine(case(), [Check("wrong", wrong, ""), Check("good", good, "")])
    for thread in threading.enumerate():
        if thread.name == "doctor wrong":
            thread.join()
    assert str(shown[0]) == "our bug"
    assert [one.level for one in found] == [Level.FAIL, Level.FAIL, Level.PASS, Level.PASS]
    assert "broke off" in found[1].found


def test_an_own_deadline_is_longer_than_the_usual_one() -> None:
    turn = threading.Event()

    def patient(_case: Case) -> Iterator[Result]:
        turn.wait(0.3)
        yield ok("patient", "well")

    found = examine(case(), [Check("patient", patient, "", deadline_s=10)], deadline_s=0.01)
    assert found[0].level is Level.PASS
