"""`copydesk operator`: brands, plans and usage at a glance, and the link into the console."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.estate.passes import enter
from copydesk.kernel import utc_now


@dataclass
class Desk:
    capsys: pytest.CaptureFixture[str]
    runtime: Runtime

    def json(self, *argv: str) -> Any:
        assert run(["operator", *argv, "--json"]) == 0
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def refused(self, *argv: str) -> str:
        assert run(["operator", *argv]) != 0
        return " ".join(self.capsys.readouterr().err.split())


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    assert runtime.tenant_ids
    yield Desk(capsys, runtime)
    runtime.close()


def test_every_brand_is_listed_with_its_plan_and_error_budget(desk: Desk) -> None:
    desk.json("plan", "set", "aurora", "--followers", "500", "--strategies", "20")
    found = {one["tenant"]: one for one in desk.json("tenants")["tenants"]}
    assert set(found) == {"aurora", "boreal"}
    assert found["aurora"]["plan"] == {"followers_max": 500, "strategies_max": 20}
    assert (found["aurora"]["served"], found["aurora"]["over_plan"]) == (True, False)
    assert found["aurora"]["in_time_ratio"] is None
    assert found["aurora"]["budget_left_ratio"] == "1"
    assert found["aurora"]["queue_depth"] == 0


def test_a_plan_is_set_once_and_a_second_time_there_is_nothing_to_do(desk: Desk) -> None:
    wish = ("plan", "set", "boreal", "--followers", "7")
    assert desk.json(*wish, "--dry-run")["done"] == "would be set"
    assert desk.json("plan", "show", "boreal")["plan"]["followers_max"] is None
    assert [desk.json(*wish)["done"] for _ in range(2)] == ["set", "nothing to do"]
    assert desk.json("plan", "set", "boreal", "--followers", "none")["plan"]["followers_max"] is None


def test_usage_is_told_by_month_and_as_a_file(desk: Desk) -> None:
    told = desk.json("usage", "--month", "2026-02")
    assert (told["month"], set(told["usage"])) == ("2026-02", {"aurora", "boreal"})
    assert run(["operator", "usage", "--csv"]) == 0
    rows = list(csv.DictReader(desk.capsys.readouterr().out.splitlines()))
    assert [row["tenant"] for row in rows] == ["aurora", "boreal"]


def test_a_link_opens_the_console_where_it_has_a_host(desk: Desk, shipped_brands: Path) -> None:
    assert "operator.hosts: expected a host" in desk.refused("link")
    defaults = shipped_brands / "config" / "defaults.yaml"
    defaults.write_text(defaults.read_text() + "operator: {hosts: [console.example]}\n")
    told = desk.json("link", "--site-url", "https://console.example")
    assert told["url"].startswith("https://console.example/enter?token=")
    (token,) = parse_qs(urlsplit(told["url"]).query)["token"]
    with desk.runtime.db.installation() as session:
        assert enter(session, token, ip="", at=utc_now()) is not None
    assert desk.json("link", "--end-all")["ended"] == 1


def test_a_wrong_word_is_one_sentence(desk: Desk) -> None:
    assert "there is no brand nobody" in desk.refused("plan", "set", "nobody", "--followers", "1")
    assert 'expected a whole number, or "none"' in desk.refused("plan", "set", "aurora", "--followers", "-1")
    assert "expected --followers, --strategies or both" in desk.refused("plan", "set", "aurora")
    assert "expected a month such as 2026-11" in desk.refused("usage", "--month", "november")
    assert "either --csv or --json" in desk.refused("usage", "--csv", "--json")
