"""The replicator's and risk's surroundings: exchanges opened and kept fresh, keys, terms and prices, on one loop."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any, TypeVar

from copydesk.bootstrap.runtime import Runtime
from copydesk.bootstrap.signing import SigningDesk, markets_on
from copydesk.kernel import CopydeskError, end
from copydesk.marks import Bearing, FreshPrice, Marks
from copydesk.replication import (
    CARRY_S_MAX,
    EXPOSURE_MAX,
    LEVERAGE_MAX,
    MARGIN_MODE,
    MARK_BPS_MAX,
    ROUND_UP_RATIO_MAX,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    Terms,
    Whereabouts,
    place_of,
    whereabouts_of,
)
from copydesk.risk import SwitchesNow
from copydesk.risk.service import file_limits
from copydesk.tenancy import Exchange, Tenant, setting_value
from copydesk.trading import Credentials, Instrument, MarginMode
from copydesk.venues import Liquidity, Venue, VenueTraits
from copydesk.venues.settings import CONNECTIONS_WARM

T = TypeVar("T")

log = logging.getLogger(__name__)

FRESH_EVERY_S = 60.0
# A little later than the first look is due (`replication.outcomes`).
_LOOK_SOON_S = 0.055


@dataclass(frozen=True)
class OpenExchange:
    """A venue environment that has been read and warmed."""

    venue: Venue
    instruments: Mapping[str, Instrument]


# An environment of an exchange and the address it is spoken to from, with the broker that its orders tell of.
_Place = tuple[Whereabouts, str]


class WorkerSurroundings:
    """The replicator's surroundings (see `replication.port.Surroundings`) on a resident event loop."""

    def __init__(
        self,
        runtime: Runtime,
        start: Callable[[Coroutine[Any, Any, Any]], Future[Any]],
        wake: Callable[[int, str], object],
        *,
        role: str = "replicator",
        booked: Callable[[int, int], object] = lambda _tenant_id, _strategy_id: None,
    ) -> None:
        """`wake` has a brand's lane reconciled, by whichever worker is free; `role` is whose rate budgets these are.

        `booked` hears of which brand's strategy copies were booked, at once; it must not keep the lane waiting.
        """
        self._runtime = runtime
        self._start = start
        self._wake = wake
        self._booked = booked
        self._looks: dict[tuple[int, str], Future[None]] = {}
        self._exchanges: dict[_Place, OpenExchange] = {}
        self._opening = Lock()  # Lanes ask from threads of their own.
        self._budgets = runtime.budgets(role)
        self._signing = SigningDesk(runtime)
        self._tenders: list[asyncio.Task[None]] = []
        self._marks = Marks(runtime.hasty_redis)
        self._bearing = Bearing(start)
        self._switches = SwitchesNow()
        self._terms: dict[tuple[int, str], tuple[Tenant, Terms]] = {}

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return self._start(work)

    def exchange(self, tenant_id: int, shard: str) -> OpenExchange:
        """Return the shard's exchange, opened and warmed on first use.

        Brands share it, unless the exchange wants each order to name their broker; the rate budget they always share.
        """
        where = whereabouts_of(shard)
        self._signing.keep(tenant_id, where.exchange)
        told = where.venue not in _BROKER_PREFIXES
        broker_id = _broker_id(self._runtime.tenant(tenant_id), where.exchange) if told else ""
        place = (where, broker_id)
        if place not in self._exchanges:
            with self._opening:
                if place not in self._exchanges:
                    self._exchanges[place] = self._start(self._open(place)).result()
        return self._exchanges[place]

    async def _open(self, place: _Place) -> OpenExchange:
        (where, broker_id), runtime = place, self._runtime
        budgets = self._budgets.of(where.venue, place_of(*where))
        exchange = runtime.venue(
            where.venue,
            where.environment,
            broker_id=broker_id,
            egress=where.egress,
            budgets=budgets,
            policy=self._signing.of(where.exchange),
        )
        try:
            await exchange.warm(runtime.number(CONNECTIONS_WARM))
            opened = OpenExchange(exchange, await exchange.instruments())
        except CopydeskError:
            await exchange.aclose()
            raise
        self._tenders.append(asyncio.create_task(self._keep_fresh(place)))
        return opened

    async def _keep_fresh(self, place: _Place) -> None:
        """Follow the exchange's clock, its list of instruments and their rules, and dial lost connections anew."""
        while True:
            await asyncio.sleep(FRESH_EVERY_S)
            exchange = self._exchanges[place].venue
            try:
                await exchange.warm(self._runtime.number(CONNECTIONS_WARM))
                self._exchanges[place] = OpenExchange(exchange, await exchange.instruments())
            except CopydeskError as error:
                log.warning("%s not read anew: %s", place_of(*place[0]), error)

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return self._runtime.keys.credentials(tenant_id, account_ids)

    def terms(self, tenant_id: int, shard: str) -> Terms:
        tenant, place = self._runtime.tenant(tenant_id), whereabouts_of(shard).exchange
        known = self._terms.get((tenant_id, place))
        if known is None or known[0] is not tenant:
            known = self._terms[tenant_id, place] = tenant, self._terms_of(tenant, tenant_id, shard, place)
        return known[1]

    def _terms_of(self, tenant: Tenant, tenant_id: int, shard: str, place: str) -> Terms:
        """Work out a brand's bounds; a brand that has changed is another `Tenant`."""
        markets = markets_on(tenant, place)
        caps = ((symbol, tenant.config.terms_of(symbol).leverage_max) for symbol in markets)
        return Terms(
            markets=markets,
            slippage_bps_max=setting_value(tenant, SLIPPAGE_BPS_MAX, int),
            signal_age_ms_max=setting_value(tenant, SIGNAL_AGE_MS_MAX, int),
            broker_prefix=broker_prefix(self.exchange(tenant_id, shard).venue.traits, _broker_id(tenant, place)),
            leverage_max=setting_value(tenant, LEVERAGE_MAX, int),
            round_up_max=Decimal(setting_value(tenant, ROUND_UP_RATIO_MAX, int)),
            carry_s_max=setting_value(tenant, CARRY_S_MAX, int),
            mark_bps_max=setting_value(tenant, MARK_BPS_MAX, int),
            exposure_max=setting_value(tenant, EXPOSURE_MAX, int),
            risk_limits=file_limits(tenant),
            margin_mode=MarginMode(setting_value(tenant, MARGIN_MODE, str)),
            leverage_caps={symbol: cap for symbol, cap in caps if cap is not None},
        )

    def price_now(self, shard: str, symbol: str) -> FreshPrice:
        """Return a price of the public feed; a Redis that hangs keeps no copy waiting for long."""
        exchange = whereabouts_of(shard).exchange
        price = self._marks.fresh(exchange, [symbol])[symbol]
        self._signing.saw(exchange, symbol, price)
        return price

    def switches(self) -> SwitchesNow:
        """Return the board of this process; `workers.switchboard` keeps it in step."""
        return self._switches

    def liquidity(self, tenant_id: int, shard: str, symbol: str) -> Liquidity | None:
        """Return what was read in the last seconds, or what is read now, if that does not take long."""
        return self._bearing.of(whereabouts_of(shard).exchange, self.exchange(tenant_id, shard).venue, symbol)

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        self._runtime.announce(tenant_id, event)
        if event.get("type") == "copies":
            self._booked(tenant_id, int(event["strategy_id"]))

    def look_soon(self, tenant_id: int, shard: str) -> None:
        last = self._looks.get((tenant_id, shard))
        if last is None or last.done():
            self._looks[tenant_id, shard] = self._start(self._look(tenant_id, shard))

    async def _look(self, tenant_id: int, shard: str) -> None:
        await asyncio.sleep(_LOOK_SOON_S)
        await asyncio.to_thread(self._wake, tenant_id, shard)

    def close(self) -> None:
        """Close every exchange that was opened."""
        self._start(self._close()).result()

    async def _close(self) -> None:
        for look in self._looks.values():
            look.cancel()
        await end(*self._tenders)
        for exchange in self._exchanges.values():
            await exchange.venue.aclose()
        await self._budgets.aclose()


# Exchanges that know a broker by how client order ids begin; elsewhere the adapter tells it beside the id.
_BROKER_PREFIXES = {"binance": "x-{}-"}


def broker_prefix(traits: VenueTraits, broker_id: str) -> str:
    """Return what a brand's client order ids on an exchange begin with; a broker id earns the brand its rebate."""
    if broker_id and traits.venue in _BROKER_PREFIXES:
        return _BROKER_PREFIXES[traits.venue].format(broker_id)
    return "cd-" if re.fullmatch(traits.client_order_id_pattern, "cd-") else "cd"


def _place_of(exchange: Exchange) -> str:
    return f"{exchange.venue}-{exchange.environment}"


def _broker_id(tenant: Tenant, place: str) -> str:
    return next((e.broker_id for e in tenant.config.exchanges if _place_of(e) == place and e.broker_id), "")
