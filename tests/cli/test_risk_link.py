"""`copydesk risk link`: what it prints opens what it says, and nothing after the key was turned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.kernel import utc_now
from copydesk.web.grants import PURPOSE, Grant, Permission, page_grant
from test_risk_command import follower


@dataclass
class Desk:
    capsys: pytest.CaptureFixture[str]
    runtime: Runtime
    subscription: int

    def json(self, *argv: str) -> Any:
        assert run(["risk", "link", *argv, "--json"]) == 0
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def said(self, *argv: str) -> str:
        assert run(["risk", "link", *argv]) == 1
        return " ".join(self.capsys.readouterr().err.split())

    def opens(self, url: str, brand: str = "aurora") -> Grant | None:
        (token,) = parse_qs(urlsplit(url).query)["token"]
        key = self.runtime.link_keys.known(PURPOSE, brand)
        assert key is not None
        return page_grant(key, token, tenant=brand, now=utc_now())


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    try:
        for brand in ("boreal", "aurora"):
            with runtime.db.tenant(runtime.tenant_ids[brand]) as session:
                subscription, _ = follower(session)
        runtime.link_keys.turn()  # Each test has a data folder of its own, and so another key file.
        yield Desk(capsys, runtime, subscription)
    finally:
        runtime.close()


def test_a_link_opens_the_brands_desk_for_eight_hours(desk: Desk) -> None:
    told = desk.json("--tenant", "aurora")
    grant = desk.opens(told["url"])
    assert grant is not None
    assert (grant.tenant, grant.permission, grant.subscription_id) == ("aurora", Permission.RISK_READ, None)
    assert timedelta(hours=7.9) < grant.until - utc_now() <= timedelta(hours=8)
    assert datetime.fromisoformat(told["until"]) == grant.until
    assert told["url"].startswith("http://aurora.localhost:8000/risk/enter?token=")


def test_a_link_for_a_subscription_opens_that_one_for_as_long_as_was_asked(desk: Desk) -> None:
    grant = desk.opens(desk.json("--tenant", "aurora", "--subscription", str(desk.subscription), "--hours", "1")["url"])
    assert grant is not None
    assert (grant.permission, grant.subscription_id) == (Permission.RISK_OWN, desk.subscription)
    assert grant.until - utc_now() <= timedelta(hours=1)


def test_a_link_opens_no_other_brand(desk: Desk) -> None:
    assert desk.opens(desk.json("--tenant", "aurora")["url"], brand="boreal") is None


def test_a_turn_of_the_key_ends_what_was_given_out(desk: Desk) -> None:
    before = desk.json("--tenant", "aurora")["url"]
    assert desk.json("--end-all")["ok"]
    assert desk.opens(before) is None
    assert desk.opens(desk.json("--tenant", "aurora")["url"]) is not None


def test_the_only_line_of_output_is_the_address(desk: Desk) -> None:
    assert run(["risk", "link", "--tenant", "aurora", "--site-url", "https://{host}/"]) == 0
    (line,) = desk.capsys.readouterr().out.splitlines()
    assert line.startswith("https://aurora.localhost/risk/enter?token=")


def test_the_address_has_the_port_that_the_sites_are_served_on(desk: Desk) -> None:
    folder = desk.runtime.places.var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "roles.conf").write_text("[program:web]\ncommand = copydesk web --host ::1 --port 8123 --live-port 1\n")
    assert desk.json("--tenant", "aurora")["url"].startswith("http://aurora.localhost:8123/")


def test_what_cannot_be_opened_is_refused(desk: Desk) -> None:
    assert "no brand nowhere" in desk.said("--tenant", "nowhere")
    assert "no subscription 999999" in desk.said("--tenant", "aurora", "--subscription", "999999")
    assert "expected either --tenant, or --end-all alone" in desk.said()
    assert "expected either --tenant, or --end-all alone" in desk.said("--tenant", "aurora", "--end-all")
    assert run(["risk", "link", "--tenant", "aurora", "--hours", "169"]) == 2
