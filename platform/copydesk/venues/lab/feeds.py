"""Scripted harms on the way to whoever follows an exchange's public prices: absurd prices, and feeds that stand still.

Only what the public streams tell is harmed: REST, books, marks and orders go on by the true prices. A dialect hands
every payload through `told` and names the fields in which it writes prices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.venues.lab.faults import Fault, Harm

Fields = frozenset[str]
STILL, REPEAT, SILENT = "still", "repeat", "silent"


class PublicTelling:
    """What one exchange's public streams have told last, by channel, and the harms in force."""

    def __init__(self) -> None:
        self.harms: list[Fault] = []
        self._last: dict[str, bytes] = {}
        self._hits: Counter[tuple[int, str]] = Counter()

    def lift(self, harm: Fault) -> None:
        """End one harm."""
        self.harms = [one for one in self.harms if one is not harm]

    def told(self, channel: str, spot: tuple[str, str], payload: bytes, prices: Fields) -> bytes | None:
        """Return what a channel tells instead of this payload, None for nothing; `spot` is its market and symbol."""
        harm = next((one for one in self.harms if self._strikes(one, channel, spot)), None)
        if harm is None:
            self._last[channel] = payload
            return payload
        return _TOLD[harm.harm](harm, self._last.get(channel), payload, prices)

    def _strikes(self, harm: Fault, channel: str, spot: tuple[str, str]) -> bool:
        """Tell whether a harm hits a channel once more; each channel is hit `times` times."""
        if harm.market != spot[0] or harm.symbol not in ("", spot[1]):
            return False
        if harm.times is not None and self._hits[harm.id, channel] >= harm.times:
            return False
        self._hits[harm.id, channel] += 1
        harm.hits += 1
        return True


def _misprinted(harm: Fault, _last: bytes | None, payload: bytes, prices: Fields) -> bytes:
    ratio = 1 + Decimal(str(harm.percent)) / 100

    def absurd(text: str, _before: object) -> str:
        px = Decimal(text)
        return f"{(px * ratio).quantize(px):f}"

    return orjson.dumps(_changed(orjson.loads(payload), None, prices, absurd))


def _frozen(harm: Fault, last: bytes | None, payload: bytes, prices: Fields) -> bytes | None:
    if harm.how == SILENT or last is None:
        return None
    if harm.how == REPEAT:
        return last
    fresh, before = orjson.loads(payload), orjson.loads(last)
    return orjson.dumps(_changed(fresh, before, prices, lambda text, was: was if isinstance(was, str) else text))


def _changed(fresh: Any, before: Any, prices: Fields, change: Callable[[str, Any], str]) -> Any:
    """Return a payload with every price changed; `before` is the same place of an earlier one."""
    if isinstance(fresh, list):
        befores = before if isinstance(before, list) and len(before) == len(fresh) else [None] * len(fresh)
        return [_changed(one, was, prices, change) for one, was in zip(fresh, befores, strict=True)]
    if not isinstance(fresh, dict):
        return fresh
    was: Mapping[str, Any] = before if isinstance(before, dict) else {}
    return {
        name: change(value, was.get(name))
        if name in prices and isinstance(value, str) and value
        else _changed(value, was.get(name), prices, change)
        for name, value in fresh.items()
    }


_TOLD: Mapping[Harm, Callable[[Fault, bytes | None, bytes, Fields], bytes | None]] = {
    Harm.MISPRINT: _misprinted,
    Harm.FREEZE: _frozen,
}
