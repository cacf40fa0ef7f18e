"""The evidence for OWASP ASVS 5.0, Levels 1 and 2: every requirement has its row, and every row what shows it."""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Any

import pytest
import yaml
from project import ROOT

PAGE = ROOT / "platform" / "docs" / "security" / "asvs.yaml"
OFFICIAL = ROOT / "tests" / "tidy" / "asvs_5_0.csv"  # Ids and levels of the standard's own list, version 5.0.0.
STATUSES = {"met", "part", "open", "na"}
ROWS: list[dict[str, Any]] = yaml.load(PAGE.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])


@cache
def text(path: str) -> str | None:
    """Return what a file of the project says, None where it is none."""
    place = ROOT / path
    return place.read_text() if place.is_file() else None


def missing(evidence: str) -> str:
    """Return what is wrong with a piece of evidence: a test, a heading of a page, or a file."""
    path, _, test = evidence.partition("::")
    page, _, heading = evidence.partition("#")
    said = text(path if test else page)
    if said is None:
        return f"{evidence}: there is no such file"
    if test and not re.search(rf"^(?:async )?def {re.escape(test)}\(", said, re.MULTILINE):
        return f"{evidence}: there is no such test"
    if heading and not re.search(rf"^#+ {re.escape(heading)}$", said, re.MULTILINE):
        return f"{evidence}: there is no such heading"
    return ""


def wrong(row: dict[str, Any]) -> list[str]:
    """Return what a row lacks."""
    found = [f"unknown field {name}" for name in row.keys() - {"id", "level", "asks", "status", "evidence", "note"}]
    status, evidence, note = row.get("status"), row.get("evidence", []), row.get("note", "")
    if status not in STATUSES:
        found.append(f"expected a status of {', '.join(sorted(STATUSES))}, found {status}")
    if status in {"met", "part"} and not evidence:
        found.append("what shows it?")
    if status == "met" and not any("::" in one or "#" in one for one in evidence):
        found.append("met is shown by a test, or for documentation by the heading of a page")
    if status in {"part", "open", "na"} and len(note) < len("No OAuth."):
        found.append(f"{status} needs a reason")
    return found + [said for one in evidence if (said := missing(one))]


def test_every_requirement_has_its_row_and_no_other_row_is_there() -> None:
    official = [(row["id"], int(row["level"])) for row in csv.DictReader(OFFICIAL.read_text().splitlines())]
    assert len(official) == 253
    assert [(row["id"], row["level"]) for row in ROWS] == official


@ROW
def test_a_row_has_a_status_and_what_shows_it(row: dict[str, Any]) -> None:
    assert wrong(row) == []


def test_requirements_are_told_in_our_own_few_words() -> None:
    assert [row["id"] for row in ROWS if not 10 <= len(row["asks"]) <= 90 or "Verify" in row["asks"]] == []


def test_what_we_have_nothing_of_is_not_applicable() -> None:
    nothing = [row for row in ROWS if row["id"].startswith("V17.")]
    assert len(nothing) == 7
    assert {row["status"] for row in nothing} == {"na"}


@pytest.mark.parametrize(
    "row",
    [
        {"id": "V1", "level": 1, "asks": "something"},
        {"id": "V1", "level": 1, "asks": "something", "status": "fine"},
        {"id": "V1", "level": 1, "asks": "something", "status": "met"},
        {"id": "V1", "level": 1, "asks": "something", "status": "met", "evidence": ["setup.cfg"]},
        {"id": "V1", "level": 1, "asks": "something", "status": "met", "evidence": ["tests/nowhere.py::test_x"]},
        {"id": "V1", "level": 1, "asks": "something", "status": "met", "evidence": [f"{__name__}.py::test_x"]},
        {"id": "V1", "level": 1, "asks": "something", "status": "met", "evidence": ["README.md#No such heading"]},
        {"id": "V1", "level": 1, "asks": "something", "status": "part", "evidence": ["setup.cfg"]},
        {"id": "V1", "level": 1, "asks": "something", "status": "open"},
        {"id": "V1", "level": 1, "asks": "something", "status": "na"},
    ],
    ids=["bare", "status", "unshown", "untested", "file", "test", "heading", "part", "open", "na"],
)
def test_a_row_that_shows_nothing_is_found(row: dict[str, Any]) -> None:
    assert wrong(row) != []
