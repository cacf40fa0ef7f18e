"""Says what is wrong with the provider that identifies a brand's people, by file and line."""

from __future__ import annotations

from copydesk.kyc.table import PROVIDERS
from copydesk.providers import fits
from copydesk.tenancy import Tenant, TenantError


def kyc_errors(tenant: Tenant) -> list[TenantError]:
    """Return what is wrong with a brand's provider, if it names one; not asked while a brand is served."""
    kyc = tenant.config.kyc
    if kyc is None:
        return []
    lines = tenant.cascade.tenant.lines
    return [
        TenantError(
            str(tenant.path),
            lines.get(f"kyc.{misfit.field}", lines.get("kyc", 1)),
            ".".join(filter(None, ("kyc", misfit.field))),
            misfit.expected,
            misfit.found,
        )
        for misfit in fits(PROVIDERS, kyc.provider, kyc.public, kyc.secrets)
    ]
