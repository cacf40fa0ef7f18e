"""Setting declarations: one `Setting` yields schema, reference row and `config explain`.

Where a value comes from (defaults file, tenant file) is `tenancy`'s business; this module only declares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

Plain = str | int | bool | Decimal | list[str]


class Misfit(NamedTuple):
    """What is wrong with a value that has the right type: what was expected, and what is there.

    `place` is the entry of a list, from 0; None is about the whole value.
    """

    expected: str
    found: str
    place: int | None = None


# What else the files say: a setting's value by its key, or whatever stands under another top-level key of the file.
Said = Callable[[str], object]
Check = Callable[[Any, Said], Iterable[Misfit]]


@dataclass(frozen=True)
class Setting:
    """Declare one configurable value: dotted key, default, and one sentence of help with the unit.

    `scope` is "installation" (config/defaults.yaml only) or "tenant" (a brand may override it).
    `choices` lists the allowed values; `minimum` and `maximum` bound numbers, inclusive. `check` names what else is
    wrong with a value; it is asked wherever a file is read. `sensitive` wants a second person before a change made
    in a brand's panel holds; `panel` says whether the brand's own admin may change it there at all; `unit` is what a
    number counts, such as "bps" or "days".
    """

    key: str
    default: Plain
    help: str
    scope: str = "tenant"
    choices: tuple[Plain, ...] = ()
    minimum: Plain | None = None
    maximum: Plain | None = None
    check: Check | None = None
    sensitive: bool = False
    panel: bool = True
    unit: str = ""


class SettingRegistry:
    """Hold every declared setting by key, so that docs, schema and explain read one list."""

    def __init__(self) -> None:
        self._settings: dict[str, Setting] = {}
        self._above: set[str] = set()
        self._sections: frozenset[str] = frozenset()
        self._sorted: tuple[Setting, ...] | None = None

    def declare(self, setting: Setting) -> Setting:
        """Add a setting; the same key twice is our bug."""
        assert setting.key not in self._settings, f"setting {setting.key} is declared twice"
        self._settings[setting.key] = setting
        words = setting.key.split(".")
        self._above.update(".".join(words[:length]) for length in range(1, len(words)))
        self._sorted, self._sections = None, self._sections | {words[0]}
        return setting

    @property
    def sections(self) -> frozenset[str]:
        """Return the first word of every declared key: the top-level keys of a file that hold settings."""
        return self._sections

    def holds(self, above: str) -> bool:
        """Tell whether `above` is the beginning of a declared key: a map that holds settings."""
        return above in self._above

    def __iter__(self) -> Iterator[Setting]:
        if self._sorted is None:
            self._sorted = tuple(sorted(self._settings.values(), key=lambda s: s.key))
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._settings)

    def __contains__(self, key: str) -> bool:
        return key in self._settings

    def __getitem__(self, key: str) -> Setting:
        return self._settings[key]


registry = SettingRegistry()
