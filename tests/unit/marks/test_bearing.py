"""What markets bear is read at need, kept for a moment, and unknown where an exchange does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, cast

from copydesk.kernel import Unavailable
from copydesk.marks import Bearing
from copydesk.marks.bearing import KEPT_S
from copydesk.venues import Liquidity, Venue

BEARS = Liquidity(Decimal(1), Decimal(2), Decimal(3))


class Exchange:
    """An exchange that tells, or is away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    async def liquidity(self, symbol: str) -> Liquidity:
        self.asked.append(symbol)
        if self.away:
            raise Unavailable("away")
        return BEARS


class Watch:
    def __init__(self) -> None:
        self.now = 100.0
        self.exchange = Exchange()
        self._bearing = Bearing(now_done, monotonic=lambda: self.now)

    def of(self, symbol: str = "BTC/USDT", place: str = "binance-lab") -> Liquidity | None:
        return self._bearing.of(place, cast(Venue, self.exchange), symbol)


def now_done(work: Coroutine[Any, Any, Any]) -> Future[Any]:
    future: Future[Any] = Future()
    try:
        future.set_result(asyncio.run(work))
    except BaseException as trouble:  # noqa: BLE001 - handed to whoever asks for the result
        future.set_exception(trouble)
    return future


def test_an_instrument_is_asked_for_once_until_its_answer_is_old() -> None:
    watch = Watch()
    assert watch.of() == watch.of() == BEARS
    watch.of("ETH/USDT")
    watch.of(place="okx-lab")
    assert watch.exchange.asked == ["BTC/USDT", "ETH/USDT", "BTC/USDT"]
    watch.now += KEPT_S
    watch.of()
    assert len(watch.exchange.asked) == 4


def test_what_an_exchange_does_not_say_is_unknown_and_asked_again() -> None:
    watch = Watch()
    watch.exchange.away = True
    assert watch.of() is None
    watch.exchange.away = False
    assert watch.of() == BEARS
