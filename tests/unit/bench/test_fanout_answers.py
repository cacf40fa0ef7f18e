"""Doubles and gaps, counted in a journal: who executed what between two orders of the leader."""

from __future__ import annotations

from pathlib import Path

import orjson
from copydesk.bench.answers import Answers, Executed, JournalTail, answers

CROWD = ("ada", "bob")


def journal(*executed: str) -> list[Executed]:
    """Read "account order" words."""
    return [Executed(*words.split()) for words in executed]


def test_one_order_of_everybody_for_each_of_the_leaders_is_all_there_should_be() -> None:
    found = journal("leader 1", "ada 2", "bob 3", "leader 4", "bob 5", "ada 6")
    assert answers(found, "leader", CROWD) == Answers(0, 0)


def test_an_order_that_is_filled_in_parts_counts_once() -> None:
    found = journal("leader 1", "leader 1", "ada 2", "bob 3", "ada 2")
    assert answers(found, "leader", CROWD) == Answers(0, 0)


def test_a_second_order_is_a_double_and_none_is_a_gap() -> None:
    found = journal("leader 1", "ada 2", "ada 3", "leader 4", "ada 5", "bob 6")
    assert answers(found, "leader", CROWD) == Answers(1, 1)


def test_what_happened_before_the_leader_and_by_strangers_is_not_counted() -> None:
    found = journal("ada 1", "leader 2", "ada 3", "bob 4", "eve 5")
    assert answers(found, "leader", CROWD) == Answers(0, 0)


def test_a_growing_journal_is_read_line_by_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = [
        orjson.dumps({"kind": kind, "account": "ada", "order_id": n}) for n, kind in enumerate(("mark", "execution"))
    ]
    path.write_bytes(lines[0] + b"\n" + lines[1][:-5])
    tail = JournalTail(path)
    assert tail.executions() == []
    path.write_bytes(lines[0] + b"\n" + lines[1] + b"\n")
    assert tail.executions() == tail.executions() == [Executed("ada", "1")]


def test_what_was_skipped_is_not_told_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    rows = [orjson.dumps({"kind": "execution", "account": "ada", "order_id": n}) + b"\n" for n in (1, 2)]
    path.write_bytes(rows[0])
    tail = JournalTail(path)
    tail.skip()
    path.write_bytes(b"".join(rows))
    assert tail.executions() == [Executed("ada", "2")]
