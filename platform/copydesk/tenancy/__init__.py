"""Brands: what a tenant file says, which host is whose, and where each setting's value comes from.

Owns `tenants/<slug>/tenant.yaml`, `config/defaults.yaml` and the table of registered brands. Knows no secret
(only `secret:` references) and nothing of the packages that declare settings.
"""

from copydesk.tenancy.cascade import explain, installation_value, load_defaults, setting_value
from copydesk.tenancy.directory import TenantDirectory
from copydesk.tenancy.load import TENANT_FILE, host_conflicts, load_tenant, missing_secrets
from copydesk.tenancy.model import Cascade, Explained, Layer, LayerValues, Tenant, TenantError
from copydesk.tenancy.schema import Brand, Colors, Exchange, Gateway, Smtp, TenantConfig
from copydesk.tenancy.settings import (
    FEATURE_DESK,
    FEATURE_LEADERBOARD,
    HSTS_PRELOAD,
    REFRESH_INTERVAL_MS,
    SECURITY_CONTACT,
    declarations,
)
from copydesk.tenancy.store import ensure_tenant, tenant_ids
from copydesk.tenancy.tables import TenantRecord
from copydesk.tenancy.values import closest

__all__ = [
    "FEATURE_DESK",
    "FEATURE_LEADERBOARD",
    "HSTS_PRELOAD",
    "REFRESH_INTERVAL_MS",
    "SECURITY_CONTACT",
    "TENANT_FILE",
    "Brand",
    "Cascade",
    "Colors",
    "Exchange",
    "Explained",
    "Gateway",
    "Layer",
    "LayerValues",
    "Smtp",
    "Tenant",
    "TenantConfig",
    "TenantDirectory",
    "TenantError",
    "TenantRecord",
    "closest",
    "declarations",
    "ensure_tenant",
    "explain",
    "host_conflicts",
    "installation_value",
    "load_defaults",
    "load_tenant",
    "missing_secrets",
    "setting_value",
    "tenant_ids",
]
