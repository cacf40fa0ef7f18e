"""Find and record money that came in or went out without trading, so that it counts as no performance.

A leader's account is sampled every few seconds. Where it jumps between two samples, nothing was traded around them, and
prices cannot have done it, somebody paid in or took out. What was recorded once is a raw row like any other: a
recomputation takes it as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from sqlalchemy import text

from copydesk.analytics.record import Floats
from copydesk.db import TenantSession, array_literal, number_array
from copydesk.performance.ledger import Line
from copydesk.performance.raw import Samples

# A jump is more than this share of equity, more than so much money, and more than this share of what is open.
JUMP_RATIO, JUMP_MIN, EXPOSURE_RATIO = 0.002, 1.0, 0.03
# A sample this near to a fill may or may not have it in.
FILL_GRACE_S = 5.0
# Samples closer to each other than this are compared as they are: prices by the minute do not follow them.
APART_S = 60.0
_DIGITS = Decimal("0.00000001")

_RECORD = text(
    """
    INSERT INTO cash_flow (tenant_id, strategy_id, at, amount, kind)
    SELECT :tenant_id, :id, told.at, told.amount, 'observed'
    FROM unnest(CAST(:ats AS timestamptz[]), CAST(:amounts AS numeric[])) AS told (at, amount) ON CONFLICT DO NOTHING
    """
)
_FORGET = text("DELETE FROM cash_flow WHERE strategy_id = :id AND kind = 'observed'")
_OPENING = text(
    """
    INSERT INTO cash_flow (tenant_id, strategy_id, at, amount, kind) VALUES (:tenant_id, :id, :at, :amount, 'opening')
    ON CONFLICT DO NOTHING
    """
)
_ALLOCATED = text(
    """
    INSERT INTO cash_flow (tenant_id, subscription_id, at, amount, kind)
    SELECT s.tenant_id, s.id, CASE WHEN told.total IS NULL THEN s.created_at ELSE :now END,
           s.allocation - coalesce(told.total, 0), CASE WHEN told.total IS NULL THEN 'opening' ELSE 'allocation' END
    FROM subscription s
    LEFT JOIN LATERAL (SELECT sum(f.amount) AS total FROM cash_flow f
                       WHERE f.tenant_id = s.tenant_id AND f.subscription_id = s.id) AS told ON true
    WHERE s.id = ANY (CAST(:ids AS bigint[])) AND s.allocation <> coalesce(told.total, 0)
    ON CONFLICT DO NOTHING
    """
)


class Stood(NamedTuple):
    """What an account held around each sample: its worth by the minute, without a sign and with it."""

    gross: Floats
    net: Floats


class Seen(NamedTuple):
    """Money that was seen to come in, below zero to go out; `at_s` since 1970."""

    at_s: float
    amount: float


def jumps(samples: Samples, stood: Stood, fills_s: Floats) -> list[Seen]:
    """Return the jumps between consecutive samples that nothing explains. Pure.

    `stood.net` is what the positions were worth at each sample, at prices by the minute. Pairs with a fill around them
    say nothing.
    """
    at_s, equity = samples
    if len(at_s) < 2:
        return []
    moved, gap = np.diff(equity), np.diff(at_s)
    priced = np.where(gap >= APART_S, np.diff(stood.net), 0.0)
    jump = moved - priced
    bound = np.maximum(JUMP_RATIO * np.abs(equity[:-1]), JUMP_MIN)
    bound = np.maximum(bound, EXPOSURE_RATIO * np.maximum(stood.gross[1:], stood.gross[:-1]))
    before = np.searchsorted(fills_s, at_s[:-1] - FILL_GRACE_S, "left")
    after = np.searchsorted(fills_s, at_s[1:] + FILL_GRACE_S, "right")
    found = np.flatnonzero((np.abs(jump) > bound) & (before == after))
    return [Seen(float(at_s[place + 1]), float(jump[place])) for place in found]


def stood_at(
    moments: Floats, held: Mapping[str, float], moves: Iterable[tuple[str, Floats, Floats]], lines: Mapping[str, Line]
) -> Stood:
    """Return what was held at each moment and what it was worth. Pure.

    `held` is what an instrument stood at before, `moves` its fills (seconds, signed quantities, in order of time).
    An instrument without a price counts as nothing.
    """
    gross, net = np.zeros(len(moments)), np.zeros(len(moments))
    changed = {name: (at_s, qty) for name, at_s, qty in moves}
    for name in {*held, *changed}:
        line = lines.get(name)
        if line is None or not len(line.at_s):
            continue
        at_s, qty = changed.get(name, (np.empty(0), np.empty(0)))
        level = np.concatenate([[held.get(name, 0.0)], held.get(name, 0.0) + np.cumsum(qty)])
        position = level[np.searchsorted(at_s, moments, "right")]
        place = np.maximum(np.searchsorted(line.at_s, moments, "right") - 1, 0)
        worth = position * line.px[place]
        gross, net = gross + np.abs(worth), net + worth
    return Stood(gross, net)


def record_opening(session: TenantSession, strategy_id: int, *, at: datetime, equity: float) -> None:
    """Record what a strategy's account was worth when its record begins."""
    told = {"tenant_id": session.tenant_id, "id": strategy_id, "at": at, "amount": _amount(equity)}
    session.execute(_OPENING, told)


def record_seen(session: TenantSession, strategy_id: int, seen: Sequence[Seen], *, not_before_s: int) -> None:
    """Record payments; one that is found late counts from the next moment that is not settled yet."""
    if not seen:
        return
    # Two of one moment are two.
    moments = [
        datetime.fromtimestamp(max(one.at_s, not_before_s + 1.0), UTC) - timedelta(microseconds=place)
        for place, one in enumerate(seen)
    ]
    told = {
        "tenant_id": session.tenant_id,
        "id": strategy_id,
        "ats": array_literal(moments),
        "amounts": array_literal([_amount(one.amount) for one in seen]),
    }
    session.execute(_RECORD, told)


def record_allocations(session: TenantSession, subscription_ids: Collection[int], *, now: datetime) -> None:
    """Record what subscriptions began with, and by how much their allocations were changed since the last look."""
    session.execute(_ALLOCATED, {"ids": number_array(sorted(subscription_ids)), "now": now})


def forget_seen(session: TenantSession, strategy_id: int) -> None:
    """Forget what was observed of a strategy: it is about to be looked for anew."""
    session.execute(_FORGET, {"id": strategy_id})


def _amount(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_DIGITS)
