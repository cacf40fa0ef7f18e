"""Setting declarations: one `Setting` yields schema, reference row and `config explain`.

Where a value comes from (defaults file, tenant file) is `tenancy`'s business; this module only declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

Plain = str | int | bool | Decimal | list[str]


@dataclass(frozen=True)
class Setting:
    """Declare one configurable value: dotted key, default, and one sentence of help with the unit.

    `scope` is "installation" (config/defaults.yaml only) or "tenant" (a brand may override it).
    `choices` lists the allowed values; `minimum` and `maximum` bound numbers, inclusive.
    """

    key: str
    default: Plain
    help: str
    scope: str = "tenant"
    choices: tuple[Plain, ...] = ()
    minimum: Plain | None = None
    maximum: Plain | None = None


class SettingRegistry:
    """Hold every declared setting by key, so that docs, schema and explain read one list."""

    def __init__(self) -> None:
        self._settings: dict[str, Setting] = {}

    def declare(self, setting: Setting) -> Setting:
        """Add a setting; the same key twice is our bug."""
        assert setting.key not in self._settings, f"setting {setting.key} is declared twice"
        self._settings[setting.key] = setting
        return setting

    def __iter__(self) -> Iterator[Setting]:
        return iter(sorted(self._settings.values(), key=lambda s: s.key))

    def __contains__(self, key: str) -> bool:
        return key in self._settings

    def __getitem__(self, key: str) -> Setting:
        return self._settings[key]


registry = SettingRegistry()
