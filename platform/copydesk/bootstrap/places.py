"""Where an installation's files lie, and every setting that its packages declare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import copydesk
from copydesk.kernel import SettingRegistry
from copydesk.tenancy import declarations


@dataclass(frozen=True)
class Installation:
    """Name the places under one installation's root."""

    root: Path
    var: Path

    @property
    def tenants(self) -> Path:
        return self.root / "tenants"

    @property
    def defaults(self) -> Path:
        return self.root / "config" / "defaults.yaml"

    @property
    def themes(self) -> Path:
        return self.root / "themes"


def declared_settings() -> SettingRegistry:
    """Let every package's `settings.py` declare itself, and return the registry."""
    package = Path(copydesk.__file__).parent
    return declarations(f"copydesk.{path.parent.name}.settings" for path in sorted(package.glob("*/settings.py")))
