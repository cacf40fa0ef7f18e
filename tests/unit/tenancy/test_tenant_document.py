"""YAML as we read it: narrow, with lines, and never an exception."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.tenancy.document import SIZE_MAX, parse_document, read_document
from hypothesis import given
from hypothesis import strategies as st


def test_values_keep_their_lines() -> None:
    document = parse_document("a: 1\nb:\n  - x\n  - y: true\n")
    assert document.data == {"a": 1, "b": ["x", {"y": True}]}
    assert document.line_of(("a",)) == 1
    assert document.line_of(("b", 0)) == 3
    assert document.line_of(("b", 1, "y", "missing")) == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("12:30", "12:30"), ("0.25", Decimal("0.25")), ("2026-01-01", "2026-01-01")],
)
def test_only_plain_values_are_read(text: str, value: object) -> None:
    assert parse_document(f"key: {text}").data == {"key": value}


def test_a_duplicate_key_is_a_problem_on_its_second_line() -> None:
    (problem,) = parse_document("a: 1\nb: 2\na: 3\n").problems
    assert (problem.line, problem.where) == (3, ("a",))
    assert "line 1" in problem.found


def test_malformed_yaml_names_line_and_column() -> None:
    document = parse_document("a: 1\nb: [1, 2\nc: 3\n")
    assert not document.readable
    assert (document.problems[0].line, document.problems[0].column) == (3, 2)


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "a: !!python/object:os.system x\n", "? [a]\n: 1\n"])
def test_aliases_tags_and_nested_keys_are_problems(text: str) -> None:
    assert parse_document(text).problems


def test_hundreds_of_levels_are_a_problem_and_no_crash() -> None:
    assert not parse_document("[" * 5000).readable


def test_bytes_that_are_not_utf8_are_a_problem_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    assert read_document(path).problems[0].line == 2


def test_a_missing_and_an_oversized_file_are_problems(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"a" * (SIZE_MAX + 1))
    assert not read_document(large).readable
    assert read_document(tmp_path / "none.yaml").problems[0].found == "no such file or directory"


@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    document = parse_document(text)
    assert document.readable or document.problems
