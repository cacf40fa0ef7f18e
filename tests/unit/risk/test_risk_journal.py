"""The journal of risk: what it holds outlives a crash, what is crossed out is gone, half a line is no line."""

from __future__ import annotations

from pathlib import Path

from copydesk.risk.journal import Journal


def test_what_was_written_is_there_after_a_crash(tmp_path: Path) -> None:
    Journal(tmp_path / "a" / "acts.jsonl").write({"reference": "1", "qty": "0.5"}, {"reference": "2"})
    assert list(Journal(tmp_path / "a" / "acts.jsonl").left) == ["1", "2"]


def test_what_is_crossed_out_stays_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "acts.jsonl")
    journal.write({"reference": "1"}, {"reference": "2"})
    journal.done("1", "unknown")
    assert list(Journal(tmp_path / "acts.jsonl").left) == ["2"]
    journal.done("2")
    assert not (tmp_path / "acts.jsonl").exists()


def test_a_line_that_was_cut_off_hides_none_that_follow(tmp_path: Path) -> None:
    path = tmp_path / "acts.jsonl"
    Journal(path).write({"reference": "1"})
    path.write_bytes(path.read_bytes() + b'{"reference": "2", "or')
    Journal(path).write({"reference": "3"})
    assert list(Journal(path).left) == ["1", "3"]
