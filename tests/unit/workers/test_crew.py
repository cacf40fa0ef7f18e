"""A crew does the jobs of a lane one after the other, and those of several lanes beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest
from copydesk.workers.crew import Crew

PATIENCE_S = 10
A, B = "binance-lab:0", "okx-lab:0"


class Work:
    """Jobs that wait to be let go, and note what they did."""

    def __init__(self) -> None:
        self.begun = {A: Event(), B: Event()}
        self.let_go = {A: Event(), B: Event()}
        self.all_done = Event()
        self.done: list[tuple[str, str]] = []

    def slow(self, tenant_id: int, shard: str) -> None:
        self.begun[shard].set()
        assert self.let_go[shard].wait(PATIENCE_S)
        self.done.append(("slow", shard))

    def quick(self, tenant_id: int, shard: str) -> None:
        self.done.append(("quick", shard))

    def broken(self, tenant_id: int, shard: str) -> None:
        raise ValueError("a mistake of ours")

    def last(self, tenant_id: int, shard: str) -> None:
        self.all_done.set()


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def crew(work: Work) -> Iterator[Crew]:
    crew = Crew({"slow": work.slow, "quick": work.quick, "broken": work.broken, "last": work.last})
    yield crew
    for event in work.let_go.values():
        event.set()
    crew.close()


def test_several_lanes_are_worked_on_beside_each_other(crew: Crew, work: Work) -> None:
    for shard in (A, B):
        crew.give("slow", 1, shard)
    assert all(begun.wait(PATIENCE_S) for begun in work.begun.values())
    assert work.done == []


def test_a_lane_does_one_job_at_a_time_and_one_that_waits_already_is_not_added_again(crew: Crew, work: Work) -> None:
    crew.give("slow", 1, A)
    assert work.begun[A].wait(PATIENCE_S)
    for job in ("quick", "quick", "quick", "last"):
        crew.give(job, 1, A)
    assert work.done == []
    work.let_go[A].set()
    assert work.all_done.wait(PATIENCE_S)
    assert work.done == [("slow", A), ("quick", A)]


def test_a_job_given_while_the_same_one_runs_is_done_after_it(crew: Crew, work: Work) -> None:
    crew.give("slow", 1, A)
    assert work.begun[A].wait(PATIENCE_S)
    crew.give("slow", 1, A)
    crew.give("last", 1, A)
    work.let_go[A].set()
    assert work.all_done.wait(PATIENCE_S)
    assert work.done == [("slow", A), ("slow", A)]


def test_a_job_that_fails_is_told_and_does_not_keep_its_lane(
    crew: Crew, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    crew.give("broken", 7, A)
    crew.give("last", 7, A)
    assert work.all_done.wait(PATIENCE_S)
    assert "broken of lane binance-lab:0 of brand 7 failed" in caplog.text
    assert "a mistake of ours" in caplog.text


def test_a_crew_that_closes_finishes_what_is_being_done(work: Work) -> None:
    crew = Crew({"slow": work.slow})
    crew.give("slow", 1, A)
    assert work.begun[A].wait(PATIENCE_S)
    work.let_go[A].set()
    crew.close()
    assert work.done == [("slow", A)]
    crew.give("slow", 1, A)
    assert work.done == [("slow", A)]
