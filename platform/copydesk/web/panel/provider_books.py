"""The two lists of outside providers that a brand keeps, and how each is written into its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from copydesk.kyc import PROVIDERS as KYC
from copydesk.payments import PROVIDERS as PAYMENTS
from copydesk.providers import Provider
from copydesk.tenancy import Tenant


@dataclass(frozen=True)
class Entry:
    """One provider of a brand: what a browser may see, and where its secrets lie ("secret:<name>")."""

    provider: str
    public: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


class Book(Protocol):
    """A list of providers, and the settings that it is kept in. `prefix` begins the names of its secrets."""

    @property
    def prefix(self) -> str: ...

    @property
    def providers(self) -> Mapping[str, Provider]: ...

    def entries(self, tenant: Tenant) -> tuple[Entry, ...]: ...

    def with_entry(self, tenant: Tenant, entry: Entry) -> dict[str, object | None]:
        """Return the change that puts an entry into the list, or in the place of the one of its provider."""
        ...

    def without(self, tenant: Tenant, provider: str) -> dict[str, object | None]:
        """Return the change that takes a provider away."""
        ...


class PaymentsBook:
    """Payment providers: several, in the order of preference."""

    prefix = "payment"
    providers: Mapping[str, Provider] = PAYMENTS

    def entries(self, tenant: Tenant) -> tuple[Entry, ...]:
        return tuple(Entry(one.provider, one.public, one.secrets) for one in tenant.config.payments)

    def with_entry(self, tenant: Tenant, entry: Entry) -> dict[str, object | None]:
        there = self.entries(tenant)
        if entry.provider in {one.provider for one in there}:
            return _listed(tuple(entry if one.provider == entry.provider else one for one in there))
        return _listed((*there, entry))

    def without(self, tenant: Tenant, provider: str) -> dict[str, object | None]:
        return _listed(tuple(one for one in self.entries(tenant) if one.provider != provider))


class KycBook:
    """Who identifies people: one provider or none."""

    prefix = "kyc"
    providers: Mapping[str, Provider] = KYC

    def entries(self, tenant: Tenant) -> tuple[Entry, ...]:
        kyc = tenant.config.kyc
        return (Entry(kyc.provider, kyc.public, kyc.secrets),) if kyc else ()

    def with_entry(self, tenant: Tenant, entry: Entry) -> dict[str, object | None]:
        del tenant
        return {"kyc.provider": entry.provider, "kyc.public": dict(entry.public), "kyc.secrets": dict(entry.secrets)}

    def without(self, tenant: Tenant, provider: str) -> dict[str, object | None]:
        """Take the panel's own values back; a provider that the file names stays, for the file says so."""
        del provider
        keys = ("kyc.provider", "kyc.public", "kyc.secrets")
        return {key: None for key in keys if key in tenant.overrides.values}


def _listed(entries: tuple[Entry, ...]) -> dict[str, object | None]:
    listed: list[dict[str, Any]] = [
        {"provider": one.provider, "public": dict(one.public), "secrets": dict(one.secrets)} for one in entries
    ]
    return {"payments": listed}
