"""A thousand accounts are prepared on the lab's exchanges, whose journal counts every request."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from copydesk.bootstrap import OpenExchange
from copydesk.demo.lab_control import LabControl
from copydesk.replication import LeaderSetupSeen, note_setups
from copydesk.trading import Credentials, Side
from copydesk.venues import PoolLimits, VenueUrls, open_venue
from copydesk.venues.lab import read_journal
from copydesk.workers.loop import ResidentLoop
from desk_site import Around, Site, Worker
from paper_exchange import PERPETUAL, PX

SETUPS = {
    "okx": ("/api/v5/account/set-leverage", "/api/v5/account/set-position-mode"),
    "binance": ("/fapi/v1/leverage", "/fapi/v1/marginType", "/fapi/v1/positionSide/dual"),
}
PREFIX = {"okx": "cd", "binance": "cd-"}
# 2,400 a minute, less the safety margin, of which what can wait may use three tenths.
SPARE_WEIGHT = 684


class Lab(NamedTuple):
    rest: str
    stream: str
    control: LabControl
    folder: Path

    def requests(self, paths: Collection[str]) -> list[Mapping[str, Any]]:
        """Return what has been asked for on these paths up to now."""
        self.control.call("GET", "journal", {"limit": 1})
        records = read_journal(self.folder / "journal.jsonl")
        return [r for r in records if r["kind"] == "request" and r["path"] in paths]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "token").write_text("token")
    command = [sys.executable, "-m", "copydesk.venues.lab", "--data-dir", str(tmp_path / "lab")]
    with subprocess.Popen([*command, "--token-file", str(tmp_path / "token")], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready = orjson.loads(process.stdout.readline())
            with LabControl(ready["control"], "token") as control:
                control.call("POST", "marks", {"symbol": "BTCUSDT", "px": str(PX)})
                yield Lab(ready["rest"], ready["ws"], control, tmp_path / "lab")
        finally:
            process.terminate()


class LabAround(Around):
    """The surroundings with a real exchange behind the port, on a loop that lasts."""

    def __init__(self, site: Site, lab: Lab, venue: str) -> None:
        super().__init__(site.exchange)
        self.loop = ResidentLoop()
        self.broker_prefix = PREFIX[venue]
        self.markets = frozenset({PERPETUAL})
        self._keys = {account: _key(lab, venue, account) for account in site.accounts}
        urls = VenueUrls.lab(venue, lab.rest, lab.stream)
        self._venue = open_venue(venue, urls, limits=PoolLimits(connections_max=50))
        self._opened = OpenExchange(self._venue, self.start(self._venue.instruments()).result())

    def exchange(self, tenant_id: int, shard: str) -> Any:
        return self._opened

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return {account: self._keys[account] for account in account_ids}

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return self.loop.start(work)

    def close(self) -> None:
        self.start(self._venue.aclose()).result()
        self.loop.close()


def _key(lab: Lab, venue: str, account: int) -> Credentials:
    name = f"{venue}-{account}"
    lab.control.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": "100000"}})
    key = lab.control.call("POST", "keys", {"account": name})
    return Credentials(account, key["apiKey"], key["secret"], key.get("passphrase") or "")


@pytest.fixture
def works(lab: Lab) -> Iterator[Callable[[Site, str], Worker]]:
    """Open a worker whose accounts are all on one exchange of the lab."""
    opened: list[LabAround] = []

    def work(site: Site, venue: str) -> Worker:
        site.act("UPDATE account SET venue = :venue, shard = :shard", venue=venue, shard=f"{venue}-lab:0")
        opened.append(LabAround(site, lab, venue))
        worker = Worker(site, "one", opened[-1])
        with site.db.tenant(site.tenant_id) as session:
            note_setups(session, site.leader, {PERPETUAL: LeaderSetupSeen(hedge=False, leverage=3)})
        site.leverage = {PERPETUAL: 3}
        return worker

    yield work
    for around in opened:
        around.close()


def test_an_open_of_a_thousand_prepared_accounts_costs_no_call(
    opens: Callable[..., Site], lab: Lab, works: Callable[[Site, str], Worker]
) -> None:
    site = opens(followers=1_000, allocation=Decimal(1_000))
    worker = works(site, "okx")
    worker.prepare("okx-lab:0")
    asked = lab.requests(SETUPS["okx"])
    assert len({record["account"] for record in asked}) == 1_000
    assert {record["status"] for record in asked} == {200}
    assert site.one("SELECT count(*) FROM account_setup") == 1_000
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain("okx-lab:0")
    assert lab.requests(SETUPS["okx"]) == asked
    assert site.rows("SELECT status, count(*) FROM copy GROUP BY status") == [("accepted", 1_000)]


def test_preparing_stops_where_the_budget_of_the_address_belongs_to_orders(
    opens: Callable[..., Site], lab: Lab, works: Callable[[Site, str], Worker]
) -> None:
    site = opens(followers=250, allocation=Decimal(1_000))
    worker = works(site, "binance")
    worker.prepare("binance-lab:0")
    asked = lab.requests(SETUPS["binance"])
    by_minute = Counter(int(record["at_ms"] // 60_000) for record in asked)
    assert max(by_minute.values()) <= SPARE_WEIGHT
    assert 429 not in {record["status"] for record in asked}
    prepared = site.one("SELECT count(*) FROM account_setup")
    # The minute may have turned meanwhile; else it was spent before the last account.
    assert prepared >= 220
    assert (prepared == 250) == (len(by_minute) > 1)
