"""What the replicator is given for each brand and shard: exchanges, markets, bounds and order ids."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from copydesk.bootstrap import Runtime, WorkerSurroundings, broker_prefix
from copydesk.kernel import Setting
from copydesk.replication.port import copies_booked
from copydesk.tenancy import Cascade, LayerValues, TenantStatus
from copydesk.tenancy.schema import MarketTerms
from copydesk.trading import Environment, Instrument
from copydesk.venues import BINANCE, OrderPolicy, RateBudget, Signer, VenueTraits, budgets_of, client_order_id
from redis import Redis

DIGEST = "0123456789abcdef" * 2
NARROW = replace(
    BINANCE,
    venue="okx",
    client_order_id_len_max=32,
    client_order_id_pattern=r"[a-zA-Z0-9]{1,32}",
    broker_prefix_pattern=r"[a-zA-Z0-9]{0,8}",
)


@dataclass
class Exchange:
    """An exchange that opens and closes."""

    traits: VenueTraits
    broker_id: str
    egress: str
    budgets: Mapping[str, RateBudget]
    closed: bool = False

    async def warm(self, connections: int) -> int:
        return connections

    async def instruments(self) -> Mapping[str, Instrument]:
        return {}

    async def aclose(self) -> None:
        self.closed = True


class Budgets:
    """The rate budgets of a process that is alone."""

    def __init__(self) -> None:
        self._places: dict[str, Mapping[str, RateBudget]] = {}

    def of(self, venue: str, place: str) -> Mapping[str, RateBudget]:
        return self._places.setdefault(place, budgets_of(venue, lambda origin, limits: RateBudget(limits)))

    async def aclose(self) -> None:
        self._places.clear()


def offers(venue: str, markets: list[str], broker_id: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(venue=venue, environment=Environment.LAB, markets=markets, broker_id=broker_id)


@dataclass
class Brands:
    """As much of a runtime as the surroundings use: three brands by id."""

    opened: list[Exchange] = field(default_factory=list)
    hasty_redis: Redis = field(default_factory=Redis)  # Never connected.
    capped: set[str] = field(default_factory=lambda: {"BTC/USDT:USDT"})

    def tenant(self, tenant_id: int) -> SimpleNamespace:
        broker_id = {1: None, 2: "partner1", 3: "partner2"}[tenant_id]
        exchanges = [offers("binance", ["BTC/USDT"], broker_id), offers("okx", ["BTC/USDT:USDT"], broker_id)]
        nothing_said = Cascade(LayerValues("defaults.yaml"), LayerValues("tenant.yaml"))
        config = SimpleNamespace(
            currency="USDT",
            exchanges=exchanges,
            markets_of=lambda exchange: exchange.markets,
            terms_of=lambda symbol: MarketTerms(leverage_max=3 if symbol in self.capped else None),
        )
        return SimpleNamespace(config=config, cascade=nothing_said, status=TenantStatus.ACTIVE)

    def venue(
        self,
        venue: str,
        environment: Environment,
        *,
        broker_id: str,
        egress: str,
        budgets: Mapping[str, RateBudget],
        policy: OrderPolicy,
    ) -> Exchange:
        assert isinstance(policy, Signer)
        self.opened.append(Exchange(BINANCE if venue == "binance" else NARROW, broker_id, egress, budgets))
        return self.opened[-1]

    def budgets(self, role: str) -> Budgets:
        assert role == "replicator"
        return Budgets()

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        """Nobody watches."""

    def number(self, setting: Setting) -> int:
        return int(cast(int, setting.default))


@pytest.fixture
def brands() -> Brands:
    return Brands()


@pytest.fixture
def around(brands: Brands) -> Iterator[WorkerSurroundings]:
    loop = asyncio.new_event_loop()

    def start(work: Coroutine[Any, Any, Any]) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(loop.run_until_complete(work))
        return future

    around = WorkerSurroundings(cast(Runtime, brands), start, lambda tenant_id, shard: None)
    yield around
    around.close()
    loop.close()


def test_copies_that_are_booked_are_told_with_their_strategy_and_nothing_else_is(brands: Brands) -> None:
    booked: list[tuple[int, int]] = []
    around = WorkerSurroundings(
        cast(Runtime, brands),
        lambda work: work.close() or Future(),
        lambda tenant_id, shard: None,
        booked=lambda tenant_id, strategy_id: booked.append((tenant_id, strategy_id)),
    )
    around.announce(1, copies_booked(7, 3, "binance-lab:0"))
    around.announce(1, {"type": "subscription", "subscription_id": 5})
    assert booked == [(1, 3)]


def test_brands_share_an_exchange_unless_its_orders_tell_of_their_broker(
    brands: Brands, around: WorkerSurroundings
) -> None:
    assert around.exchange(1, "binance-lab:0") is around.exchange(2, "binance-lab:1")
    assert around.exchange(2, "okx-lab:0") is around.exchange(2, "okx-lab:3")
    assert around.exchange(2, "okx-lab:0") is not around.exchange(3, "okx-lab:0")
    assert [(one.traits.venue, one.broker_id) for one in brands.opened] == [
        ("binance", ""),
        ("okx", "partner1"),
        ("okx", "partner2"),
    ]
    # The exchange counts the address, whoever's broker an order names.
    assert brands.opened[1].budgets["rest"] is brands.opened[2].budgets["rest"]
    assert brands.opened[0].budgets["spot"] is not brands.opened[0].budgets["perpetual"]
    around.close()
    assert all(one.closed for one in brands.opened)


def test_accounts_bound_to_an_address_are_served_from_it_with_a_budget_of_its_own(
    brands: Brands, around: WorkerSurroundings
) -> None:
    usual, bound = around.exchange(1, "binance-lab:0"), around.exchange(1, "binance-lab@2001_db8__1:0")
    assert usual is not bound
    assert [one.egress for one in brands.opened] == ["", "2001:db8::1"]
    assert brands.opened[0].budgets["spot"] is not brands.opened[1].budgets["spot"]
    assert around.terms(1, "binance-lab@2001_db8__1:0").markets == frozenset({"BTC/USDT"})


def test_terms_are_those_of_the_followers_exchange(around: WorkerSurroundings) -> None:
    here, there = around.terms(2, "binance-lab:0"), around.terms(2, "okx-lab:0")
    assert (here.markets, here.broker_prefix) == (frozenset({"BTC/USDT"}), "x-partner1-")
    assert (there.markets, there.broker_prefix) == (frozenset({"BTC/USDT:USDT"}), "cd")
    assert (here.leverage_max_of("BTC/USDT"), there.leverage_max_of("BTC/USDT:USDT")) == (5, 3)


@pytest.mark.parametrize(
    ("traits", "broker_id", "expected"),
    [
        (BINANCE, "", "cd-"),
        (BINANCE, "abc123", "x-abc123-"),
        (NARROW, "", "cd"),
        (NARROW, "abc123", "cd"),
    ],
)
def test_an_order_id_fits_its_exchange(traits: VenueTraits, broker_id: str, expected: str) -> None:
    prefix = broker_prefix(traits, broker_id)
    assert prefix == expected
    assert client_order_id(prefix, DIGEST, traits).startswith(expected)
