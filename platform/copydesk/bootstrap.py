"""The one composition root: reads the environment and joins real parts to a running whole."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import orjson
from redis import Redis
from redis.exceptions import RedisError

import copydesk
from copydesk.db import Database
from copydesk.kernel import ConfigError, CopydeskError, Setting, SettingRegistry
from copydesk.replication import SIGNAL_AGE_MS_MAX, SLIPPAGE_BPS_MAX, Terms
from copydesk.tenancy import Tenant, TenantDirectory, declarations, ensure_tenant, installation_value, setting_value
from copydesk.trading import Credentials, Environment, Instrument
from copydesk.vault import FileKeyStore, KeyRing, PostgresDataKeys, Vault
from copydesk.venues import BinanceSpot, BinanceStream, PoolLimits, VenueUrls
from copydesk.venues.settings import CONNECTIONS_MAX, CONNECTIONS_WARM, LAB_REST_URL, LAB_STREAM_URL

T = TypeVar("T")

log = logging.getLogger(__name__)

FRESH_EVERY_S = 60.0

_ANNOUNCE_MAX_S = 0.25


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
    def _announcer(self) -> Redis:
        """Announcements stand between a signal and its copies: a Redis that hangs may delay them only this long."""
        waits = {"socket_timeout": _ANNOUNCE_MAX_S, "socket_connect_timeout": _ANNOUNCE_MAX_S}
        return Redis.from_url(self.require("REDIS_URL"), **waits)

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        """Tell watching browsers of a brand; with Redis away nobody is told and nothing else happens."""
        with suppress(RedisError):
            self._announcer.publish(desk_channel(tenant_id), orjson.dumps(event))

    @cached_property
    def vault(self) -> Vault:
        return Vault(FileKeyStore(self.places.var / "key"), PostgresDataKeys(self.db))

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
        """Return where a venue environment lives."""
        if venue != "binance":
            raise ConfigError(f"venue {venue!r} is not supported; expected binance")
        if environment is Environment.LIVE:
            return VenueUrls.live()
        defaults = self.directory.defaults
        rest = self.environ.get("COPYDESK_LAB_REST") or installation_value(defaults, LAB_REST_URL, str)
        stream = self.environ.get("COPYDESK_LAB_STREAM") or installation_value(defaults, LAB_STREAM_URL, str)
        return VenueUrls.lab(rest, stream)

    def stream(self, venue: str, environment: Environment) -> BinanceStream:
        return BinanceStream(self.urls(venue, environment))

    def spot(self, venue: str, environment: Environment) -> BinanceSpot:
        limits = PoolLimits(connections_max=self.number(CONNECTIONS_MAX))
        return BinanceSpot(self.urls(venue, environment), limits=limits)

    def close(self) -> None:
        """Close what was opened."""
        if "db" in self.__dict__:
            self.db.dispose()
        for name in {"redis", "_announcer"} & self.__dict__.keys():
            self.__dict__[name].close()


@dataclass(frozen=True)
class OpenExchange:
    """A venue environment that has been read and warmed."""

    venue: BinanceSpot
    instruments: Mapping[str, Instrument]


def desk_channel(tenant_id: int) -> str:
    """Name the Redis channel on which a brand's desk events travel."""
    return f"copydesk:{tenant_id}:desk"


class WorkerSurroundings:
    """The replicator's surroundings (see `replication.port.Surroundings`) on a resident event loop."""

    def __init__(self, runtime: Runtime, start: Callable[[Coroutine[Any, Any, Any]], Future[Any]]) -> None:
        self._runtime = runtime
        self._start = start
        self._exchanges: dict[str, OpenExchange] = {}
        self._tenders: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return self._start(work)

    def exchange(self, shard: str) -> OpenExchange:
        """Return the shard's exchange, opened and warmed on first use."""
        place = shard.partition(":")[0]
        if place not in self._exchanges:
            self._exchanges[place] = self._start(self._open(place)).result()
        return self._exchanges[place]

    async def _open(self, place: str) -> OpenExchange:
        venue, _, environment = place.partition("-")
        spot = self._runtime.spot(venue, Environment(environment))
        try:
            await spot.warm(self._runtime.number(CONNECTIONS_WARM))
            opened = OpenExchange(spot, await spot.instruments())
        except CopydeskError:
            await spot.aclose()
            raise
        self._tenders.append(asyncio.create_task(self._keep_fresh(place)))
        return opened

    async def _keep_fresh(self, place: str) -> None:
        """Follow the exchange's clock, its list of pairs and their rules, and dial lost connections anew."""
        while True:
            await asyncio.sleep(FRESH_EVERY_S)
            spot = self._exchanges[place].venue
            try:
                await spot.warm(self._runtime.number(CONNECTIONS_WARM))
                self._exchanges[place] = OpenExchange(spot, await spot.instruments())
            except CopydeskError as error:
                log.warning("%s not read anew: %s", place, error)

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return self._runtime.keys.credentials(tenant_id, account_ids)

    def terms(self, tenant_id: int) -> Terms:
        tenant = self._runtime.tenant(tenant_id)
        return Terms(
            markets=frozenset(market for exchange in tenant.config.exchanges for market in exchange.markets),
            slippage_bps_max=setting_value(tenant, SLIPPAGE_BPS_MAX, int),
            signal_age_ms_max=setting_value(tenant, SIGNAL_AGE_MS_MAX, int),
            broker_prefix=broker_prefix(tenant),
        )

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        self._runtime.announce(tenant_id, event)

    def close(self) -> None:
        """Close every exchange that was opened."""
        self._start(self._close()).result()

    async def _close(self) -> None:
        for tender in self._tenders:
            tender.cancel()
        await asyncio.gather(*self._tenders, return_exceptions=True)
        for exchange in self._exchanges.values():
            await exchange.venue.aclose()


def broker_prefix(tenant: Tenant) -> str:
    """Return what a brand's client order ids begin with; the broker id earns the brand its rebate."""
    broker_id = next((exchange.broker_id for exchange in tenant.config.exchanges if exchange.broker_id), None)
    return f"x-{broker_id}-" if broker_id else "cd-"
