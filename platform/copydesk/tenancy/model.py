"""Values of tenancy: one configuration error, one explained setting, one brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from copydesk.tenancy.schema import TenantConfig
from copydesk.tenancy.values import SettingValue


@dataclass(frozen=True)
class TenantError:
    """Say where a tenant file is wrong. `line` counts from 1; `column` is 0 unless the YAML itself is malformed."""

    file: str
    line: int
    key: str
    expected: str
    found: str
    column: int = 0

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        subject = f"{self.key}: " if self.key else ""
        return f"{self.place}: {subject}expected {self.expected}, found {self.found}"


class Layer(StrEnum):
    """Where a value comes from, weakest first."""

    CODE = "code default"
    INSTALLATION = "installation defaults"
    TENANT = "tenant file"


@dataclass(frozen=True)
class Explained:
    """One value with the layer that decided it. `source` is `file:line`, or names the declaration."""

    key: str
    value: object
    layer: Layer
    source: str
    help: str = ""


@dataclass(frozen=True)
class LayerValues:
    """What one file says: dotted setting keys to checked values, and the line of each."""

    file: str
    values: Mapping[str, SettingValue] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Cascade:
    """The two files above the code defaults, as they were when the brand was loaded."""

    defaults: LayerValues
    tenant: LayerValues


@dataclass(frozen=True)
class Tenant:
    """One brand as loaded from its file; never changes, a reload makes a new one."""

    slug: str
    path: Path
    config: TenantConfig
    cascade: Cascade

    @property
    def name(self) -> str:
        return self.config.brand.name

    @property
    def hosts(self) -> tuple[str, ...]:
        return self.config.brand.hosts

    @property
    def theme(self) -> str:
        return self.config.brand.theme

    @property
    def settings(self) -> Mapping[str, SettingValue]:
        """Return only what this brand's own file sets, by dotted key."""
        return self.cascade.tenant.values

    def asset_path(self, name: str) -> Path:
        """Return where a brand file (logo, favicon, font) lies; the schema allows plain file names only."""
        return self.path.parent / name
