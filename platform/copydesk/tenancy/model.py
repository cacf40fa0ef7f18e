"""Values of tenancy: one configuration error, one explained setting, one brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from copydesk.tenancy.fields import STORED
from copydesk.tenancy.schema import TenantConfig
from copydesk.tenancy.values import SettingValue


@dataclass(frozen=True)
class TenantError:
    """Say where a brand's configuration is wrong.

    `line` counts from 1, and is 0 where `file` is no file but a revision of the panel; `column` is 0 unless the YAML
    itself is malformed.
    """

    file: str
    line: int
    key: str
    expected: str
    found: str
    column: int = 0

    @property
    def place(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        subject = f"{self.key}: " if self.key else ""
        return f"{self.place}: {subject}expected {self.expected}, found {self.found}"


class Layer(StrEnum):
    """Where a value comes from, weakest first."""

    CODE = "code default"
    INSTALLATION = "installation defaults"
    TENANT = "tenant file"
    PANEL = "panel"


class TenantStatus(StrEnum):
    """Whether a brand does business: a suspended one tells visitors so and opens nothing; closes go on."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class Explained:
    """One value with the layer that decided it.

    `source` is `file:line`, names the declaration, or names revision, author and time of what the panel set.
    """

    key: str
    value: object
    layer: Layer
    source: str
    help: str = ""


class Origin(NamedTuple):
    """Which revision gave an override its value, whose it was, and when it began to hold."""

    revision: int
    author: str
    at: datetime


@dataclass(frozen=True)
class Overrides:
    """What a brand's panel has set: dotted keys to plain values as YAML would give them.

    A list or map is replaced as a whole. Revision 0 without values is a brand whose file alone holds; `hash` covers the
    values. `origins` tells for each key where its value comes from.
    """

    revision: int = 0
    hash: str = ""
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def place(self) -> str:
        """Name the revision where an error says its place; a change that is not saved yet has no number."""
        return f"panel revision {self.revision}" if self.revision else "this change"


@dataclass(frozen=True)
class LayerValues:
    """What one layer says: dotted setting keys to checked values, and the line of each; `digest` is the file's."""

    file: str
    values: Mapping[str, SettingValue] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    digest: str = ""


@dataclass(frozen=True)
class Cascade:
    """The layers above the code defaults, as they were when the brand was loaded."""

    defaults: LayerValues
    tenant: LayerValues
    panel: LayerValues = field(default_factory=lambda: LayerValues(""))


class Asset(NamedTuple):
    """Where a picture or font of a brand lies: a file at `path`, or `stored` under a name in the database."""

    path: Path | None
    stored: str = ""


@dataclass(frozen=True)
class Tenant:
    """One brand as loaded from its file and its panel's overrides; never changes, a reload makes a new one.

    `revision_hash` is the same wherever the same values hold: 12 hexadecimal digits over file, defaults, overrides and
    schema.
    """

    slug: str
    path: Path
    config: TenantConfig
    cascade: Cascade
    overrides: Overrides = field(default_factory=Overrides)
    revision_hash: str = ""
    status: TenantStatus = TenantStatus.ACTIVE
    suspend_reason: str = ""

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
        """Return only what this brand itself sets, in file or panel, by dotted key."""
        return {**self.cascade.tenant.values, **self.cascade.panel.values}

    def asset_path(self, name: str) -> Path:
        """Return where a brand file (logo, favicon, font) lies; the schema allows plain file names only."""
        return self.path.parent / name

    def asset(self, name: str) -> Asset:
        """Say where the value of `brand.logo`, `brand.favicon` or `brand.font` lies."""
        if name.startswith(STORED):
            return Asset(None, name.removeprefix(STORED))
        return Asset(self.asset_path(name))
