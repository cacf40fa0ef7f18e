"""Brackets are read once for all, anew when they are old, and again soon where the exchange did not tell."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from types import SimpleNamespace
from typing import Any, cast

from copydesk.kernel import Unavailable
from copydesk.replication.brackets import KEPT_S, TRY_AGAIN_S, Brackets
from copydesk.replication.port import Surroundings
from copydesk.trading import Bracket, Credentials
from perpetual_values import SYMBOL, D

SHARD, ELSEWHERE = "binance-lab:0", "okx-lab:0"
TOLD = (Bracket(D(1000), 50, D("0.01")),)


class Around:
    """Surroundings whose exchange tells its brackets, or is busy; `now` is set by hand."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.busy = False
        self.now = 0.0

    def exchange(self, tenant_id: int, shard: str) -> Any:
        return SimpleNamespace(venue=self)

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return {account: Credentials(account, "key", "secret") for account in account_ids}

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run(work)

    async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
        self.asked.append((credentials.account_id, symbol))
        if self.busy:
            raise Unavailable("busy")
        return TOLD


def opened() -> tuple[Around, Brackets]:
    around = Around()
    return around, Brackets(cast(Surroundings, around), monotonic=lambda: around.now)


def test_whoever_asks_first_has_them_read_and_everybody_of_that_exchange_knows_them() -> None:
    around, brackets = opened()
    assert brackets.of(1, SHARD, SYMBOL, [7, 8]) == ()
    assert brackets.of(2, "binance-lab:3", SYMBOL, [9]) == TOLD
    assert around.asked == [(7, SYMBOL)]
    brackets.of(1, ELSEWHERE, SYMBOL, [7])
    assert len(around.asked) == 2


def test_a_signal_waits_for_none_that_are_old_and_a_reconcile_reads_them_anew() -> None:
    around, brackets = opened()
    brackets.refresh(1, SHARD, SYMBOL, [7])
    around.now = KEPT_S + 1
    assert brackets.of(1, SHARD, SYMBOL, [7]) == TOLD
    assert len(around.asked) == 1
    brackets.refresh(1, SHARD, SYMBOL, [7])
    brackets.refresh(1, SHARD, SYMBOL, [7])
    assert len(around.asked) == 2


def test_an_exchange_that_does_not_tell_is_asked_again_after_a_while_and_what_was_known_stays() -> None:
    around, brackets = opened()
    around.busy = True
    for _ in range(3):
        assert brackets.of(1, SHARD, SYMBOL, [7]) == ()
    assert len(around.asked) == 1
    around.busy, around.now = False, TRY_AGAIN_S + 1
    brackets.of(1, SHARD, SYMBOL, [7])
    around.busy, around.now = True, around.now + KEPT_S + 1
    brackets.refresh(1, SHARD, SYMBOL, [7])
    assert brackets.of(1, SHARD, SYMBOL, [7]) == TOLD


def test_nobody_is_asked_without_an_account_that_may_ask() -> None:
    around, brackets = opened()
    assert brackets.of(1, SHARD, SYMBOL, []) == ()
    assert around.asked == []
