"""Labels of charts' time axes: by how far ticks are apart, in the reader's zone and language, never the same twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from site_seed import ROOT

SCRIPTS = ("vendor/uPlot.iife.min.js", "js/axis.js")
HOUR, DAY = 3_600, 86_400
# 2026-03-28 22:00 UTC: an hour before midnight in Berlin, where clocks go forward that night.
EVENING = 1_774_735_200
Labels = Callable[[list[int], int, str, str], list[str]]


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    for script in SCRIPTS:
        page.add_script_tag(path=ROOT / "themes" / "core" / "static" / script)
    yield page
    page.close()


@pytest.fixture
def labels(page: Page) -> Labels:
    told = "([ticks, step, zone, locale]) => timeAxis(locale, zone).values(null, ticks, 0, 0, step)"

    def ask(ticks: list[int], step: int, zone: str, locale: str) -> list[str]:
        found: list[str] = page.evaluate(told, [ticks, step, zone, locale])
        return found

    return ask


def test_hours_name_the_day_at_midnight_of_the_readers_zone(labels: Labels) -> None:
    ticks = [EVENING + HOUR * one for one in range(4)]
    assert labels(ticks, HOUR, "Europe/Berlin", "en") == ["23:00", "Mar 29", "01:00", "03:00"]
    assert labels(ticks, HOUR, "UTC", "en") == ["22:00", "23:00", "Mar 29", "01:00"]


def test_days_and_months_are_named_as_such_and_none_twice(labels: Labels) -> None:
    days = [EVENING + DAY * one for one in range(0, 60, 10)]
    assert labels(days[:3], 10 * DAY, "UTC", "de") == ["28. März", "7. Apr.", "17. Apr."]
    months = [EVENING + 31 * DAY * one for one in range(14)]
    found = labels(months, 31 * DAY, "UTC", "en")
    assert found[:2] == ["Mar 2026", "Apr 2026"]
    assert len(set(found)) == len(found)
    assert labels([EVENING, EVENING + 30], 30, "UTC", "en") == ["22:00:00", "22:00:30"]


def test_ticks_fall_on_the_midnights_of_the_readers_zone(page: Page) -> None:
    hours = 'timeAxis("en", "Asia/Kolkata").tzDate(1774722600).getHours()'
    assert page.evaluate(hours) == 0  # 18:30 UTC.
