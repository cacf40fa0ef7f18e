"""The fault suite's auditor sees what it is there to see: journals written by hand, with one thing wrong in each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.demo.lab_control import LabKey
from copydesk.faults.audit import Claim, Findings, judge
from copydesk.faults.cast import NORTH, Cast, Follower

KEY = LabKey("", "", "")
CROWD = [Follower(f"north:follower:{n}", "binance", Decimal("0.1"), n, KEY) for n in range(3)]


class Journal:
    """A lab's journal as it would be: a leader and three followers on Binance's spot, bitcoin at 50,000."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.at_ms = 1_000.0
        self.cast = Cast(NORTH, "north:leader", followers=list(CROWD))

    def accounts(self) -> list[dict[str, Any]]:
        names = ["north:leader", *(one.account for one in CROWD)]
        opened = {"kind": "account", "change": "created", "venue": "binance", "wallet": "trading"}
        return [{**opened, "account": name, "balances": {"USDT": "1000000"}, "at_ms": 0, "seq": 0} for name in names]

    def trade(self, account: str, side: str, qty: str, *, cid: str = "", symbol: str = "BTCUSDT") -> None:
        """Record an order that was filled at once, its fee in quote currency."""
        self.at_ms += 10
        number = len(self.records)
        order = {
            "venue": "binance",
            "market": "spot",
            "account": account,
            "symbol": symbol,
            "side": side,
            "qty": qty,
            "order_id": number,
            "client_order_id": cid or f"cd-{number}",
            "at_ms": self.at_ms,
        }
        self._add(order | {"kind": "order", "change": "NEW", "px": None, "cum_qty": "0", "reduce_only": False})
        paid = {"px": "50000", "fee": "0", "fee_currency": "USDT", "order_cum_qty": qty}
        self._add(order | {"kind": "execution"} | paid)

    def lead(self, side: str, qty: str) -> None:
        self.trade(self.cast.leader, side, qty)
        self.cast.held += Decimal(qty) if side == "buy" else -Decimal(qty)

    def copy(self, side: str, qty: str, *, besides: tuple[str, ...] = ()) -> None:
        for one in CROWD:
            if one.account not in besides:
                self.trade(one.account, side, qty)

    def refused(self, status: int) -> None:
        self._add({"kind": "request", "status": status, "code": -1003, "at_ms": self.at_ms, "account": ""})

    def findings(self, **claim: Any) -> Findings:
        return judge(self.accounts(), self.records, Claim([self.cast], 20_000, **claim))

    def _add(self, record: dict[str, Any]) -> None:
        self.records.append(record | {"seq": len(self.records)})


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_a_round_trip_that_is_copied_once_each_is_clean(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02")
    journal.lead("sell", "0.2")
    journal.copy("sell", "0.02")
    assert journal.findings().named() == {}


def test_an_order_that_comes_twice_is_a_duplicate(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02")
    journal.trade(CROWD[1].account, "buy", "0.02")
    assert journal.findings().named() == {"I1 duplicates": 1, "I3 adrift": 1}
    assert journal.findings(opens_owed=False).named() == {"I1 duplicates": 1, "I3 adrift": 1}


def test_the_same_id_twice_is_a_duplicate_even_where_two_orders_were_asked_for(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.lead("buy", "0.2")
    for _ in range(2):
        journal.trade(CROWD[0].account, "buy", "0.02", cid="cd-same")
    assert journal.findings().duplicates == 1


def test_an_open_that_never_comes_is_missing_unless_opens_are_not_owed(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02", besides=(CROWD[2].account,))
    assert journal.findings().named() == {"I2 missing": 1, "I3 adrift": 1}
    assert journal.findings(opens_owed=False).named() == {}
    assert journal.findings(excused=frozenset({CROWD[2].account})).named() == {}
    assert journal.findings(excused=frozenset({CROWD[1].account})).missing == 1


def test_a_close_that_never_comes_is_found_whatever_is_owed(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02")
    journal.lead("sell", "0.1")
    journal.copy("sell", "0.01", besides=(CROWD[0].account,))
    assert journal.findings().named() == {"I2 missing": 1, "I3 adrift": 1}
    assert journal.findings(opens_owed=False).named() == {"I3 adrift": 1}


def test_an_order_of_what_no_leader_trades_is_a_strangers(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02")
    journal.trade(CROWD[0].account, "buy", "0.5", symbol="ETHUSDT")
    assert journal.findings().strangers == 1


def test_what_a_leader_trades_beside_its_market_asks_nobody(journal: Journal) -> None:
    journal.trade(journal.cast.leader, "buy", "1", symbol="ETHUSDT")
    assert journal.findings().named() == {}


def test_what_a_follower_does_by_hand_is_not_judged(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.02")
    journal.trade(CROWD[0].account, "buy", "0.3", cid="manual-1")
    assert journal.findings().named() == {}


def test_an_open_after_its_maximum_age_is_stale(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.at_ms += 25_000
    journal.copy("buy", "0.02")
    assert journal.findings().named() == {"I8 stale": 3}


def test_a_request_refused_for_their_number_is_over_the_limit(journal: Journal) -> None:
    journal.refused(429)
    journal.refused(418)
    journal.refused(400)
    assert journal.findings().named() == {"I11 over limit": 2}


def test_dust_that_is_carried_over_is_part_of_what_is_held(journal: Journal) -> None:
    journal.lead("buy", "0.2")
    journal.copy("buy", "0.0199")
    carried = {one.account: {"BTC/USDT": Decimal("0.0001")} for one in CROWD}
    assert journal.findings().adrift == 3
    assert journal.findings(carried=carried).named() == {}
