"""The one composition root: reads the environment and joins real parts to a running whole."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import orjson
from redis import Redis
from redis.exceptions import RedisError

import copydesk
from copydesk.db import Database
from copydesk.kernel import ConfigError, CopydeskError, Setting, SettingRegistry, arm, end
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
from copydesk.tenancy import (
    Exchange,
    Tenant,
    TenantDirectory,
    declarations,
    ensure_tenant,
    installation_value,
    setting_value,
)
from copydesk.trading import Credentials, Environment, Instrument, MarginMode
from copydesk.vault import FileKeyStore, Fingerprints, KeyRing, PostgresDataKeys, Vault
from copydesk.venues import (
    LeaderStream,
    Liquidity,
    MarketStream,
    PoolLimits,
    RateBudget,
    Venue,
    VenueTraits,
    VenueUrls,
    open_market_stream,
    open_stream,
    open_venue,
)
from copydesk.venues.budgets import SharedBudgets, seat_of
from copydesk.venues.settings import (
    CONNECTIONS_MAX,
    CONNECTIONS_WARM,
    EGRESS,
    LAB_REST_URL,
    LAB_STREAM_URL,
    REPLICATORS,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

FRESH_EVERY_S = 60.0

_ANNOUNCE_MAX_S = 0.25
# A little later than the first look is due (`replication.outcomes`).
_LOOK_SOON_S = 0.055


@dataclass(frozen=True)
class Installation:
    """Name the places under one installation's root."""

    root: Path
    var: Path

    @property
    def tenants(self) -> Path:
        return self.root / "tenants"

    @property
    def defaults(self) -> Path:
        return self.root / "config" / "defaults.yaml"

    @property
    def themes(self) -> Path:
        return self.root / "themes"


def declared_settings() -> SettingRegistry:
    """Let every package's `settings.py` declare itself, and return the registry."""
    package = Path(copydesk.__file__).parent
    return declarations(f"copydesk.{path.parent.name}.settings" for path in sorted(package.glob("*/settings.py")))


class Runtime:
    """Everything a role needs, built when first used. Close with `close`."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ = dict(os.environ if environ is None else environ)
        root = Path(self.environ.get("COPYDESK_ROOT", "."))
        self.places = Installation(root, Path(self.environ.get("COPYDESK_VAR", root / "var")))
        self.settings = declared_settings()
        self._tenant_ids: dict[str, int] = {}
        if trap := self.environ.get("COPYDESK_FAILPOINT"):
            arm(trap)

    def require(self, name: str) -> str:
        """Return an environment variable, or say which one is missing."""
        value = self.environ.get(name)
        if not value:
            raise ConfigError(f"the environment variable {name} is not set; `copydesk up` sets it for every role")
        return value

    @cached_property
    def directory(self) -> TenantDirectory:
        return TenantDirectory(
            self.places.tenants, self.places.defaults, themes_dir=self.places.themes, settings=self.settings
        )

    @cached_property
    def db(self) -> Database:
        db = Database.connect(self.require("DATABASE_URL"))
        db.require_safe_role()
        return db

    @cached_property
    def redis(self) -> Redis:
        return Redis.from_url(self.require("REDIS_URL"), socket_timeout=1.0, socket_connect_timeout=1.0)

    @cached_property
    def hasty_redis(self) -> Redis:
        """For what stands between a signal and its copies: a Redis that hangs may delay them only this long."""
        waits = {"socket_timeout": _ANNOUNCE_MAX_S, "socket_connect_timeout": _ANNOUNCE_MAX_S}
        return Redis.from_url(self.require("REDIS_URL"), **waits)

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        """Tell watching browsers of a brand; with Redis away nobody is told and nothing else happens."""
        with suppress(RedisError):
            self.hasty_redis.publish(desk_channel(tenant_id), orjson.dumps(event))

    @cached_property
    def vault(self) -> Vault:
        return Vault(FileKeyStore(self.places.var / "key"), PostgresDataKeys(self.db))

    @cached_property
    def fingerprints(self) -> Fingerprints:
        return Fingerprints(FileKeyStore(self.places.var / "key"), self.db)

    @cached_property
    def keys(self) -> KeyRing:
        return KeyRing(self.db, self.vault)

    @property
    def tenant_ids(self) -> dict[str, int]:
        """Map every brand's slug to its id, registering brands that are new."""
        slugs = {tenant.slug for tenant in self.directory.all()}
        if not slugs <= self._tenant_ids.keys():
            with self.db.installation() as session:
                self._tenant_ids = {slug: ensure_tenant(session, slug) for slug in sorted(slugs)}
        return self._tenant_ids

    def tenant(self, tenant_id: int) -> Tenant:
        """Return the brand as configured now; raises ConfigError when its file is gone."""
        self.directory.refresh_if_due()
        slug = next((slug for slug, known in self.tenant_ids.items() if known == tenant_id), "")
        tenant = self.directory.by_slug(slug)
        if tenant is None:
            raise ConfigError(f"brand {slug or tenant_id} has no valid tenant file")
        return tenant

    def number(self, setting: Setting) -> int:
        """Return an installation-wide whole number."""
        return installation_value(self.directory.defaults, setting, int)

    def urls(self, venue: str, environment: Environment) -> VenueUrls:
        """Return where a venue environment lives; raises ConfigError for a venue that is not supported."""
        if environment is Environment.LIVE:
            return VenueUrls.live(venue)
        defaults = self.directory.defaults
        rest = self.environ.get("COPYDESK_LAB_REST") or installation_value(defaults, LAB_REST_URL, str)
        stream = self.environ.get("COPYDESK_LAB_STREAM") or installation_value(defaults, LAB_STREAM_URL, str)
        return VenueUrls.lab(venue, rest, stream)

    def venue(
        self,
        venue: str,
        environment: Environment,
        *,
        broker_id: str = "",
        egress: str = "",
        budgets: Mapping[str, RateBudget] | None = None,
    ) -> Venue:
        """Open the trading side of a venue environment, from one of our addresses; close it with `aclose`.

        Raises `ConfigError` for an address that the installation does not list.
        """
        known = installation_value(self.directory.defaults, EGRESS, list)
        if egress and egress not in known:
            raise ConfigError(f"venues.egress: expected one of {', '.join(known) or 'none'}, found {egress}")
        limits = PoolLimits(connections_max=self.number(CONNECTIONS_MAX), egress=egress)
        urls = self.urls(venue, environment)
        return open_venue(venue, urls, limits=limits, broker_id=broker_id, budgets=budgets)

    def budgets(self, role: str) -> SharedBudgets:
        """Return the rate budgets of a role that sends; close them with `aclose`, on the loop that sends."""
        return SharedBudgets(self.require("REDIS_URL"), seat_of(role, self.number(REPLICATORS)))

    def stream(self, venue: Venue) -> LeaderStream:
        """Open the leader streams of a venue environment."""
        return open_stream(venue)

    def market_stream(self, venue: Venue) -> MarketStream:
        """Open the public prices of a venue environment."""
        return open_market_stream(venue)

    def close(self) -> None:
        """Close what was opened."""
        if "db" in self.__dict__:
            self.db.dispose()
        for name in {"redis", "hasty_redis"} & self.__dict__.keys():
            self.__dict__[name].close()


@dataclass(frozen=True)
class OpenExchange:
    """A venue environment that has been read and warmed."""

    venue: Venue
    instruments: Mapping[str, Instrument]


# An environment of an exchange and the address it is spoken to from, with the broker that its orders tell of.
_Place = tuple[Whereabouts, str]


def desk_channel(tenant_id: int) -> str:
    """Name the Redis channel on which a brand's desk events travel."""
    return f"copydesk:{tenant_id}:desk"


class WorkerSurroundings:
    """The replicator's surroundings (see `replication.port.Surroundings`) on a resident event loop."""

    def __init__(
        self,
        runtime: Runtime,
        start: Callable[[Coroutine[Any, Any, Any]], Future[Any]],
        wake: Callable[[int, str], object],
        *,
        role: str = "replicator",
    ) -> None:
        """`wake` has a brand's lane reconciled, by whichever worker is free; `role` is whose rate budgets these are."""
        self._runtime = runtime
        self._start = start
        self._wake = wake
        self._looks: dict[tuple[int, str], Future[None]] = {}
        self._exchanges: dict[_Place, OpenExchange] = {}
        self._opening = Lock()  # Lanes ask from threads of their own.
        self._budgets = runtime.budgets(role)
        self._tenders: list[asyncio.Task[None]] = []
        self._marks = Marks(runtime.hasty_redis)
        self._bearing = Bearing(start)
        self._switches = SwitchesNow()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return self._start(work)

    def exchange(self, tenant_id: int, shard: str) -> OpenExchange:
        """Return the shard's exchange, opened and warmed on first use.

        Brands share it, unless the exchange wants each order to name their broker; the rate budget they always share.
        """
        where = whereabouts_of(shard)
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
            where.venue, where.environment, broker_id=broker_id, egress=where.egress, budgets=budgets
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
        return Terms(
            markets=frozenset(m for e in tenant.config.exchanges if _place_of(e) == place for m in e.markets),
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
        )

    def price_now(self, shard: str, symbol: str) -> FreshPrice:
        """Return a price of the public feed; a Redis that hangs keeps no copy waiting for long."""
        return self._marks.fresh(whereabouts_of(shard).exchange, [symbol])[symbol]

    def switches(self) -> SwitchesNow:
        """Return the board of this process; `workers.switchboard` keeps it in step."""
        return self._switches

    def liquidity(self, tenant_id: int, shard: str, symbol: str) -> Liquidity | None:
        """Return what was read in the last seconds, or what is read now, if that does not take long."""
        return self._bearing.of(whereabouts_of(shard).exchange, self.exchange(tenant_id, shard).venue, symbol)

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        self._runtime.announce(tenant_id, event)

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
