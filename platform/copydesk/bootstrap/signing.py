"""What the signer knows: each brand's rules, from its file and the installation's settings, and the prices of now."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock
from typing import Protocol

from sqlalchemy.exc import InterfaceError, OperationalError

from copydesk.kernel import Clock, ConfigError, Setting, SystemClock
from copydesk.marks import FreshPrice
from copydesk.tenancy import Tenant, TenantStatus
from copydesk.venues import Signer, SigningRules
from copydesk.venues.settings import SIGNER_BAND_BPS, SIGNER_NOTIONAL_MAX, SIGNER_ORDERS_MAX

# A market that a brand's file no longer lists is signed for so long at most.
KEPT_S = 5.0
_BPS = Decimal(10_000)


class Rulebook(Protocol):
    """As much of a runtime as says what may be signed."""

    def tenant(self, tenant_id: int) -> Tenant: ...

    def number(self, setting: Setting) -> int: ...


class SigningDesk:
    """Keep one signer for each environment of an exchange, in step with brands' files; for any number of threads."""

    def __init__(self, rulebook: Rulebook, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._rulebook = rulebook
        self._signers: dict[str, Signer] = {}
        self._learned: dict[tuple[int, str], float] = {}
        self._lock = Lock()
        self._reading = Lock()

    def of(self, exchange: str) -> Signer:
        """Return the signer of an environment of an exchange ("binance-lab")."""
        with self._lock:
            return self._signers.setdefault(exchange, Signer())

    def keep(self, tenant_id: int, exchange: str) -> None:
        """See to it that a brand's rules are those of its file. Without a valid file only closes are signed.

        Who comes first waits until they are known; later one reads them anew, and others go on by those of before.
        """
        first = (tenant_id, exchange) not in self._learned
        if self._fresh(tenant_id, exchange) or not self._reading.acquire(blocking=first):
            return
        try:
            if not self._fresh(tenant_id, exchange):
                self.of(exchange).learn(tenant_id, self._rules(tenant_id, exchange))
                self._learned[tenant_id, exchange] = self._clock.monotonic()
        except (OperationalError, InterfaceError):
            return  # PostgreSQL is away: what was known goes on, and closes need no rules.
        finally:
            self._reading.release()

    def saw(self, exchange: str, symbol: str, price: FreshPrice) -> None:
        """Take over a price that was just read."""
        if price.px is not None:
            self.of(exchange).saw(symbol, price.px, self._clock.now().timestamp())

    def _fresh(self, tenant_id: int, exchange: str) -> bool:
        learned = self._learned.get((tenant_id, exchange))
        return learned is not None and self._clock.monotonic() - learned < KEPT_S

    def _rules(self, tenant_id: int, exchange: str) -> SigningRules | None:
        try:
            tenant = self._rulebook.tenant(tenant_id)
        except ConfigError:
            return None
        return SigningRules(
            markets=markets_on(tenant, exchange),
            notional_max=Decimal(self._rulebook.number(SIGNER_NOTIONAL_MAX)),
            orders_max=self._rulebook.number(SIGNER_ORDERS_MAX),
            band_ratio=self._rulebook.number(SIGNER_BAND_BPS) / _BPS,
            suspended=tenant.status is TenantStatus.SUSPENDED,
        )


def markets_on(tenant: Tenant, exchange: str) -> frozenset[str]:
    """Return the markets in which a brand opens anything on an environment of an exchange ("binance-lab")."""
    there = (one for one in tenant.config.exchanges if f"{one.venue}-{one.environment}" == exchange)
    return frozenset(market for one in there for market in tenant.config.markets_of(one))
