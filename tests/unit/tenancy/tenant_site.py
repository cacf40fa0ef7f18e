"""A complete tenant file, and one installation on disk to put it in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from copydesk.kernel import SettingRegistry
from copydesk.tenancy import Tenant, TenantError, load_tenant

GOOD = """\
schema: 2
brand:
  name: North
  tagline: Copy with care
  hosts: [north.example]
  theme: plain
  colors:
    brand: "#112233"
  logo: logo.svg
  favicon: favicon.svg
locales: [en, de]
locale_default: en
exchanges:
  - venue: binance
    environment: lab
    markets: [BTC/USDT]
"""


@dataclass
class Site:
    """One installation on disk."""

    root: Path
    settings: SettingRegistry

    @property
    def tenants(self) -> Path:
        return self.root / "tenants"

    @property
    def defaults(self) -> Path:
        return self.root / "config" / "defaults.yaml"

    def write(self, slug: str, text: str) -> Path:
        folder = self.tenants / slug
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("logo.svg", "favicon.svg"):
            (folder / name).write_text("<svg/>")
        path = folder / "tenant.yaml"
        path.write_text(text)
        return path

    def load(self, text: str, slug: str = "north") -> Tenant | list[TenantError]:
        return load_tenant(self.write(slug, text), settings=self.settings)

    def errors(self, text: str) -> list[TenantError]:
        loaded = self.load(text)
        assert isinstance(loaded, list), "expected errors, the file loaded"
        return loaded

    def tenant(self, text: str = GOOD, slug: str = "north") -> Tenant:
        loaded = self.load(text, slug)
        assert isinstance(loaded, Tenant), loaded
        return loaded
