"""Brands: what a tenant file says, which host is whose, and where each setting's value comes from.

Owns `tenants/<slug>/tenant.yaml`, `config/defaults.yaml`, the table of registered brands and what their panels have
set. Knows no secret (only `secret:` references) and nothing of the packages that declare settings.

`declared` lists every key, for forms, pages and checks; `SettingsDesk` changes them from the panel.
"""

from copydesk.tenancy.cascade import explain, installation_value, load_defaults, setting_value
from copydesk.tenancy.changes import Change, RefusedSettings, Revision, RevisionState
from copydesk.tenancy.declared import Declared, Kind, declared, declared_of
from copydesk.tenancy.directory import TenantDirectory
from copydesk.tenancy.files import is_kept, keep_file, read_file
from copydesk.tenancy.last_good import LastGood
from copydesk.tenancy.load import TENANT_FILE, UNSERVED, host_conflicts, load_tenant, missing_secrets, tenant_files
from copydesk.tenancy.model import (
    Asset,
    Cascade,
    Explained,
    Layer,
    LayerValues,
    Origin,
    Overrides,
    Tenant,
    TenantError,
    TenantStatus,
)
from copydesk.tenancy.overrides import DatabaseOverrides, Head, OverrideSource
from copydesk.tenancy.revisions import SettingsDesk
from copydesk.tenancy.schema import (
    SCHEMA_VERSION,
    Brand,
    Colors,
    Exchange,
    Gateway,
    Letter,
    MarketTerms,
    Smtp,
    TenantConfig,
)
from copydesk.tenancy.settings import (
    FEATURE_API,
    FEATURE_DESK,
    FEATURE_LEADERBOARD,
    FEATURE_STRATEGY_PAGES,
    FEATURE_TRADERS,
    HSTS_PRELOAD,
    PLATFORM_RATIO,
    PROFIT_SHARE_RATIO,
    PROFIT_SHARE_RATIO_MAX,
    REFRESH_INTERVAL_MS,
    SECURITY_CONTACT,
    declarations,
)
from copydesk.tenancy.store import ensure_tenant, tenant_ids
from copydesk.tenancy.tables import TenantRecord
from copydesk.tenancy.values import closest

__all__ = [
    "FEATURE_API",
    "FEATURE_DESK",
    "FEATURE_LEADERBOARD",
    "FEATURE_STRATEGY_PAGES",
    "FEATURE_TRADERS",
    "HSTS_PRELOAD",
    "PLATFORM_RATIO",
    "PROFIT_SHARE_RATIO",
    "PROFIT_SHARE_RATIO_MAX",
    "REFRESH_INTERVAL_MS",
    "SCHEMA_VERSION",
    "SECURITY_CONTACT",
    "TENANT_FILE",
    "UNSERVED",
    "Asset",
    "Brand",
    "Cascade",
    "Change",
    "Colors",
    "DatabaseOverrides",
    "Declared",
    "Exchange",
    "Explained",
    "Gateway",
    "Head",
    "Kind",
    "LastGood",
    "Layer",
    "LayerValues",
    "Letter",
    "MarketTerms",
    "Origin",
    "OverrideSource",
    "Overrides",
    "RefusedSettings",
    "Revision",
    "RevisionState",
    "SettingsDesk",
    "Smtp",
    "Tenant",
    "TenantConfig",
    "TenantDirectory",
    "TenantError",
    "TenantRecord",
    "TenantStatus",
    "closest",
    "declarations",
    "declared",
    "declared_of",
    "ensure_tenant",
    "explain",
    "host_conflicts",
    "installation_value",
    "is_kept",
    "keep_file",
    "load_defaults",
    "load_tenant",
    "missing_secrets",
    "read_file",
    "setting_value",
    "tenant_files",
    "tenant_ids",
]
