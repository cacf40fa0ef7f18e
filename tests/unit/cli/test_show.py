"""Tables in a pipe: aligned, whole, and without a trace of a terminal."""

from __future__ import annotations

import pytest
from copydesk.cli import show


def test_columns_are_aligned_whatever_the_script_is_written_in() -> None:
    lines = show.plain_lines(("brand", "name"), [["dawn", "Dawn"], ["asa", "朝"], ["x", "e\u0301"]])
    assert lines == ["brand  name", "dawn   Dawn", "asa    朝", "x      e\u0301"]


def test_one_long_cell_does_not_widen_the_whole_table() -> None:
    head, long, short = show.plain_lines(("key", "value"), [["k" * 60, "1"], ["a", "2"]])
    assert long == "k" * 60 + "  1"
    assert (head.index("value"), short.index("2")) == (50, 50)


def test_a_table_in_a_pipe_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("check", "found"), [("pass", None), ("fail", True), ("warn", ["a", "b"])])
    show.facts({"brand": "dawn", "gone": None})
    with show.progress("waiting"):
        pass
    out, err = capsys.readouterr()
    assert out == "check  found\npass\nfail   yes\nwarn   a, b\nbrand  dawn\n"
    assert err == "waiting\n"
