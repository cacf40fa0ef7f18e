"""Says what is wrong with the payment gateways of a brand's configuration, by file and line."""

from __future__ import annotations

from copydesk.payments.table import PROVIDERS
from copydesk.providers import fits
from copydesk.tenancy import Tenant, TenantError


def gateway_errors(tenant: Tenant) -> list[TenantError]:
    """Return every gateway that no provider of ours is, or that lacks a field; not asked while a brand is served.

    A brand that was written for another version goes on serving its site: who checks it is told.
    """
    lines = tenant.cascade.tenant.lines
    errors = []
    for index, gateway in enumerate(tenant.config.payments):
        for misfit in fits(PROVIDERS, gateway.provider, gateway.public, gateway.secrets):
            key = ".".join(filter(None, (f"payments.{index}", misfit.field)))
            line = lines.get(key, lines.get(f"payments.{index}", 1))
            errors.append(TenantError(str(tenant.path), line, key, misfit.expected, misfit.found))
    return errors
