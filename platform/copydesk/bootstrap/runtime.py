"""The installation: its places, settings, brands, servers and keys, each built when first used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from copydesk.audit.notary import Notary
from copydesk.bootstrap.beat import ConfigBeat
from copydesk.bootstrap.key_stores import open_key_store
from copydesk.bootstrap.news import send_news
from copydesk.bootstrap.places import Installation, declared_settings
from copydesk.db import Database
from copydesk.kernel import ConfigError, Setting, arm
from copydesk.tenancy import (
    DatabaseOverrides,
    LastGood,
    SettingsDesk,
    Tenant,
    TenantDirectory,
    ensure_tenant,
    installation_value,
)
from copydesk.trading import Environment
from copydesk.vault import (
    FileSecretStore,
    Fingerprints,
    IntakePrivate,
    IntakePublic,
    KeyRing,
    LinkKeys,
    PostgresDataKeys,
    Purpose,
    TurningKeyStore,
    Vault,
)
from copydesk.venues import (
    NO_ORDER,
    LeaderStream,
    MarketStream,
    OrderPolicy,
    PoolLimits,
    RateBudget,
    Venue,
    VenueUrls,
    get_ready_to_sign,
    open_market_stream,
    open_stream,
    open_venue,
)
from copydesk.venues.budgets import SharedBudgets, seat_of
from copydesk.venues.settings import (
    CONNECTIONS_MAX,
    EGRESS,
    LAB_REST_URL,
    LAB_STREAM_URL,
    REPLICATORS,
)

_ANNOUNCE_MAX_S = 0.25


class Runtime:
    """Everything a role needs, built when first used. Close with `close`."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, opens_exchange_keys: bool = True, role: str = ""
    ) -> None:
        """`opens_exchange_keys` is False for roles that must never hold one: pages, live events, relay.

        A long-running `role` tells which configuration it runs.
        """
        self._opens_exchange_keys = opens_exchange_keys
        self._beat = ConfigBeat(role, lambda: self.hasty_redis) if role else None
        self.environ = dict(os.environ if environ is None else environ)
        root = Path(self.environ.get("COPYDESK_ROOT", "."))
        self.places = Installation(root, Path(self.environ.get("COPYDESK_VAR", root / "var")))
        self.settings = declared_settings()
        self._served: tuple[Tenant, ...] = ()
        self._tenant_ids: Mapping[str, int] = {}
        self._slugs: Mapping[int, str] = {}
        self._key_stores: dict[Purpose, TurningKeyStore] = {}
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
        """Know every brand, as its file and its panel have it; without a database, as its file has it."""
        followed = DatabaseOverrides(lambda: self.db) if self.environ.get("DATABASE_URL") else None
        return TenantDirectory(
            self.places.tenants,
            self.places.defaults,
            themes_dir=self.places.themes,
            settings=self.settings,
            overrides=followed,
            last_good=LastGood(self.places.var / "brands") if self._beat else None,
            looked=self._tell_config,
        )

    def _tell_config(self) -> None:
        if self._beat is not None:
            self._beat.tell(self.directory.revision_hash)

    @cached_property
    def settings_desk(self) -> SettingsDesk:
        """Change what brands' panels set."""
        return SettingsDesk(self.directory)

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
        """Tell a brand's open pages (see `news`); with Redis away nobody is told and nothing else happens."""
        with suppress(RedisError):
            send_news(self.hasty_redis, tenant_id, event)

    @cached_property
    def vault(self) -> Vault:
        """Seal and open exchange keys."""
        return Vault(self.key_store(Purpose.EXCHANGE), PostgresDataKeys(self.db))

    @cached_property
    def identity_vault(self) -> Vault:
        """Seal and open what the pages need again: second factors, phone numbers, links in mails."""
        return Vault(self.key_store(Purpose.IDENTITY), PostgresDataKeys(self.db, Purpose.IDENTITY))

    @cached_property
    def intake(self) -> IntakePublic:
        """Seal exchange keys that somebody enters; opens none."""
        return IntakePublic(self.key_store(Purpose.IDENTITY), self.db)

    @cached_property
    def intake_opener(self) -> IntakePrivate:
        """Open exchange keys that somebody has entered."""
        return IntakePrivate(self.key_store(Purpose.EXCHANGE), self.key_store(Purpose.IDENTITY), self.db)

    @cached_property
    def secrets(self) -> FileSecretStore:
        """Keep what brands' files refer to as `secret:<name>`; older installations wrapped it by the exchange keys'."""
        former = self.key_store(Purpose.EXCHANGE) if self._opens_exchange_keys else None
        return FileSecretStore(self.places.var / "secrets", self.key_store(Purpose.IDENTITY), former=former)

    @cached_property
    def notary(self) -> Notary:
        """Sign the record of who did what; the key is made at the first signature."""
        return Notary(self.places.var / "audit")

    @cached_property
    def link_keys(self) -> LinkKeys:
        """Sign links to private pages."""
        return LinkKeys(self.key_store(Purpose.IDENTITY), self.db)

    def key_store(self, purpose: Purpose) -> TurningKeyStore:
        """Return what wraps the data keys of a purpose; a role that holds no exchange keys is refused theirs."""
        if purpose is Purpose.EXCHANGE and not self._opens_exchange_keys:
            raise ConfigError("this role opens no exchange keys; only listener, replicator and risk do")
        if purpose not in self._key_stores:
            self._key_stores[purpose] = open_key_store(
                purpose, var=self.places.var, defaults=self.directory.defaults, environ=self.environ
            )
        return self._key_stores[purpose]

    @cached_property
    def fingerprints(self) -> Fingerprints:
        return Fingerprints(self.key_store(Purpose.EXCHANGE), self.db)

    @cached_property
    def keys(self) -> KeyRing:
        return KeyRing(self.db, self.vault, opened=get_ready_to_sign)

    @property
    def tenant_ids(self) -> Mapping[str, int]:
        """Map the slug of every brand that is served now to its id, registering brands that are new.

        A brand whose folder is gone is left out from then on; what stands in the database about it stays there.
        """
        served = self.directory.all()
        if served is not self._served and served != self._served:
            slugs = sorted(tenant.slug for tenant in served)
            known = {slug: self._tenant_ids[slug] for slug in slugs if slug in self._tenant_ids}
            if len(known) < len(slugs):
                with self.db.installation() as session:
                    known |= {slug: ensure_tenant(session, slug) for slug in slugs if slug not in known}
            self._slugs = {tenant_id: slug for slug, tenant_id in known.items()}
            self._tenant_ids = known
        self._served = served
        return self._tenant_ids

    def tenant(self, tenant_id: int) -> Tenant:
        """Return the brand as configured now; raises ConfigError when its file is gone."""
        self.directory.refresh_if_due()
        slug = self._slugs.get(tenant_id, "") if self.tenant_ids else ""
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
        policy: OrderPolicy = NO_ORDER,
    ) -> Venue:
        """Open the trading side of a venue environment, from one of our addresses; close it with `aclose`.

        Without a `policy` it signs no order: only `WorkerSurroundings` and `TerminalFloor` give one.

        Raises `ConfigError` for an address that the installation does not list.
        """
        known = installation_value(self.directory.defaults, EGRESS, list)
        if egress and egress not in known:
            raise ConfigError(f"venues.egress: expected one of {', '.join(known) or 'none'}, found {egress}")
        limits = PoolLimits(connections_max=self.number(CONNECTIONS_MAX), egress=egress)
        urls = self.urls(venue, environment)
        return open_venue(venue, urls, limits=limits, broker_id=broker_id, budgets=budgets, policy=policy)

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
