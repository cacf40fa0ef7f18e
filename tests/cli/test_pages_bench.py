"""`copydesk bench pages`: every page of a small desk answers, and its figures are those of the plain ways."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from copydesk.bench.bars import PAGES_BARS, verdicts
from copydesk.bench.pages import Seen, row_of, run_pages, summarize
from copydesk.bench.pages_plan import PagesPlan
from copydesk.cli import run
from copydesk.cli.bench_pages import site_of

ROOT = Path(__file__).parents[2]
SMALL = PagesPlan(subscriptions=20, receipts=120, followers=20, signals=60, fanned=30, notices=60, rounds=1, warm=0)
ASKED = {"home", "activity, page 50", "a receipt", "one subscription", "copy, step 3", "studio, signals", "terminal"}


def test_every_page_of_a_small_desk_answers_and_shows_what_the_plain_ways_come_to(
    shipped_brands: Path, owner_url: str
) -> None:
    shutil.rmtree(shipped_brands / "themes")
    (shipped_brands / "themes").symlink_to(ROOT / "themes")
    found = run_pages(SMALL, site_of, os.environ, owner_url, lambda _line: None)
    rows = {row["page"]: row for row in found["rows"]}
    assert rows.keys() >= ASKED and len(rows) == found["pages"]
    assert all(row["statements"] and row["cpu_p50_ms"] > 0 for row in rows.values())
    assert [one["figures_of"] for one in found["plain"]] == ["home", "activity", "signals"]
    assert not SMALL.full and verdicts(found, PAGES_BARS)


def test_the_slowest_page_is_named_and_held_against_the_bar() -> None:
    fast = [Seen(10.0, 8.0, 1.0, 7, 1024)] * 3
    slow = [Seen(float(wall), 40.0, 12.5, 20, 4096) for wall in (50, 60, 61)]
    found = summarize(SMALL, [row_of("wallets", fast), row_of("home", slow)])
    assert (found["page_slowest"], found["page_p50_ms"], found["pages"]) == ("home", 60.0, 2)
    assert found["rows"][1]["with_database_p50_ms"] == 52.5
    assert [verdict.met for verdict in verdicts(found, PAGES_BARS)] == [False]


@pytest.mark.parametrize("words", (["--subscriptions", "19"], ["--receipts", "0"], ["--rounds", "0"]), ids=" ".join)
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "pages", *words]) == 2
    assert f"Invalid value for '{words[0]}'" in capsys.readouterr().err
