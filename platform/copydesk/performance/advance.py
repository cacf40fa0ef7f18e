"""Take a record on by new rows, and say which points it has then. Pure.

Two folds: one to the moment up to which nothing more is expected, which is kept, and one from there to now, which is
shown and made again the next time. So a row that is two minutes late changes nothing but what is shown meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from copydesk.analytics import Raw, Rolled, Series, Summary, fold, rolled, settled_s

GRAINS: Mapping[str, int] = {"minute": 60, "hour": 3_600, "day": 86_400}


class Part(NamedTuple):
    """What is settled of an hour or a day that is not over."""

    at_s: int
    equity: float
    flow: float
    index_close: float
    index_low: float
    index_high: float


Parts = Mapping[str, Part]


class Advanced(NamedTuple):
    """`kept` is stored, `shown` read for figures. `points` replace those of each grain from `since_s` on."""

    kept: Summary
    shown: Summary
    parts: Parts
    points: Mapping[str, Rolled]
    since_s: Mapping[str, int]


def advance(summary: Summary, parts: Parts, raw: Raw, *, now_s: int) -> Advanced:
    """Fold new rows into a record up to `now_s`; a moment before the record's changes nothing."""
    cut = max(settled_s(now_s), summary.at_s)
    kept, first = fold(summary, raw, until_s=cut)
    shown, second = fold(kept, raw, until_s=max(now_s, cut))
    whole = _joined(first, second)
    return Advanced(
        kept,
        shown,
        {grain: part for grain, step in GRAINS.items() if (part := _part(first, parts.get(grain), step, cut))},
        {grain: _points(whole, parts.get(grain), step) for grain, step in GRAINS.items()},
        {grain: summary.at_s // step * step for grain, step in GRAINS.items()},
    )


def opening_parts(began_s: int, equity: float) -> dict[str, Part]:
    """Return the first point of a record, which no series tells."""
    return {grain: Part((began_s - 1) // step * step, equity, 0.0, 1.0, 1.0, 1.0) for grain, step in GRAINS.items()}


def parts_json(parts: Parts) -> dict[str, list[float]]:
    """Write parts as plain values."""
    return {grain: list(part) for grain, part in parts.items()}


def parts_of(stored: Mapping[str, Any]) -> dict[str, Part]:
    """Read what `parts_json` wrote."""
    return {grain: Part(int(at_s), *told) for grain, (at_s, *told) in stored.items()}


def _joined(first: Series, second: Series) -> Series:
    if not len(second):
        return first
    names = ("at_s", "equity", "flow", "open_count", "exposure", "index")
    return Series(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))


def _points(series: Series, part: Part | None, step: int) -> Rolled:
    """Sum a series up to spans, the first of which may have begun before."""
    spans = rolled(series, step)
    if part is None:
        return spans
    if not len(spans.at_s) or spans.at_s[0] != part.at_s:
        before = [np.concatenate([[told], column]) for told, column in zip(part, _columns(spans), strict=True)]
        return Rolled(before[0].astype(np.int64), *before[1:])
    spans.flow[0] += part.flow
    spans.index_low[0] = min(spans.index_low[0], part.index_low)
    spans.index_high[0] = max(spans.index_high[0], part.index_high)
    return spans


def _part(series: Series, part: Part | None, step: int, cut: int) -> Part | None:
    """Return what of the span that `cut` lies in is settled; None where nothing is, or where no span is cut."""
    spans = _points(series, part, step)
    if not len(spans.at_s) or spans.at_s[-1] + step <= cut:
        return None
    at_s, *told = (column[-1] for column in _columns(spans))
    return Part(int(at_s), *map(float, told))


def _columns(spans: Rolled) -> tuple[Any, ...]:
    return spans.at_s, spans.equity, spans.flow, spans.index_close, spans.index_low, spans.index_high
