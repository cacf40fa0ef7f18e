"""What an injector works with: the stage, whom it may hit, and chance from the injection's seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from copydesk.faults.cast import Cast, Follower
from copydesk.faults.stage import Stage
from copydesk.stack import wait_until


class Part(StrEnum):
    """What of a leader's trading a fault falls into: opens, closes, or both in turn, turning round included."""

    OPENS = "opens"
    CLOSES = "closes"
    MIXED = "mixed"
    TURNS = "turns"


@dataclass
class Strike:
    """One injection under way; an injector says after its `yield` whether it `struck` anything.

    Followers who are `excused` need not open, and hold at most their part.
    """

    stage: Stage
    cast: Cast
    rng: random.Random
    part: Part
    struck: bool = True
    excused: set[str] = field(default_factory=set)
    _rules: list[int] = field(default_factory=list)

    def some(self, least: float = 0.05, most: float = 0.4) -> Sequence[Follower]:
        """Choose some of the followers: a share between the two, at least one."""
        crowd = self.cast.followers
        count = max(1, round(len(crowd) * self.rng.uniform(least, most)))
        return self.rng.sample(crowd, count)

    def rule(self, harm: str, **fields: Any) -> None:
        """Put a fault of the lab in force; it counts as struck once it has hit something."""
        answer = self.stage.lab.call("POST", "faults", {"harm": harm, **fields})
        self._rules.append(int(answer["id"]))

    def orders(self, harm: str, crowd: Sequence[Follower], *, times: int | None = 1, **fields: Any) -> None:
        """Harm the next orders of these followers."""
        for one in crowd:
            path = order_path(one.venue, perpetual=self.cast.troupe.perpetual)
            self.rule(harm, account=one.account, method="POST", path=path, times=times, **fields)

    def refuse(self, crowd: Sequence[Follower], *, times: int = 1) -> None:
        """Have the exchanges refuse these followers' next orders with proof, each in its own words.

        What is refused is not owed as an order of its own: a close is made good by the next one, or by reconcile.
        """
        self.excused |= {one.account for one in crowd}
        for one in crowd:
            status, body = _REFUSED[one.venue]
            self.orders("status", [one], status=status, body=body, times=times)

    def hit(self) -> bool:
        """Tell whether any of the lab's rules that this injection put in force has hit anything, or soon does."""
        return wait_until(self._hit, patience_s=_HITS_S, poll_s=0.02)

    def _hit(self) -> bool:
        rows = self.stage.lab.call("GET", "faults")["faults"]
        return any(row["hits"] for row in rows if row["id"] in self._rules)


_REFUSED: Mapping[str, tuple[int, str]] = {
    "binance": (400, '{"code":-2010,"msg":"This action is disabled on this account."}'),
    "okx": (
        200,
        '{"code":"1","data":[{"clOrdId":"","ordId":"","sCode":"51008","sMsg":"Order failed. Insufficient balance",'
        '"tag":""}],"msg":"All operations failed"}',
    ),
    "bitget": (400, '{"code":"43012","msg":"Insufficient balance","requestTime":0,"data":null}'),
}
_HITS_S = 1.0
# An injector puts a fault in force up to its `yield`, and takes it away after it.
Injector = Callable[[Strike], Iterator[None]]

_ORDER_PATHS: Mapping[tuple[str, bool], str] = {
    ("binance", False): "/api/v3/order",
    ("okx", False): "/api/v5/trade/order",
    ("bitget", False): "/api/v2/spot/trade/place-order",
    ("binance", True): "/fapi/v1/order",
    ("okx", True): "/api/v5/trade/order",
    ("bybit", True): "/v5/order/create",
    ("bitget", True): "/api/v2/mix/order/place-order",
}


def order_path(venue: str, *, perpetual: bool) -> str:
    """Return the path on which an exchange takes new orders."""
    return _ORDER_PATHS[venue, perpetual]
